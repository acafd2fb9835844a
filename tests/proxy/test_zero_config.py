"""No file and a key in the environment is enough: OpenAI's names are answered, by processes as a user starts them."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.proxy.test_commands import lines_until, post, run, running

VENDORS = {
    "qwen": ("DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"),
    "kimi": ("MOONSHOT_API_KEY", "MOONSHOT_BASE_URL"),
    "ernie": ("QIANFAN_API_KEY", "QIANFAN_BASE_URL"),
    "hunyuan": ("TOKENHUB_API_KEY", "TOKENHUB_BASE_URL"),
}
CHAT = ("gpt-4o", "gpt-3.5-turbo", "gpt-4-0613")
SMALL = "text-embedding-3-small"


@pytest.fixture(scope="module")
def vendors() -> Iterator[Mapping[str, str]]:
    """The lines that the stand-in vendors print."""
    with running("emulate", *VENDORS, "--port", "0") as process:
        yield dict(line.split("=", 1) for line in lines_until(process, "ready") if "=" in line)


@contextmanager
def serving(vendors: Mapping[str, str], *names: str) -> Iterator[str]:
    """A server whose environment has the keys of these vendors and no file; yields its base URL."""
    env = {"BANJIA_SERVER__LISTEN": "127.0.0.1:0"}
    for name in names:
        key, base_url = VENDORS[name]
        env |= {key: vendors[key], f"BANJIA_VENDORS__{name.upper()}__BASE_URL": vendors[base_url]}
    with running("serve", env=env) as process:
        line = lines_until(process, "banjia serves ")[-1]
        yield line.split()[2].rstrip(",")


def embedded(url: str) -> tuple[int, str]:
    """How many vectors came, and from whom; or the status and the message."""
    request = urllib.request.Request(f"{url}/embeddings", json.dumps({"model": SMALL, "input": ["a", "b"]}).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return len(json.load(answer)["data"]), answer.headers["x-banjia-target"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["error"]["message"]


@pytest.mark.parametrize("names", [tuple(VENDORS), *((name,) for name in VENDORS)], ids="+".join)
def test_openais_names_are_answered_with_whichever_key_there_is(vendors: Mapping[str, str], names: tuple[str]) -> None:
    with serving(vendors, *names) as url:
        for model in CHAT:
            answer, headers = post(url, {"model": model, "messages": [{"role": "user", "content": "hi"}]})
            assert answer["choices"][0]["message"]["content"] == "You said: hi"
            assert answer["model"] == model
            assert headers["x-banjia-target"].startswith(f"{names[0]}/")
        count, who = embedded(url)

    if names == ("kimi",):
        assert count == 404
        assert "Qwen (DASHSCOPE_API_KEY)" in who
    else:
        assert (count, who.partition("/")[0]) == (2, names[0])


def test_without_any_key_serve_ends_with_2_the_variables_and_the_way_to_a_demo() -> None:
    ended = run("serve")

    assert ended.returncode == 2
    assert all(key in ended.stderr for key, _ in VENDORS.values())
    assert "banjia demo" in ended.stderr
