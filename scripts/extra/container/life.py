"""``python -m scripts.extra.container.life ROOT IMAGE.json``: tests the life cycle of a container of the image.

Stops at the first failing step. Run as root in a separate network namespace with only loopback.
"""

import fcntl
import http.client
import json
import os
import signal
import socket
import ssl
import stat
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trustme

from scripts.extra.container.engine import Container, Engine

PORT = 8080
STARTS_WITHIN_S = 2.0
MOST_MIB = 90
KEY = {"BANJIA_CLIENT_KEY": "for-the-test", "MOONSHOT_API_KEY": "unused"}
USER = 10001
STORE = "/var/lib/banjia"
STORE_URL = {"BANJIA_STORE__URL": f"sqlite:{STORE}/banjia.db"}
SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Wrong(Exception):
    """A step failed; the message describes how."""


def tell(line: str) -> None:
    """Print a line of the report."""
    print(f"life.py: {line}", file=sys.stderr, flush=True)


def expect(holds: bool, what: str, container: Container | None = None) -> None:
    """Raise Wrong, with the container's output, unless the condition holds."""
    if not holds:
        raise Wrong(f"{what}\n{container.output}" if container else what)


def loopback_up() -> None:
    """Bring up loopback, which is down in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        set_flags, up_and_running = 0x8914, 0x1 | 0x40
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", up_and_running))


def ask(path: str, body: object = None, *, host: str = "127.0.0.1") -> http.client.HTTPResponse:
    """Send one request with the client key. Raises OSError."""
    connection = http.client.HTTPConnection(host, PORT, timeout=10)
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY['BANJIA_CLIENT_KEY']}"}
    if body is None:
        connection.request("GET", path, headers=headers)
    else:
        connection.request("POST", path, json.dumps(body), headers)
    return connection.getresponse()


def until_ready(container: Container, since: float) -> float:
    """Return the seconds from its start until it is ready."""
    while time.monotonic() < since + 30:
        try:
            if ask("/readyz").status == 200:
                return time.monotonic() - since
        except OSError:
            time.sleep(0.01)
    raise Wrong(f"it did not become ready\n{container.output}")


@contextmanager
def serving(
    engine: Engine, words: list[str] | None = None, mounts: Mapping[Path, str] | None = None, **environment: str
) -> Iterator[tuple[Container, float]]:
    """Run a container that serves; yield it and the time until it was ready (seconds)."""
    started = time.monotonic()
    container = engine.start(words, environment=KEY | environment, mounts=mounts)
    try:
        yield container, until_ready(container, started)
    finally:
        container.end()


def without_a_key(engine: Engine) -> None:
    """Without a client key it does not start, and prints the missing line."""
    ended = engine.run(environment={"MOONSHOT_API_KEY": "unused"})
    expect(ended.code == 2, f"without a client key it ended with {ended.code}, not 2", ended)
    expect(len(ended.output.splitlines()) == 1, "its output is not one line", ended)
    expect("-e BANJIA_CLIENT_KEY=" in ended.output, "its output does not name the variable to set", ended)
    expect("OPENAI_API_KEY" in ended.output, "its output does not name the variable of apps", ended)
    tell(f"without a client key: {ended.output.strip()}")


def without_a_disk(engine: Engine) -> None:
    """Nothing can be written, not even in world-writable folders."""
    for place in ("/tmp", "/opt/banjia", STORE, "/"):
        ended = engine.run(["-c", f"touch {place}/written"], entrypoint=["sh"])
        expect(ended.code != 0 and "Read-only file system" in ended.output, f"{place} can be written to", ended)
    tell("its disk cannot be written to")


def start(engine: Engine) -> None:
    """It is ready in time, has no capabilities, needs little memory, and ends at SIGTERM although it is process 1."""
    times: list[float] = []
    while len(times) < 3 and (not times or min(times) > STARTS_WITHIN_S):  # a busy machine gets another try
        with serving(engine, BANJIA_SERVER__DRAIN_DELAY_S="0") as (container, took):
            times.append(took)
            healthy = engine.run(engine.configuration["Healthcheck"]["Test"][2:], environment=KEY)
            expect(healthy.code == 0, "its own check of its health fails", healthy)
            expect(ask("/livez", host="127.0.0.2").status == 200, "it does not listen on all addresses")
            status = container.status()
            ids = set(status["Uid"].split() + status["Gid"].split())
            expect(ids == {"10001"}, f"it runs as {ids}")
            for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
                expect(int(status[name], 16) == 0, f"it has capabilities: {name} {status[name]}")
            expect(status["NoNewPrivs"] == "1", "it could gain rights")
            mib = int(status["VmRSS"].split()[0]) / 1024
            expect(mib <= MOST_MIB, f"idle it needs {mib:.0f} MiB")
            container.signal(signal.SIGTERM)
            expect(container.wait() == 0, f"at SIGTERM it ended with {container.code}", container)
    expect(min(times) <= STARTS_WITHIN_S, f"it was ready after {min(times):.1f} s at best")
    tell(
        f"ready {min(times):.2f} s after its start, healthy by its own check, without capabilities, {mib:.0f} MiB when idle"
    )


def without_health(engine: Engine) -> None:
    """Its health check fails if nothing serves."""
    ended = engine.run(engine.configuration["Healthcheck"]["Test"][2:], environment=KEY)
    expect(ended.code == 1, f"the health check ended with {ended.code} although nothing serves", ended)


def drain(engine: Engine) -> None:
    """A stream in progress at SIGTERM ends normally; the server is not ready meanwhile, and then exits with 0."""
    body = {
        "model": "gpt-4o",
        "stream": True,
        "messages": [{"role": "user", "content": "emulator:words=20, emulator:gap=100"}],
    }
    with serving(engine, ["serve", "--emulate"], BANJIA_SERVER__DRAIN_DELAY_S="1") as (container, _):
        stream = ask("/v1/chat/completions", body)
        expect(stream.status == 200, f"a stream is answered {stream.status}", container)
        text = stream.readline()
        container.signal(signal.SIGTERM)
        signalled = time.monotonic()
        time.sleep(0.1)
        ready, alive = ask("/readyz").status, ask("/livez").status
        expect((ready, alive) == (503, 200), f"while it drains, /readyz is {ready} and /livez {alive}")
        text += stream.read()
        ended = text.decode().strip()
        expect(
            '"finish_reason":"stop"' in ended and ended.endswith("data: [DONE]"), f"the stream ended as {ended[-200:]}"
        )
        expect(container.wait() == 0, f"after draining it ended with {container.code}", container)
        expect(" w20" in ended or "w20" in ended, "the stream lost its end")
    tell(f"at SIGTERM a stream in progress ended normally; exit code 0 after {time.monotonic() - signalled:.1f} s")


def store(engine: Engine) -> None:
    """The folder for the store belongs to the image's user alone; what is on a volume there outlives the container."""
    folder = engine.root / STORE[1:]
    found = folder.stat()
    mode = (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    expect(mode == (0o700, USER, USER), f"the folder of the store has mode, owner and group {mode}")
    refused = engine.run(environment=KEY | STORE_URL)
    expect(refused.code == 2, f"without a volume for the store it ended with {refused.code}, not 2", refused)
    expect("Read-only file system" in refused.output, "its output does not say why", refused)
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, USER, USER)  # as Docker makes a new volume, from the folder of the image
        mounts = {Path(name): STORE}
        with serving(engine, ["serve", "--emulate"], mounts, BANJIA_SERVER__DRAIN_DELAY_S="0", **STORE_URL) as (one, _):
            answer = ask("/v1/responses", {"model": "gpt-4o", "input": "kept"})
            expect(answer.status == 200, f"a response is answered {answer.status}", one)
            kept = json.load(answer)
            one.signal(signal.SIGTERM)
            expect(one.wait() == 0, f"with a store it ended with {one.code}", one)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(name).iterdir()}
        expect(modes == {"banjia.db": 0o600, "secret": 0o600}, f"the volume has {modes}")
        with serving(engine, ["serve", "--emulate"], mounts, **STORE_URL) as (other, _):
            again = ask(f"/v1/responses/{kept['id']}")
            expect(again.status == 200, f"after a restart a response is answered {again.status}", other)
            expect(json.load(again)["output"] == kept["output"], "after a restart a response is another", other)
    tell("a response on a volume was there after a restart")


@contextmanager
def private_vendor(folder: Path) -> Iterator[tuple[str, Path]]:
    """Run an HTTPS server with a private CA; yield its address, and the certificate of the CA."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    (folder / "authority.pem").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_greet, args=(listener, context), daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1", folder / "authority.pem"


def _greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    answer = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{"data":[]}'
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    encrypted.recv(65536)
                    encrypted.sendall(answer)
            except OSError:
                continue


def trust(engine: Engine) -> None:
    """Vendors are verified by the system's certificates and by those of SSL_CERT_FILE, and by no others."""
    with tempfile.TemporaryDirectory() as name, private_vendor(Path(name)) as (url, authority):
        bundle = Path(name) / "bundle.crt"
        bundle.write_bytes((engine.root / SYSTEM_BUNDLE[1:]).read_bytes() + authority.read_bytes())
        Path(name).chmod(0o755)
        bundle.chmod(0o644)
        roots = bundle.read_text(encoding="utf-8").count("BEGIN CERTIFICATE") - 1
        expect(roots > 50, f"the image has {roots} CA certificates")
        environment = KEY | {"BANJIA_VENDORS__KIMI__BASE_URL": url}
        unknown = engine.run(["doctor"], environment=environment)
        expect(_has_tls_finding(unknown, "fail"), "an unknown authority is trusted", unknown)
        added = engine.run(["doctor"], environment=environment, mounts={bundle: SYSTEM_BUNDLE})
        expect(_has_tls_finding(added, "ok"), "the system's certificates are not used", added)
        named = {"SSL_CERT_FILE": "/etc/hostname"}  # any file of the image can be mounted over
        doctor = engine.run(["doctor"], environment=environment | named, mounts={authority: named["SSL_CERT_FILE"]})
        expect(_has_tls_finding(doctor, "ok"), "SSL_CERT_FILE is not used", doctor)
    tell(f"{roots} CAs are trusted, and a private one by SSL_CERT_FILE or in the system's store")


def _has_tls_finding(ended: Container, word: str) -> bool:
    """Return whether the doctor reports this about the certificate."""
    return any(line.split()[:2] == [word, "tls"] for line in ended.output.splitlines())


def main(root: str, image: str) -> int:
    """Return exit code 0, or print the error and return 1."""
    configuration = json.loads(Path(image).read_text(encoding="utf-8"))["Docker"]["config"]
    engine = Engine(Path(root), configuration)
    loopback_up()
    try:
        for step in (without_a_key, without_a_disk, without_health, start, drain, store, trust):
            step(engine)
    except Wrong as wrong:
        tell(str(wrong))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
