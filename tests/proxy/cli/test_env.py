"""``env`` prints for each shell the lines that point an app at the proxy, without a secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proxy.cli.conftest import Run

ROOT = Path(__file__).parents[3]
PROXIED = {"HTTPS_PROXY": "http://10.0.0.1:3128"}


def test_a_real_sh_takes_the_lines(tmp_path: Path) -> None:
    """``eval "$(banjia env)"`` in a shell that has awkward values already."""
    home = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    values = {"HTTP_PROXY": "http://10.0.0.1:3128", "NO_PROXY": "a b'c,*.corp $HOME", "SHELL": "/bin/sh"}
    script = (
        f'cd "{tmp_path}" && eval "$({sys.executable} -m proxy env)" && '
        'printf "%s\\n" "$OPENAI_BASE_URL" "$OPENAI_API_KEY" "$OPENAI_API_BASE" "$NO_PROXY" && '
        'sh -c \'printf "%s\\n" "$OPENAI_BASE_URL"\''
    )
    done = subprocess.run(
        ["sh", "-eu", "-c", script], env={**home, **values, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "http://127.0.0.1:8080/v1",
        "anything",
        "http://127.0.0.1:8080/v1",
        "a b'c,*.corp $HOME,127.0.0.1,localhost",
        "http://127.0.0.1:8080/v1",
    ]


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export NO_PROXY='it'\"'\"'s\\,127.0.0.1,localhost'"),
        ("fish", "set -gx NO_PROXY 'it\\'s\\\\,127.0.0.1,localhost'"),
        ("powershell", "$env:NO_PROXY = 'it''s\\,127.0.0.1,localhost'"),
    ],
)
def test_each_shell_gets_its_own_quotes(shell: str, line: str, banjia: Run) -> None:
    lines = banjia("env", "--shell", shell, env={**PROXIED, "NO_PROXY": "it's\\"}).stdout.splitlines()
    assert lines[-1] == line
    assert len(lines) == 4


def test_an_env_file_has_plain_lines(banjia: Run) -> None:
    assert banjia("env", "--shell", "dotenv").stdout.splitlines() == [
        "OPENAI_BASE_URL=http://127.0.0.1:8080/v1",
        "OPENAI_API_KEY=anything",
        "OPENAI_API_BASE=http://127.0.0.1:8080/v1",
    ]


@pytest.mark.parametrize(
    ("shell", "begins"),
    [
        ("/bin/bash", "export "), ("/usr/bin/zsh", "export "), ("/usr/bin/fish", "set -gx "),
        ("/opt/microsoft/pwsh", "$env:"), ("", "export "),
    ],
)  # fmt: skip
def test_the_shell_is_known_by_its_variable(shell: str, begins: str, banjia: Run) -> None:
    assert all(line.startswith(begins) for line in banjia("env", env={"SHELL": shell}).stdout.splitlines())


def test_no_proxy_is_left_alone_where_no_proxy_is_set(banjia: Run) -> None:
    assert "NO_PROXY" not in banjia("env", env={"NO_PROXY": "x"}).stdout


@pytest.mark.parametrize(
    "variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "127.0.0.1,localhost"),
        ("corp.example", "corp.example,127.0.0.1,localhost"),
        ("localhost, corp.example ,", "localhost,corp.example,127.0.0.1"),
        ("*", "*"),
    ],
)
def test_no_proxy_is_merged_with_what_is_there(variable: str, before: str, after: str, banjia: Run) -> None:
    env = {variable: "http://10.0.0.1:3128", "NO_PROXY": before}
    assert f"NO_PROXY={after}" in banjia("env", "--shell", "dotenv", env=env).stdout.splitlines()


def test_the_small_letters_are_set_too_where_they_are_since_they_win(banjia: Run) -> None:
    lines = banjia("env", "--shell", "dotenv", env={**PROXIED, "no_proxy": "corp.example"}).stdout.splitlines()
    assert lines[-2:] == ["NO_PROXY=127.0.0.1,localhost", "no_proxy=corp.example,127.0.0.1,localhost"]


def test_a_client_key_is_never_printed(banjia: Run) -> None:
    shown = banjia("env", "--shell", "dotenv", env={"BANJIA_CLIENT_KEY": "canary-canary-canary"})
    assert "OPENAI_API_KEY=your-banjia-key" in shown.stdout
    assert "canary" not in shown.output


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:9000", "http://127.0.0.1:9000"), ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        ("[::]:9000", "http://[::1]:9000"), ("10.1.2.3:80", "http://10.1.2.3:80"),
    ],
)  # fmt: skip
def test_the_address_is_the_one_that_is_configured(listen: str, url: str, banjia: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"vendors: {{kimi: {{api_key: k}}}}\nserver: {{listen: '{listen}', insecure: true}}\n")
    lines = banjia("env", "-c", str(file), "--shell", "dotenv", env=PROXIED).stdout.splitlines()
    assert lines[0] == f"OPENAI_BASE_URL={url}/v1"
    host = url.removeprefix("http://").rpartition(":")[0].strip("[]")
    assert host in lines[-1]


def test_a_broken_configuration_ends_with_2_and_nothing_to_eval(banjia: Run, tmp_path: Path) -> None:
    (tmp_path / "banjia.yaml").write_text("vendrs: {}\n")
    ended = banjia("env")
    assert ended.exit_code == 2
    assert ended.stdout == ""
