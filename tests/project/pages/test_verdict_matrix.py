"""The capability matrix is correct: each cell matches a request to the emulator and its response."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

import emulators
from adapters import registry
from adapters.openai_params.chat import CHAT
from proxy.commands.probes import PROBES, Probe
from proxy.commands.vendors import cell, each_variant, lines, matrix
from proxy.openai_api import token_ids as tokens
from tests.proxy.cli.conftest import Run, data
from tests.support.client_stage import VENDORS, Front, Stage, adapted

BY_COLUMN = {probe.column: probe for probe in PROBES}
LINES = {name.replace("/", "-"): vendor for name, vendor in each_variant() if vendor.name in emulators.NAMES}
"""The matrix's lines by the names of the stage, except for a self-hosted server, which has no emulator."""
PATHS = {"chat": "/chat/completions", "embeddings": "/embeddings"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def fronts(stage: Stage) -> Iterator[dict[str, Front]]:
    """For each vendor a proxy with only that vendor, and no models: stand-ins serve the names."""
    with ExitStack() as running:
        yield {name: running.enter_context(stage.front({"vendors": stage.settings(name)["vendors"]})) for name in LINES}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=60) as made:
        yield made


@pytest.mark.parametrize("vendor", sorted(LINES))
@pytest.mark.parametrize("column", BY_COLUMN)
def test_a_cell_is_what_happens(
    vendor: str, column: str, stage: Stage, fronts: dict[str, Front], client: httpx2.Client
) -> None:
    probe = BY_COLUMN[column]
    reported = cell(LINES[vendor], probe)
    stage.reset()

    answer = client.post(f"{fronts[vendor].base_url}{PATHS[probe.operation]}", json=probe.body)

    arrived = [seen.body for seen in stage.emulators[vendor].requests]
    if reported.word == "refused":
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) in ((400, "invalid_request_error"), (404, "invalid_request_error"))
        assert error["code"] == ("unsupported_parameter" if answer.status_code == 400 else "model_not_found")
        assert answer.status_code == 404 or error["param"].partition("[")[0].partition(".")[0] in probe.body
        assert arrived == [], "a request that is refused must not reach the vendor"
        return
    assert answer.status_code == 200, answer.text
    assert arrived, "an answer without a call"
    text = {
        word for name, word in adapted(answer).items() if name == probe.member or name.startswith(f"{probe.member}.")
    }
    assert text == (set() if reported.word == "honoured" or reported.quiet else {reported.word})
    wanted = probe.body[probe.member]
    if reported.word == "honoured" and probe.member not in ("stream_options", "input"):
        assert arrived[0][probe.member] == wanted
    if reported.word in ("clamped", "dropped") or (reported.word == "mapped" and probe.member not in arrived[0]):
        assert arrived[0].get(probe.member) != wanted
    stands(probe, reported.word, answer)


def stands(probe: Probe, word: str, answer: httpx2.Response) -> None:
    """The effect of a parameter that was not dropped is visible in the response, if it has one."""
    streamed = answer.text.splitlines() if probe.body.get("stream") else []
    if probe.column == "stream":
        assert "data: [DONE]" in streamed
    if probe.column == "stream_usage" and word != "dropped":
        assert any('"usage":{' in line for line in streamed)
    if word == "dropped" or streamed:
        return
    body: Any = answer.json()
    if probe.column == "n":
        assert len(body["choices"]) == 2
    if probe.column in ("logprobs", "top_logprobs"):
        assert body["choices"][0]["logprobs"]["content"]
    if probe.column in ("choice_required", "choice_named"):
        assert body["choices"][0]["message"]["tool_calls"]
    if probe.column == "thinking":
        assert body["choices"][0]["message"]["reasoning_content"]
    if probe.column == "dimensions":
        assert len(body["data"][0]["embedding"]) == 512
    if probe.column == "base64":
        assert isinstance(body["data"][0]["embedding"], str)


def test_every_line_is_proven() -> None:
    assert set(LINES) == set(VENDORS)


def test_every_vendor_and_edition_has_a_line_and_every_cell_a_verdict_with_its_reason(banjia: Run) -> None:
    found = data(banjia("vendors", "--json"))
    names = [line["vendor"] for line in found["vendors"]]
    assert set(registry.BY_NAME) <= set(names)
    assert len(set(names)) == len(names)
    for line in found["vendors"]:
        assert list(line["cells"]) == found["columns"] == list(BY_COLUMN)
        for reported in line["cells"].values():
            assert reported["verdict"] in ("honoured", "mapped", "clamped", "emulated", "dropped", "refused")
            assert reported["why"]


def test_a_server_of_ones_own_honours_all_and_token_ids_are_refused_without_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = registry.BY_NAME["openai_compatible"]
    words = {column: cell(server, probe).word for column, probe in BY_COLUMN.items()}
    assert words == {**dict.fromkeys(BY_COLUMN, "honoured"), "token_ids": "mapped"}

    monkeypatch.setattr(tokens, "table", lambda encoding: None)
    assert cell(server, BY_COLUMN["token_ids"]).word == "refused"


def test_a_probe_looks_at_a_member_that_it_sends() -> None:
    assert all(probe.member in probe.body for probe in PROBES)
    assert {probe.member for probe in PROBES if probe.operation == "chat"} <= set(CHAT)


def test_the_matrix_has_a_line_a_vendor_and_folds_at_the_terminals_width(banjia: Run) -> None:
    found = matrix()
    whole = list(lines(found))
    names = [line["vendor"] for line in found["vendors"] if not line["preset"]]
    assert [line.split()[0] for line in whole[: len(names) + 1]] == ["vendor", *names]
    assert max(map(len, lines(found, 100))) <= 100
    assert banjia("vendors", env={"COLUMNS": "9999"}).stdout.splitlines()[: len(names) + 1] == whole[: len(names) + 1]


def test_presets_stand_below_the_matrix_with_the_columns_that_differ_and_fit_80_columns() -> None:
    found = matrix()
    presets = [line["vendor"] for line in found["vendors"] if line["preset"]]
    shown = list(lines(found))
    last = shown[-len(presets) :]
    assert [line.partition(":")[0] for line in last] == presets
    assert "llamacpp: mapped choice_named" in last
    assert "vllm: none" in last
    assert any(line.startswith("ollama: ") and "emulated choice_required, choice_named" in line for line in last)
    assert max(map(len, lines(found, 80))) <= 80


def test_a_field_of_several_parts_is_as_good_as_the_worst_of_them() -> None:
    """Qwen has no names of speakers (dropped), and developer is sent as system (mapped)."""
    text = [{"role": "developer", "content": "Be brief."}, {"role": "user", "name": "ann", "content": "Hello"}]
    assert cell(registry.BY_NAME["qwen"], Probe("x", "messages", {"messages": text})).word == "dropped"
    assert cell(registry.BY_NAME["qwen"], Probe("x", "messages", {"messages": text[:1]})).word == "mapped"
