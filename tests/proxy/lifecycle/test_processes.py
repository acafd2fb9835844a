"""The commands as a user runs them: processes, exit codes, output."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from proxy.cli import main
from tests.project.pages.terminal import free_port

ROOT = Path(__file__).parents[3]
KEYLESS = {
    name: value for name, value in os.environ.items() if "API_KEY" not in name and not name.startswith("BANJIA_")
}


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "proxy", *args]


def run(*args: str, env: Mapping[str, str] = {}, text: str | None = None) -> subprocess.CompletedProcess[str]:
    where = {**KEYLESS, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(command(*args), input=text, env=where, capture_output=True, text=True, timeout=50, cwd="/")


@contextmanager
def running(*args: str, env: Mapping[str, str] = {}, ends_with: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A command that runs until it is stopped; it must then exit with this code."""
    process = subprocess.Popen(
        command(*args), env={**KEYLESS, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **env}, cwd="/",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == ends_with
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def lines_until(process: subprocess.Popen[str], last: str) -> list[str]:
    """Return the output up to the line with this start."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(last):
            return lines
    raise AssertionError(f"{last!r} never came: {lines}")


def post(url: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer), dict(answer.headers)


ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def test_the_demo_shows_a_streamed_answer_and_the_two_lines_and_then_serves() -> None:
    with running("demo") as process:
        shown = lines_until(process, "Serving")
        environment = dict(line.split("=", 1) for line in shown if line.startswith("OPENAI_"))
        assert list(environment) == ["OPENAI_BASE_URL", "OPENAI_API_KEY"]
        assert any(line.startswith("< You said: ") for line in shown)
        assert any(
            line.endswith("changed: thinking=mapped) thinking disabled, because gpt-4o is not a reasoning model")
            for line in shown
        )

        answer, headers = post(environment["OPENAI_BASE_URL"], ASK)
        assert answer["system_fingerprint"] == "fp_emulator"
        assert headers["x-banjia-target"].startswith("emulator:")


@pytest.mark.parametrize(
    ("proxied", "more"),
    [
        ({}, []),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, ["NO_PROXY=127.0.0.1,localhost"]),
        ({"all_proxy": "http://127.0.0.1:9", "no_proxy": "x"},
         ["NO_PROXY=127.0.0.1,localhost", "no_proxy=x,127.0.0.1,localhost"]),
    ],
)  # fmt: skip
def test_the_demo_shows_how_to_bypass_a_proxy(proxied: dict[str, str], more: list[str]) -> None:
    """The SDKs call loopback through a proxy, as `banjia env` explains."""
    known = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    none = {name: "" for each in known for name in (each, each.lower())}
    with running("demo", env={**none, **proxied}) as process:
        shown = lines_until(process, "Serving")
        assert [line for line in shown if line.lower().startswith("no_proxy=")] == more
        assert any(line.startswith("The environment has a proxy") for line in shown) == bool(more)


def test_two_demos_find_a_port_each() -> None:
    with running("demo") as first, running("demo") as second:
        urls = {next(x for x in lines_until(p, "Serving") if x.startswith("OPENAI_BASE_URL")) for p in (first, second)}
        assert len(urls) == 2


def test_serve_without_any_key_ends_with_2_and_the_cure() -> None:
    ended = run("serve")
    assert ended.returncode == 2
    for word in ("MOONSHOT_API_KEY", "DASHSCOPE_API_KEY", "banjia demo"):
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_serve_emulated_answers_as_the_vendors_would_and_reports_it() -> None:
    here = f"127.0.0.1:{free_port()}"
    with running("serve", "--emulate", env={"BANJIA_SERVER__LISTEN": here}) as process:
        assert "emulated" in lines_until(process, "banjia serves")[-1]
        answer, _ = post(f"http://{here}/v1", ASK)
        assert answer["system_fingerprint"] == "fp_emulator"
        assert run("healthcheck", env={"BANJIA_SERVER__LISTEN": here}).returncode == 0


@pytest.fixture
def emulators() -> Iterator[dict[str, str]]:
    """Run Kimi and Qwen in a separate process with ``banjia emulate``; yield their environment lines."""
    with running("emulate", "kimi", "qwen", "--port", "0") as process:
        lines = lines_until(process, "ready")
        yield dict(line.split("=", 1) for line in lines if "=" in line)


def test_emulate_prints_what_a_client_needs_one_port_a_vendor(emulators: dict[str, str]) -> None:
    kimi, qwen = (urlsplit(emulators[name]) for name in ("MOONSHOT_BASE_URL", "DASHSCOPE_BASE_URL"))
    assert (kimi.hostname, kimi.path) == ("127.0.0.1", "/v1")
    assert (qwen.hostname, qwen.path) == ("127.0.0.1", "/compatible-mode/v1")
    assert kimi.port != qwen.port
    assert {"MOONSHOT_API_KEY", "DASHSCOPE_API_KEY"} <= set(emulators)


def test_a_vendor_is_swapped_by_one_line_and_a_restart(emulators: dict[str, str], tmp_path: Path) -> None:
    """The app's next call is answered by the other vendor; nothing else changes."""
    file = tmp_path / "banjia.yaml"
    env = {"KIMI": emulators["MOONSHOT_API_KEY"], "QWEN": emulators["DASHSCOPE_API_KEY"]}
    here = f"127.0.0.1:{free_port()}"
    text = f"""version: 1
server: {{listen: "{here}"}}
vendors:
  kimi: {{api_key: "${{KIMI}}", base_url: "{emulators["MOONSHOT_BASE_URL"]}"}}
  qwen: {{api_key: "${{QWEN}}", base_url: "{emulators["DASHSCOPE_BASE_URL"]}"}}
models:
  gpt-4o: qwen/qwen3.6-plus
"""
    seen = []
    for content in (text, text.replace("gpt-4o: qwen/qwen3.6-plus", "gpt-4o: kimi/kimi-k2.6")):
        file.write_text(content)
        with running("serve", "-c", str(file), env=env) as process:
            lines_until(process, "banjia serves")
            answer, headers = post(f"http://{here}/v1", ASK)
            seen.append((headers["x-banjia-target"], answer["model"], answer["choices"][0]["message"]["content"]))
    assert seen == [
        ("qwen/qwen3.6-plus", "gpt-4o", "You said: hi"),
        ("kimi/kimi-k2.6", "gpt-4o", "You said: hi"),
    ]


def test_a_port_in_use_is_reported_with_the_cure() -> None:
    with running("serve", "--emulate", env={"BANJIA_SERVER__LISTEN": "127.0.0.1:0"}) as process:
        line = lines_until(process, "banjia serves")[-1]
        here = line.split()[2].removeprefix("http://").removesuffix("/v1,")
        ended = run("serve", "--emulate", env={"BANJIA_SERVER__LISTEN": here})
        assert ended.returncode == 1
        assert here in ended.stderr
        assert "server.listen" in ended.stderr


def test_sigterm_drains_and_a_second_signal_ends_it_at_once() -> None:
    here = f"127.0.0.1:{free_port()}"
    env = {"BANJIA_SERVER__LISTEN": here, "BANJIA_SERVER__DRAIN_DELAY_S": "120", "BANJIA_SERVER__GRACE_S": "120"}
    process = subprocess.Popen(
        command("serve", "--emulate"), env={**KEYLESS, "PYTHONPATH": str(ROOT), **env}, cwd="/",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        lines_until(process, "banjia serves")
        process.terminate()
        while run("healthcheck", env=env).returncode == 0:
            pass
        answer, _ = post(f"http://{here}/v1", ASK)  # the server still accepts connections
        assert answer["choices"]
        process.terminate()
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_healthcheck_fails_when_nothing_answers() -> None:
    ended = run("healthcheck", "--url", "http://127.0.0.1:9")
    assert ended.returncode == 1
    assert "127.0.0.1:9" in ended.stderr


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:abc", "http://[::", "https://127.0.0.1:8080", "http://"])
def test_healthcheck_refuses_what_is_no_url_of_a_server(url: str) -> None:
    ended = CliRunner().invoke(main, ["healthcheck", "--url", url], catch_exceptions=False)
    assert ended.exit_code == 2
    assert "http://127.0.0.1:8080" in ended.stderr


def test_healthcheck_fails_where_something_else_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        ended = CliRunner().invoke(main, ["healthcheck", "--url", url], catch_exceptions=False)
        thread.join()
    assert ended.exit_code == 1
    assert f"{url} does not respond: 220 mail.example" in ended.stderr


def test_check_names_the_line_and_the_cure(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text("version: 1\nvendors:\n  kimi: {api_key: sk-0000000000000000, base_ulr: http://x/v1}\n")
    ended = run("check", str(file))
    assert ended.returncode == 2
    assert "banjia.yaml:3:" in ended.stderr
    assert "did you mean 'base_url'" in ended.stderr
    assert "sk-0000" not in ended.stderr

    as_json = run("check", str(file), "--json")
    assert as_json.returncode == 2
    assert len(json.loads(as_json.stdout)["errors"]) == 1


def test_check_passes_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text("version: 1\nvendors:\n  kimi: {api_key: '${KEY}'}\n")
    assert run("check", str(file), env={"KEY": "sk-kimi-00000000000001"}).returncode == 0


def test_explain_shows_each_field_and_sends_nothing() -> None:
    env = {"MOONSHOT_API_KEY": "sk-kimi-0000000000000001"}
    body = json.dumps({**ASK, "temperature": 0.3, "logit_bias": {"1": 1}, "stream": True})
    result = run("explain", "-", env=env, text=body)
    assert result.returncode == 0, result.stderr
    assert "POST https://api.moonshot.cn/v1/chat/completions" in result.stdout
    for name, word in (("temperature", "dropped"), ("logit_bias", "dropped"), ("thinking", "mapped")):
        assert any(name in line and word in line for line in result.stdout.splitlines()), result.stdout
    assert "sk-kimi" not in result.stdout

    data = json.loads(run("explain", "-", "--json", env=env, text=body).stdout)
    assert data["targets"][0]["fields"]["temperature"]["verdict"] == "dropped"


def test_explain_reports_the_error_in_a_request() -> None:
    ended = run("explain", "-", env={"MOONSHOT_API_KEY": "sk-kimi-0000000000000001"}, text='{"model": "gpt-4o"}')
    assert ended.returncode == 1
    assert "'messages'" in ended.stderr


@pytest.mark.parametrize("args", [["nonsense"], ["serve", "--nonsense"], ["emulate"], ["explain", "/nonexistent"]])
def test_a_wrong_command_line_ends_with_2(args: list[str]) -> None:
    ended = run(*args)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_an_unknown_vendor_to_emulate_gets_the_nearest_one_as_a_suggestion() -> None:
    ended = run("emulate", "kimmi")
    assert ended.returncode == 2
    assert "kimi" in ended.stderr
