"""The cells of a table in isolation: the body that each writes, and the verdict that it records."""

from typing import Any

import pytest

from adapters.core.adaptations import Adaptation, adaptations_header
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.openai_params.chat import CHAT
from adapters.openai_params.embeddings import EMBEDDINGS
from adapters.rules.defaults import OPENAI_CHAT, OPENAI_EMBEDDINGS
from adapters.rules.verdicts import (
    Choose,
    Clamp,
    Drop,
    Emulate,
    Fixed,
    Honour,
    Refuse,
    Rename,
    Within,
    by_fact,
    by_family,
    while_thinking,
)
from tests.adapters.play import HELLO

WHY = Message("for a reason")


def judged(verdict: Verdict, name: str, value: Any, **more: Any) -> tuple[dict[str, Any], str]:
    """Return the body, and the verdict, in brackets if it is not in the header."""
    builder = RequestBuilder(ApiRequest("chat", "gpt-4o", {"messages": HELLO, name: value}), Model("m"), **more)
    verdict.apply(name, value, builder)
    told = builder.adaptations[name]
    return builder.body, f"({told.word})" if told.quiet else told.word


@pytest.mark.parametrize(
    ("verdict", "value", "body", "word"),
    [
        (Honour(), 2, {"temperature": 2}, "honoured"),
        (Rename("heat"), 2, {"heat": 2}, "(mapped)"),
        (Clamp(0, 1, WHY), 0.5, {"temperature": 0.5}, "honoured"),
        (Clamp(0, 1, WHY), 1, {"temperature": 1}, "honoured"),
        (Clamp(0, 1, WHY), 2, {"temperature": 1}, "clamped"),
        (Clamp(0.1, 1, WHY), 0, {"temperature": 0.1}, "clamped"),
        (Fixed(1, WHY), 1, {"temperature": 1}, "honoured"),
        (Fixed(1, WHY), 0.9, {}, "dropped"),
        (Within(0, 1, WHY), 0, {"temperature": 0}, "honoured"),
        (Within(0, 1, WHY), 1, {"temperature": 1}, "honoured"),
        (Drop(WHY), 0.5, {}, "dropped"),
        (Drop(WHY), 1, {}, "mapped"),
        (Refuse(WHY), 1, {}, "mapped"),
        (Emulate("n", WHY), 0.5, {}, "emulated"),
        (Emulate("n", WHY), 1, {}, "mapped"),
        (Emulate("n", WHY, sent=True), 0.5, {"temperature": 0.5}, "emulated"),
        (Emulate("n", WHY, sent=True), 1, {}, "mapped"),
    ],
)
def test_a_cell_writes_and_reports(verdict: Verdict, value: float, body: dict[str, Any], word: str) -> None:
    assert judged(verdict, "temperature", value) == (body, word)
    assert word.strip("()") in verdict.words
    assert verdict.why


@pytest.mark.parametrize(
    ("verdict", "value"), [(Within(0, 1, WHY), 1.1), (Within(0, 1, WHY), -0.1), (Refuse(WHY), 0.5)]
)
def test_a_cell_refuses_by_the_name_of_the_field_and_the_model(verdict: Verdict, value: float) -> None:
    with pytest.raises(Refused) as refused:
        judged(verdict, "temperature", value)
    assert (refused.value.param, refused.value.code) == ("temperature", "unsupported_parameter")
    assert refused.value.message == f"'temperature' is not supported by m: {WHY}."
    assert "refused" in verdict.words


@pytest.mark.parametrize(
    ("verdict", "value", "word"),
    [(Drop(WHY), 0.5, "dropped"), (Clamp(0, 1, WHY), 2, "clamped"), (Fixed(1, WHY), 0, "dropped")],
)
def test_strict_refuses_lossy_fields_and_names_itself_as_the_reason(verdict: Verdict, value: float, word: str) -> None:
    with pytest.raises(Refused, match=f"it would be {word}, but policy.unsupported is strict"):
        judged(verdict, "temperature", value, strict=True)
    for kept, kept_value in ((Honour(), 2), (Rename("heat"), 2), (Emulate("n", WHY), 0.5), (Drop(WHY), 1)):
        judged(kept, "temperature", kept_value, strict=True)


def test_an_emulation_that_is_off_is_a_refusal_that_names_the_setting() -> None:
    with pytest.raises(Refused, match=r"policy.emulate turns this off \(to turn it on: emulate: \{stop: on\}\)"):
        judged(Emulate("stop", WHY), "temperature", 0.5, disabled_emulations=frozenset({"stop"}))
    assert judged(Emulate("stop", WHY), "temperature", 0.5, disabled_emulations=frozenset({"n"}))[1] == "emulated"


@pytest.mark.parametrize(("own", "word"), [(1, "dropped"), (2, "mapped")])
def test_an_explicit_field_wins_over_a_renamed_one_which_is_reported_where_it_is_lost(own: int, word: str) -> None:
    builder = RequestBuilder(
        ApiRequest("chat", "gpt-4o", {"messages": HELLO, "heat": own}), Model("m"), body={"heat": own}
    )
    Rename("heat").apply("temperature", 2, builder)
    assert builder.body == {"heat": own}
    assert builder.adaptations["temperature"].word == word


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (("honoured", False), ("dropped", False), "dropped"),
        (("mapped", True), ("dropped", False), "dropped"),
        (("mapped", False), ("dropped", False), "mapped"),
        (("dropped", False), ("honoured", False), "dropped"),
    ],
)
def test_a_reported_adaptation_stays_unless_it_had_no_effect(first: Any, second: Any, word: str) -> None:
    builder = RequestBuilder(ApiRequest("chat", "gpt-4o", {}), Model("m"))
    for told, quiet in (first, second):
        builder.record("a", told, WHY, quiet=quiet)
    assert builder.adaptations["a"].word == word


BASE: dict[str, tuple[Any, str]] = {
    "messages": (HELLO, "honoured"), "audio": ({"voice": "alloy"}, "refused"), "frequency_penalty": (0.5, "honoured"),
    "function_call": ("auto", "mapped"), "functions": ([{"name": "f"}], "mapped"), "logit_bias": ({"1": 2}, "dropped"),
    "logprobs": (True, "refused"), "max_completion_tokens": (7, "(mapped)"), "max_tokens": (7, "honoured"),
    "metadata": ({"a": "b"}, "dropped"), "modalities": (["text", "audio"], "refused"), "moderation": ({"model": "x"}, "refused"),
    "n": (2, "emulated"), "parallel_tool_calls": (False, "emulated"), "prediction": ({"type": "content"}, "dropped"),
    "presence_penalty": (0.5, "honoured"), "prompt_cache_key": ("k", "dropped"), "prompt_cache_options": ({"ttl": "5m"}, "dropped"),
    "prompt_cache_retention": ("24h", "dropped"), "reasoning_effort": ("low", "dropped"),
    "response_format": ({"type": "json_object"}, "honoured"), "safety_identifier": ("s", "dropped"), "seed": (7, "dropped"),
    "service_tier": ("flex", "dropped"), "stop": (["a"], "honoured"), "store": (True, "dropped"), "stream": (True, "honoured"),
    "stream_options": ({"include_usage": True}, "honoured"), "temperature": (0.5, "honoured"), "tool_choice": ("none", "honoured"),
    "tools": ([{"type": "function", "function": {"name": "f"}}], "honoured"), "top_logprobs": (2, "refused"), "top_p": (0.5, "honoured"),
    "user": ("u", "dropped"), "verbosity": ("low", "dropped"), "web_search_options": ({}, "refused"),
}  # fmt: skip
"""A value that requests something of each chat parameter, and its verdict at a vendor whose table has no row for it."""
SENT_BY_BANJIA = ("stream_options",)


def test_the_base_table_has_a_verdict_for_every_parameter_of_chat() -> None:
    assert set(OPENAI_CHAT) == set(BASE) == set(CHAT)


@pytest.mark.parametrize(("name", "value", "word"), [(name, *row) for name, row in BASE.items()], ids=BASE)
def test_a_vendor_without_rows_of_its_own_has_the_2024_core_of_chat(name: str, value: Any, word: str) -> None:
    if word == "refused":
        with pytest.raises(Refused) as refused:
            judged(OPENAI_CHAT[name], name, value)
        assert refused.value.param == name
        return
    body, recorded = judged(OPENAI_CHAT[name], name, value)
    assert recorded == word
    assert word.strip("()") in OPENAI_CHAT[name].words
    if word == "honoured":
        assert body == ({} if name in SENT_BY_BANJIA else {name: value})
    else:
        assert body == ({"max_tokens": 7} if name == "max_completion_tokens" else {})


def test_a_vendor_without_rows_of_its_own_has_all_of_embeddings_but_the_user() -> None:
    values = {"input": ["a"], "dimensions": 7, "encoding_format": "base64", "user": "u"}
    assert set(OPENAI_EMBEDDINGS) == set(values) == set(EMBEDDINGS)
    found = {name: judged(OPENAI_EMBEDDINGS[name], name, value) for name, value in values.items()}
    assert found.pop("user") == ({}, "dropped")
    assert found == {name: ({name: values[name]}, "honoured") for name in found}


def test_the_first_case_that_holds_is_chosen_else_the_other() -> None:
    model = Model("m", family="k", facts={"on": True, "off": False})
    builder = RequestBuilder(ApiRequest("chat", "gpt-4o", {}), model)
    yes, no = Drop(Message("yes")), Drop(Message("no"))
    assert by_family({"k": yes}, no).pick(builder) is yes
    assert by_family({"v": yes}, no).pick(builder) is no
    assert by_fact("on", yes, no).pick(builder) is yes
    assert by_fact("off", yes, no).pick(builder) is no
    assert by_fact("none", yes, no).pick(builder) is no
    assert while_thinking(yes, no).pick(builder) is no
    builder.thinks = True
    assert while_thinking(yes, no).pick(builder) is yes
    both = Choose(((lambda d: True, yes), (lambda d: True, no)), no)
    assert both.pick(builder) is yes
    assert (both.why, both.words) == ("yes; no", ("dropped", "mapped"))


def test_the_header_has_what_was_changed_sorted_and_at_most_1024_bytes() -> None:
    told = {
        "b": Adaptation("dropped", WHY),
        "a.x": Adaptation("mapped", WHY),
        "c": Adaptation("honoured", WHY),
        "d": Adaptation("mapped", WHY, quiet=True),
    }
    assert adaptations_header(told) == "a.x=mapped;b=dropped"
    assert adaptations_header({"c": Adaptation("honoured", WHY)}) is None
    assert adaptations_header({"ü;=": Adaptation("dropped", WHY)}) == "???=dropped"
    assert adaptations_header({"ok_-.": Adaptation("dropped", WHY)}) == "ok_-.=dropped"
    assert adaptations_header(told, limit=20) == "a.x=mapped;b=dropped"
    assert adaptations_header(told, limit=19) == "a.x=mapped;more=1"
    exact = {"x" * 1016: Adaptation("dropped", WHY)}
    assert adaptations_header(exact) == f"{'x' * 1016}=dropped", "a kibibyte fits"
    assert adaptations_header({"x" * 1017: Adaptation("dropped", WHY)}) == "more=1"
    many = {f"field_{at:03d}": Adaptation("dropped", WHY) for at in range(100)}
    text = adaptations_header(many)
    assert text is not None
    assert len(text) <= 1024
    kept = text.count("=dropped")
    assert text.endswith(f";more={100 - kept}")
    assert len(text) > 1024 - len(";field_000=dropped")
