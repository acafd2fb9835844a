"""The deployment files are valid, use only existing settings, and agree with the image and with one another."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.loader.environment import key_names, vendors_by_rank
from config.loader.load import load
from config.schema import Server, Settings
from tests.project.manifests import (
    COMPOSE,
    KUBERNETES,
    Container,
    containers,
    documents,
    kubernetes_schema,
    mistakes,
    with_secrets,
)
from tests.project.pages.documents import ROOT

FILES = [*COMPOSE, *KUBERNETES]
SIDECARS = [path for path in FILES if "sidecar" in path.name]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NOT_OURS = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE"}
"""Variables that are read by what banjia is made of."""
STORE = "/var/lib/banjia"
"""The folder of the image for a volume with the store."""
STORE_URL = "BANJIA_STORE__URL"
STORED = ROOT / "deploy" / "kubernetes" / "statefulset.yaml"
"""The one file that keeps state as it is."""

SERVICES = [ROOT / "deploy" / "kubernetes" / "deployment.yaml", STORED]
"""The files of Kubernetes that run banjia as a service."""

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def read(path: Path) -> list[Any]:
    return documents(path.read_text(encoding="utf-8"))


def ours(path: Path) -> Container:
    """The one container of banjia in a file."""
    [one] = containers(read(path))
    return one


def image_environment() -> dict[str, str]:
    """What the image itself sets."""
    [words] = re.findall(r"^ENV (PATH=\S+banjia.*)$", DOCKERFILE, re.MULTILINE)
    return dict(word.split("=", 1) for word in shlex.split(words))


def settings(one: Container, folder: Path, **more: str) -> Settings:
    """Return banjia's settings for a container's environment and configuration, with placeholders for secrets.

    ``more``: variables that the user sets.
    """
    given = {
        name: "for-the-test" if value is None or "${" in value else value for name, value in one.environment.items()
    }
    if given.get(STORE_URL):
        del given[STORE_URL]  # Compose passes it on if the user sets it
    environment = {**image_environment(), **given, **more}
    environment.pop("BANJIA_CONFIG", None)
    path = None
    if one.configuration is not None:
        path = folder / "banjia.yaml"
        path.write_text(with_secrets(one.configuration, folder), encoding="utf-8")
    loaded = load(path, environment)
    assert loaded.warnings == []
    return loaded.settings


@each_file
def test_a_file_matches_its_schema(path: Path) -> None:
    assert [(document.get("kind"), mistakes(document)) for document in read(path) if mistakes(document)] == []


def test_the_schemas_are_strict() -> None:
    """Unknown keys and values of the wrong type are reported; otherwise the test above would prove nothing."""
    compose, sidecar = read(COMPOSE[0])[0], read(KUBERNETES[1])[0]
    compose["services"]["banjia"]["read_onyl"] = True
    assert mistakes(compose)
    sidecar["spec"]["template"]["spec"]["initContainers"][0]["restartPolice"] = "Always"
    assert mistakes(sidecar)
    assert not kubernetes_schema("Service").is_valid(
        {"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": []}
    )


@each_file
def test_every_setting_that_a_file_names_is_one_that_banjia_takes(path: Path, tmp_path: Path) -> None:
    one = ours(path)
    keys = {name for vendor in vendors_by_rank() for name in key_names(vendor)}
    assert {name for name in one.environment if not name.startswith("BANJIA_")} <= keys | NOT_OURS
    assert settings(one, tmp_path).vendors


@each_file
def test_there_is_no_secret_in_a_file_and_none_by_default(path: Path, tmp_path: Path) -> None:
    for name, value in ours(path).environment.items():
        if name.endswith(("_KEY", "_TOKEN")):
            assert value is None or value.startswith(f"${{{name}:?"), name
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bsk-\w|:-[^}]", text)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_the_configuration_finds_its_secrets_where_they_are_mounted(path: Path) -> None:
    one = ours(path)
    named = re.findall(r"file:(/\S+)/[\w.-]+", one.configuration or "")
    assert named
    assert set(named) == one.secrets


@each_file
def test_banjia_has_no_rights_and_nothing_to_write_to_but_a_volume_for_the_store(path: Path) -> None:
    assert ours(path).hardened
    assert ours(path).writable <= {STORE}


@each_file
def test_banjia_keeps_state_in_memory_unless_the_store_is_set_to_a_file_on_a_volume(path: Path, tmp_path: Path) -> None:
    one = ours(path)
    assert (settings(one, tmp_path).store.url == "memory") == (path != STORED)
    if one.writable:
        store = settings(one, tmp_path, **{STORE_URL: f"sqlite:{STORE}/banjia.db"}).store
        assert set(one.writable) == {str(Path(store.path).parent)}
        assert f"sqlite:{STORE}/banjia.db" in path.read_text(encoding="utf-8")
    else:
        assert "statefulset.yaml" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_passes_the_url_of_the_store_from_the_users_environment(path: Path) -> None:
    environment = ours(path).environment
    assert STORE_URL in environment
    assert environment[STORE_URL] is None


def test_one_pod_alone_writes_to_a_volume_that_it_keeps_to_itself() -> None:
    """Two pods would not find each other's responses; and the kubelet must not let the group read the secret."""
    [stored] = [document["spec"] for document in read(STORED) if document["kind"] == "StatefulSet"]
    assert stored["replicas"] == 1
    [claim] = stored["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    context = stored["template"]["spec"]["securityContext"]
    assert context["fsGroup"] == 10001
    assert context["fsGroupChangePolicy"] == "OnRootMismatch"


def test_the_image_has_a_folder_for_the_store_that_only_its_user_can_read_and_declares_no_volume() -> None:
    """A declared volume would be made for every container, and written to although the file system is read-only."""
    [user] = re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    [words] = [json.loads(line) for line in re.findall(r'^RUN (\["install".*\])$', DOCKERFILE, re.MULTILINE)]
    assert words == ["install", "--directory", "--mode=0700", f"--owner={user}", f"--group={user}", STORE]
    assert not re.search(r"^VOLUME", DOCKERFILE, re.MULTILINE)


@each_file
def test_streams_in_progress_get_the_time_that_they_are_promised(path: Path, tmp_path: Path) -> None:
    """The runtime kills the container only after banjia's own delay and grace period."""
    server = settings(ours(path), tmp_path).server
    assert ours(path).stop_within_s > server.drain_delay_s + server.grace_s


@each_file
def test_the_health_check_of_a_container_uses_its_listen_address(path: Path, tmp_path: Path) -> None:
    """By its own command, which reads the listen address; by HTTP only if it listens beyond loopback."""
    one = ours(path)
    server = settings(one, tmp_path).server
    port = int(server.listen.rpartition(":")[2])
    assert one.health
    for check in one.health:
        assert check in [("banjia", "healthcheck"), ("/livez", port), ("/readyz", port)]
    assert server.beyond_loopback() or set(one.health) == {("banjia", "healthcheck")}


def test_the_default_times_fit_into_the_stop_timeout_of_docker_on_the_page() -> None:
    server = Server()
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    reported = [int(seconds) for seconds in re.findall(r"--stop-timeout (\d+)", page)]
    assert reported
    assert min(reported) > server.drain_delay_s + server.grace_s


@pytest.mark.parametrize("path", SIDECARS, ids=lambda path: path.name)
def test_beside_an_app_banjia_is_found_by_the_app_alone_and_needs_no_client_key(path: Path, tmp_path: Path) -> None:
    server = settings(ours(path), tmp_path).server
    assert not server.beyond_loopback()
    assert server.client_keys == []


@pytest.mark.parametrize("path", [path for path in FILES if path not in SIDECARS], ids=lambda path: path.name)
def test_for_other_machines_banjia_listens_at_the_address_of_the_image_and_requires_a_key(
    path: Path, tmp_path: Path
) -> None:
    server = settings(ours(path), tmp_path).server
    assert server.listen == image_environment()["BANJIA_SERVER__LISTEN"]
    assert server.client_keys
    assert not server.insecure


@pytest.mark.parametrize("path", SIDECARS, ids=lambda path: path.name)
def test_the_app_beside_it_has_the_two_lines_and_no_more(path: Path) -> None:
    [document] = read(path)
    if "services" in document:
        app = document["services"]["app"]
        environment = app["environment"]
        assert app["network_mode"] == "service:banjia"
    else:
        pod = document["spec"]["template"]["spec"]
        [app] = pod["containers"]
        environment = {each["name"]: each["value"] for each in app["env"]}
        assert pod["initContainers"][0]["restartPolicy"] == "Always"
    assert environment == {"OPENAI_BASE_URL": "http://127.0.0.1:8080/v1", "OPENAI_API_KEY": "anything"}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_the_service_of_kubernetes_leads_to_the_pods_and_the_budget_counts_them(path: Path) -> None:
    found = {document["kind"]: document for document in read(path)}
    spec = (found.get("Deployment") or found["StatefulSet"])["spec"]
    labels, pod = spec["template"]["metadata"]["labels"], spec["template"]["spec"]
    [port] = found["Service"]["spec"]["ports"]
    assert found["Service"]["spec"]["selector"] == labels
    assert port["targetPort"] in {each["name"] for each in pod["containers"][0]["ports"]}
    budget = found.get("PodDisruptionBudget")
    assert (budget is None) == (spec["replicas"] == 1)  # with one pod it would only keep nodes from being drained
    if budget:
        assert budget["spec"]["selector"]["matchLabels"] == labels
        assert budget["spec"]["minAvailable"] < spec["replicas"]


def test_the_ports_are_the_images() -> None:
    port = image_environment()["BANJIA_SERVER__LISTEN"].rpartition(":")[2]
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [port]
    for path in FILES:
        text = re.sub(r"^ *#.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert set(re.findall(r":(\d{4,})\b", text)) <= {port}, path


def test_the_image_has_labels_with_version_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', DOCKERFILE))
    assert labels["version"] == project["version"]
    assert labels["licenses"] == project["license"]
    assert labels["title"] == project["name"]


def test_only_the_sources_of_the_image_pass_the_dockerignore() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    needed = {word for line in copied for word in line.split()}
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert needed == set(let_through)


def test_the_base_of_the_image_is_fixed_by_its_digest_and_every_stage_stands_on_it() -> None:
    assert re.findall(r"^ARG BASE_IMAGE=(.*)$", DOCKERFILE, re.MULTILINE) == re.findall(
        r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE
    )
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE_IMAGE}"}
    stand_in = (ROOT / "scripts/extra/container.sh").read_text(encoding="utf-8")
    [tag] = re.findall(r"^base=(.*)$", stand_in, re.MULTILINE)
    assert f"ARG BASE_IMAGE={tag}@sha256:" in DOCKERFILE
