"""Without a file, a key in the environment suffices: OpenAI's names work, in processes as a user starts them."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.project.pages.terminal import free_port
from tests.proxy.lifecycle.test_processes import lines_until, post, run, running

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
    """The environment lines of the emulators."""
    with running("emulate", *VENDORS, "--port", "0") as process:
        yield dict(line.split("=", 1) for line in lines_until(process, "ready") if "=" in line)


@contextmanager
def serving(vendors: Mapping[str, str], *names: str, **more: str) -> Iterator[str]:
    """A server whose environment has the keys of these vendors and no file; yields its base URL."""
    with greeted(vendors, *names, **more) as (url, _):
        yield url


@contextmanager
def greeted(vendors: Mapping[str, str], *names: str, **more: str) -> Iterator[tuple[str, str]]:
    """The same, with its start line."""
    env = {"BANJIA_SERVER__LISTEN": "127.0.0.1:0", **more}
    for name in names:
        key, base_url = VENDORS[name]
        env |= {key: vendors[key], f"BANJIA_VENDORS__{name.upper()}__BASE_URL": vendors[base_url]}
    with running("serve", env=env) as process:
        line = lines_until(process, "banjia serves ")[-1]
        yield line.split()[2].rstrip(","), line


def embedded(url: str) -> tuple[int, str]:
    """Return the number of vectors and their vendor; or the status and the message."""
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


def dead(vendors: Mapping[str, str]) -> Mapping[str, str]:
    """The same vendors, and Qwen's port refuses every connection."""
    return {**vendors, "DASHSCOPE_BASE_URL": f"http://127.0.0.1:{free_port()}/compatible-mode/v1"}


@contextmanager
def failing(vendors: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The same vendors, and Qwen answers every call with a 500."""
    with running("emulate", "qwen", "--port", "0", "--fault", "error_500") as process:
        lines = dict(line.split("=", 1) for line in lines_until(process, "ready") if "=" in line)
        yield {**vendors, **{name: lines[name] for name in VENDORS["qwen"]}}


def answering_vendor(url: str, model: str) -> str:
    """Return the vendor that answers a chat request, or the status of the error."""
    try:
        answer, headers = post(url, {"model": model, "messages": [{"role": "user", "content": "hi"}]})
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)
    assert answer["choices"][0]["message"]["content"] == "You said: hi"
    return headers["x-banjia-target"].partition("/")[0]


def test_if_the_first_vendor_refuses_connections_the_second_answers(vendors: Mapping[str, str]) -> None:
    with greeted(dead(vendors), "qwen", "kimi") as (url, line):
        assert line.endswith("answered by qwen, kimi in this order")
        assert {answering_vendor(url, model) for model in (*CHAT, "gpt-35-turbo", "chatgpt-4o-latest", "o1")} == {
            "kimi"
        }


def test_if_the_first_vendor_answers_500_the_second_answers(vendors: Mapping[str, str]) -> None:
    with failing(vendors) as those, serving(those, "qwen", "kimi") as url:
        assert answering_vendor(url, "gpt-4o") == "kimi"


def test_with_failover_off_only_the_first_vendor_is_called(vendors: Mapping[str, str]) -> None:
    with greeted(dead(vendors), "qwen", "kimi", BANJIA_POLICY__FAILOVER="off") as (url, line):
        assert line.endswith("answered by qwen, or by kimi for models that qwen lacks")
        assert answering_vendor(url, "gpt-4o") == "502"


def test_embeddings_stay_with_one_vendor_for_vectors_of_two_must_not_mix(vendors: Mapping[str, str]) -> None:
    with serving(dead(vendors), "qwen", "ernie") as url:
        assert answering_vendor(url, "gpt-4o") == "ernie"
        assert embedded(url)[0] == 502
