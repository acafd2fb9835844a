"""``serve`` and ``demo`` listen on the address of the command line, whatever the file has."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.project.pages.terminal import free_port
from tests.proxy.cli.conftest import Run
from tests.proxy.lifecycle.test_processes import lines_until, run, running

WRONG = ["", "8080", "127.0.0.1:", "127.0.0.1:eighty", "127.0.0.1:70000", ":8080", "::1:8080"]


def served_at(line: str) -> str:
    """The URL in the start line."""
    return line.split()[2].removesuffix("/v1,")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_invalid_port_and_an_invalid_address_are_refused(command: str, banjia: Run) -> None:
    for port in ("-1", "65536", "eighty", ""):
        ended = banjia(command, "--port", port)
        assert ended.exit_code == 2
        assert "Invalid value for '--port'" in ended.stderr
    for listen in WRONG:
        ended = banjia(command, "--listen", listen)
        assert ended.exit_code == 2
        assert "expected host:port" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_both_options_at_once_are_refused(command: str, banjia: Run) -> None:
    ended = banjia(command, "--port", "1", "--listen", "127.0.0.1:1")
    assert ended.exit_code == 2
    assert "give either --port or --listen" in ended.stderr


def test_a_port_wins_over_the_file_and_keeps_its_host(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text("server: {listen: 'localhost:1', admin_listen: 'off'}\nvendors: {kimi: {api_key: x}}\n")
    port = free_port()
    with running("serve", "--emulate", "-c", str(file), "--port", str(port)) as process:
        assert f"http://127.0.0.1:{port}/v1" in lines_until(process, "banjia serves")[-1]


def test_port_0_is_a_free_one_which_the_start_line_names() -> None:
    with running("serve", "--emulate", "--listen", "127.0.0.1:0") as process:
        url = served_at(lines_until(process, "banjia serves")[-1])
        assert not url.endswith(":0")
        with urllib.request.urlopen(f"{url}/v1/models", timeout=30) as answer:
            assert json.load(answer)["data"]


def test_the_demo_listens_at_the_given_address() -> None:
    port = free_port()
    with running("demo", "--port", str(port)) as process:
        assert f"OPENAI_BASE_URL=http://127.0.0.1:{port}/v1" in lines_until(process, "Serving")


def test_a_port_in_use_is_reported_with_the_option_that_changes_it() -> None:
    with running("serve", "--emulate", "--port", "0") as process:
        taken = served_at(lines_until(process, "banjia serves")[-1]).rpartition(":")[2]
        for command in (["serve", "--emulate"], ["demo"]):
            ended = run(*command, "--port", taken)
            assert ended.returncode == 1
            assert "--port" in ended.stderr
            assert len(ended.stderr.splitlines()) == 1


def test_an_address_beyond_this_machine_is_refused_and_the_option_is_named(banjia: Run) -> None:
    ended = banjia("serve", "--listen", "0.0.0.0:8080", env={"MOONSHOT_API_KEY": "sk-kimi-0000000000000001"})
    assert ended.exit_code == 2
    assert ended.stderr.startswith("--listen: server.listen: other machines can reach 0.0.0.0:8080")


def test_a_reload_keeps_the_address_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    text = "server: {listen: '127.0.0.1:1', admin_listen: 'off'}\nvendors: {kimi: {api_key: x}}\n"
    file.write_text(text)
    with running("serve", "--emulate", "-c", str(file), "--port", "0") as process:
        lines_until(process, "connecting to vendors")
        file.write_text(text + "policy: {attempts: 1}\n")
        assert lines_until(process, "reload applied")[-1].endswith("policy.attempts changed")


@pytest.mark.parametrize("args", [["--version"], ["-v"], ["version"]])
def test_the_version_is_shown_by_every_option_and_command(args: list[str], banjia: Run) -> None:
    assert banjia(*args).stdout == banjia("--version").stdout
