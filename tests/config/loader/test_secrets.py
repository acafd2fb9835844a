"""Settings, warnings and diagnostics show no secret."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from config.loader.load import ConfigError
from tests.config.config_file import loaded

CANARY = "sk-canary-0123456789abcdef"
FILE = """
server:
  client_keys: [sk-canary-0123456789abcdef, "${CLIENT}", file:./key]
  admin_token: sk-canary-0123456789abcdef
vendors:
  kimi: {api_key: "${KIMI}", headers: {x-key: sk-canary-0123456789abcdef}}
  qwen:
    api_keys: [sk-canary-0123456789abcdef, "${QWEN:-sk-canary-0123456789abcdef}"]
    proxy: http://me:sk-canary-0123456789abcdef@10.0.0.1:3128
models:
  a: kimi/kimi-k2.6
"""
ENVIRON = {"PLAIN": "canary", "KIMI": CANARY, "CLIENT": f"{CANARY}2", "BANJIA_CLIENT_KEY": f"{CANARY}3"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_vendors: None) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text(CANARY)


def below(value: Any) -> Iterator[Any]:
    """Yield every reachable value, except in the mapping of headers."""
    yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name != "headers":
                yield from below(getattr(value, name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from below(key)
            yield from below(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from below(inner)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from below(getattr(value, field.name))


def test_the_canaries_are_in_the_settings_at_all() -> None:
    settings = loaded(FILE, ENVIRON).settings
    assert settings.client_keys() == [CANARY, f"{CANARY}2", CANARY, f"{CANARY}3"]
    assert settings.admin_token() == CANARY
    assert [len(entry.keys()) for entry in settings.vendors.values()] == [1, 2]
    assert settings.vendors["kimi"].headers == {"x-key": CANARY}
    assert settings.vendors["qwen"].outbound() == f"http://me:{CANARY}@10.0.0.1:3128"


def test_no_value_of_the_tree_shows_a_secret() -> None:
    for value in below(loaded(FILE, ENVIRON)):
        assert "canary" not in str(value)
        assert "canary" not in repr(value)


def test_no_dump_as_json_shows_a_secret() -> None:
    settings = loaded(FILE, ENVIRON).settings
    assert "canary" not in str(settings.model_dump(mode="json"))
    assert "canary" not in settings.model_dump_json()


def test_no_warning_shows_a_secret() -> None:
    warnings = loaded(FILE, ENVIRON).warnings
    assert len(warnings) >= 5
    assert not any("canary" in str(warning) or "canary" in repr(warning) for warning in warnings)


PLACES = ["version: {}", "server: {}", "server: {{listen: {}}}", "server: {{client_keys: {{a: {}}}}}", "server: {{insecure: {}}}", "server: {{admin_token: [{}]}}", "server: {{admin_token: 'a {}'}}", "server: {{admin_listen: {}}}", "vendors: {}", "vendors: {{kimi: {}}}", "vendors: {{kimi: {{region: {}}}}}", "vendors: {{kimi: {{api_key: [{}]}}}}", "vendors: {{kimi: {{api_key: 'a {}'}}}}", "vendors: {{kimi: {{headers: [{}]}}}}", "vendors: {{kimi: {{base_url: {}}}}}", "vendors: {{kimi: {{base_url: 'https://me:{}@x/'}}}}", "vendors: {{kimi: {{base_url: 'https://x/?key={}'}}}}", "vendors: {{kimi: {{proxy: 'http://me:{}@x'}}}}", "vendors: {{kimi: {{proxy: {}}}}}", "vendors: {{kimi: {{kind: {}}}}}", "vendors: {{kimi: {{edition: {}}}}}", "vendors: {{kimi: {{secret_key: {}}}}}", "vendors: {{kimi: {{timeouts: {{idle_s: {}}}}}}}", "vendors: {{{}: {{api_key: k}}}}", "models: {{a: {}}}", "models: {{a: [{}]}}", "models: {{{}: 5}}", "models: {{a: {{target: {}}}}}", "models: {{a: {{targets: [kimi/kimi-k2.6], strategy: {}}}}}", "policy: {{attempts: {}}}", "policy: {{reroute: [{}]}}", "policy: {{emulate: {}}}", "policy: {{moderations: {}}}", "policy: {{hedge_s: {}}}", "{}: 1", "policy: {{{}: 1}}", "server: [{}", "policy: '{}", "breaker: {}: {}", "models: {{a: kimi/{}, a: {}}}", "vendors: *{}", "policy: !{} x", "models: {{a: {}/x}}"]  # fmt: skip


def shown_text(text: str) -> str:
    """Return everything that is shown of a configuration, valid or not."""
    try:
        found = loaded(text, ENVIRON)
    except ConfigError as error:
        reported, raised = error.diagnostics, [str(error), repr(error)]
    else:
        reported, raised = found.warnings, []
    return "\n".join([*raised, *map(str, reported), *map(repr, reported)])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", [CANARY, "${KIMI}", "file:./key", "'${NONE:-sk-canary-0123456789abcdef}'"])
def test_no_complaint_shows_a_secret_that_stands_in_the_wrong_place(place: str, secret: str) -> None:
    if secret != CANARY and "'" in place:
        secret = secret.strip("'")
    assert "canary" not in shown_text(place.format(*[secret] * place.count("{}")) + "\n")


@pytest.mark.parametrize("place", PLACES)
def test_the_value_of_a_variable_is_never_shown(place: str) -> None:
    if "'" not in place:
        place = place.replace("{}", "'{}'")
    text = place.format(*["${PLAIN}"] * place.count("{}")) + "\n"
    assert "canary" not in shown_text(text)


@pytest.mark.parametrize("seed", range(5))
def test_a_file_with_random_damage_is_accepted_or_reported_and_shows_no_secret(seed: int) -> None:
    rng = random.Random(seed)
    marks = [" ", "\n", "\t", ":", "-", "{", "}", "[", "]", '"', "'", "#", "&", "*", "$", "x", "5"]
    for _ in range(30):
        pieces = FILE.split(CANARY)  # the secrets themselves stay whole: a broken one cannot be recognized
        for _ in range(rng.randint(1, 3)):
            n = rng.randrange(len(pieces))
            at = rng.randrange(len(pieces[n]) + 1)
            pieces[n] = pieces[n][:at] + rng.choice(marks) + pieces[n][at + rng.randint(0, 1) :]
        text = CANARY.join(pieces)
        assert "0123456789" not in shown_text(text), text


@pytest.mark.parametrize(("url", "warned"), [("http://me:word@10.0.0.1:3128", True), ("http://10.0.0.1:3128", False)])
def test_a_password_in_the_url_of_a_proxy_is_a_secret_in_the_file(url: str, warned: bool) -> None:
    warnings = [
        str(warning)
        for warning in loaded(f"vendors:\n  kimi: {{api_key: '${{KIMI}}', proxy: '{url}'}}\n", ENVIRON).warnings
    ]
    assert any("the file contains a secret" in warning for warning in warnings) is warned
    assert not any("word" in warning for warning in warnings)
