# Behind a mirror: --build-arg BASE_IMAGE=… --build-arg PIP_INDEX_URL=…
# The digest is that of the tag's multi-platform index (docker-library/repo-info, 2026-09-19): Python 3.11.16.
ARG BASE_IMAGE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE_IMAGE} AS build
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The runtime goes into an environment without pip; the build tools stay in this stage.
RUN python3 -m venv /tools && python3 -m venv --without-pip /opt/banjia
COPY requirements/image.txt requirements/build.txt requirements/
RUN /tools/bin/pip --python /opt/banjia/bin/python install --no-compile --require-hashes -r requirements/image.txt \
    && /tools/bin/pip install --no-compile --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY scripts/launcher.py scripts/launcher_main.py scripts/
COPY adapters adapters
COPY config config
COPY emulators emulators
COPY proxy proxy
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /tools/bin/pip --python /opt/banjia/bin/python install --no-compile --no-deps --no-index /wheel/*.whl \
    && /opt/banjia/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/banjia/lib

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="banjia" \
      org.opencontainers.image.description="An OpenAI-compatible migration proxy" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
COPY --from=build /opt/banjia /opt/banjia
# banjia listens on all interfaces here, so it requires a client key: BANJIA_CLIENT_KEY or a configuration.
ENV PATH=/opt/banjia/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BANJIA_SERVER__LISTEN=0.0.0.0:8080
# Vendors are verified by the CA certificates of the base image: fail the build if it has none.
RUN ["python3", "-c", "import ssl; assert ssl.create_default_context().cert_store_stats()['x509_ca'], 'no ca-certificates in the base'"]
# For a volume with the store, if store.url names a file here: a new volume of Docker gets this owner and mode.
RUN ["install", "--directory", "--mode=0700", "--owner=10001", "--group=10001", "/var/lib/banjia"]
WORKDIR /
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["banjia", "healthcheck"]
ENTRYPOINT ["banjia"]
CMD ["serve"]
