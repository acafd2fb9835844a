"""``banjia env``: the environment variables that point an app to banjia, in the syntax of a shell."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Literal
from urllib.parse import urlsplit

from config.schema import Settings

Shell = Literal["sh", "fish", "powershell", "dotenv"]
SHELLS: tuple[Shell, ...] = ("sh", "fish", "powershell", "dotenv")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LOOPBACK = ("127.0.0.1", "localhost")


def shell_of(environ: Mapping[str, str]) -> Shell:
    """Return the user's shell from ``SHELL``; sh if it is not a known one."""
    name = PurePath(environ.get("SHELL", "")).stem
    return "fish" if name == "fish" else "powershell" if name in ("pwsh", "powershell") else "sh"


def selected_shell(name: str | None, environ: Mapping[str, str]) -> Shell:
    """Return the shell with this name; without a name, the user's shell."""
    return next((known for known in SHELLS if known == name), None) or shell_of(environ)


def url_of(settings: Settings) -> str:
    """Return the URL of the proxy for an app on this machine."""
    host, _, port = settings.server.listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{host}:{port}"


def variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for an app. A placeholder replaces the client key."""
    url = url_of(settings)
    found = {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "your-banjia-key" if settings.client_keys() else "anything",
        "OPENAI_API_BASE": f"{url}/v1",  # the name that the SDKs before 1.0 look for
    }
    return found | no_proxy_variables(url, environ)


def no_proxy_variables(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the NO_PROXY variables that keep calls to this URL out of the environment's proxy; empty without a proxy."""
    found: dict[str, str] = {}
    if any(environ.get(name) or environ.get(name.lower()) for name in PROXY_VARIABLES):
        hosts = dict.fromkeys((*LOOPBACK, urlsplit(url).hostname or ""))
        for name in ("NO_PROXY", "no_proxy"):
            # Clients prefer the lower-case name if both are set, so it is written only if it is set already.
            if name == "NO_PROXY" or environ.get(name):
                found[name] = _with(environ.get(name) or environ.get("NO_PROXY", ""), tuple(hosts))
    return found


def _with(value: str, hosts: tuple[str, ...]) -> str:
    """Add hosts to a comma-separated list."""
    named = [host for part in value.split(",") if (host := part.strip())]
    return ",".join(named if "*" in named else [*named, *(host for host in hosts if host not in named)])


def lines(found: Mapping[str, str], shell: Shell) -> Iterator[str]:
    """Yield the variables as statements of a shell, or as lines of a .env file."""
    for name, value in found.items():
        match shell:
            case "sh":
                yield f"export {name}={shlex.quote(value)}"
            case "fish":
                yield f"set -gx {name} {_single(value, escape=True)}"
            case "powershell":
                yield f"$env:{name} = {_single(value, escape=False)}"
            case "dotenv":
                yield (
                    f"{name}={value}" if value.isascii() and not set(value) & set(" #'\"$\\`") else f"{name}='{value}'"
                )


def _single(value: str, *, escape: bool) -> str:
    r"""In single quotes: fish escapes a quote by ``\``, PowerShell by doubling it."""
    if escape:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + value.replace("'", "''") + "'"
