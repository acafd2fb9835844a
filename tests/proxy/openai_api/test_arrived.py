"""No field is lost on the wire: each field of a request reaches the vendor, or the response names it.

Random requests with all of OpenAI's chat parameters go through the real proxy to the emulators, for every model that both
the catalogs and the emulators have. A refusal by an emulator fails the test: banjia or the emulator is wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI

from adapters.rules.messages import EMPTY
from config.catalog import models as catalog
from proxy.commands.probes import PIXEL
from tests.adapters.test_verdicts import VALUES
from tests.emulators.facts import Facts
from tests.emulators.helpers import FACTS
from tests.support.client_stage import EMBEDS, VARIANTS, Front, Stage
from tests.support.effort import examples

KNOWN: Mapping[str, Facts] = {name: FACTS[variant.catalog] for name, variant in VARIANTS.items()}
"""What is known of each vendor's emulator."""


def rows(vendor: str) -> catalog.Catalog:
    """The catalog of a vendor, or of its variant."""
    return catalog.load(VARIANTS[vendor].catalog)


MODELS = {
    vendor: sorted(
        row.id
        for row in rows(vendor).models
        if row.operation == "chat" and row.id in facts.models and not row.id.startswith(facts.special)
    )
    for vendor, facts in KNOWN.items()
}
NEWEST = {
    vendor: [
        model
        for model in MODELS[vendor]
        if model in {*rows(vendor).price_page.today, *(rows(vendor).stand_ins[name].model for name in ("gpt-4o", "o3"))}
    ]
    for vendor in MODELS
}
"""What an application of today would be pointed at: models that need not think, and models that may."""
NAMES = ("gpt-4o", "o3")
"""The requested models: one that does not reason, and one that does."""
LIMITS = ("max_tokens", "max_completion_tokens")
QUIET: Mapping[str, tuple[str, ...]] = {
    "user": ("safety_identifier", "user_id"),
    "safety_identifier": ("user", "user_id"),
    "max_completion_tokens": ("max_tokens",),
}
"""Plain renames, which the header leaves out."""
OURS = {"include_usage", "include_obfuscation"}


@dataclass
class Case:
    """One request, its response, and the vendor's request (None: none)."""

    fields: dict[str, Any]
    status: int
    adaptations: dict[str, str]
    error: dict[str, Any]
    arrived: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.fields} -> {self.status} {self.error or self.adaptations}; arrived: {self.arrived}"

    def names(self, field: str) -> bool:
        """Return whether the response reports the field, or a part of it."""
        return any(name == field or name.startswith(f"{field}.") for name in self.adaptations)


@dataclass
class Setup:
    """The client, and the requests of the vendors."""

    stage: Stage
    front: Front
    client: httpx2.Client


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    stage = Stage(environ={"BANJIA_EMULATOR_RETIRED": "1"})
    names = {
        f"{name}/{vendor}/{model}": f"{vendor}/{model}"
        for vendor in MODELS
        for model in MODELS[vendor]
        for name in NAMES
    }
    try:
        with (
            stage.front({**stage.settings(*MODELS), "models": names}) as front,
            httpx2.Client(base_url=front.base_url, trust_env=False, timeout=20) as client,
        ):
            yield Setup(stage, front, client)
    finally:
        stage.close()


def sent(setup: Setup, vendor: str, model: str, fields: dict[str, Any], requested: str) -> Case:
    """Request a vendor's model under OpenAI's name, or, if ``requested`` is the vendor, under its own."""
    name = f"{vendor}/{model}" if requested == vendor else f"{requested}/{vendor}/{model}"
    seen = setup.stage.emulators[vendor].requests
    seen.clear()
    answer = setup.client.post("/chat/completions", json={**fields, "model": name})
    adaptations = dict(part.split("=", 1) for part in answer.headers.get("x-banjia-adapted", "").split(";") if part)
    error = answer.json()["error"] if answer.status_code != 200 else {}
    # Of several calls for one answer, the first choice's has the caller's own seed; they may arrive in any order.
    bodies = [one.body for one in seen]
    first = next((body for body in bodies if body.get("seed") == fields.get("seed")), bodies[-1] if bodies else None)
    return Case(fields, answer.status_code, adaptations, error, first)


def most(vendor: str, model: str) -> float:
    """Return the output limit that is always accepted: beyond it the vendor's own 400 is correct.

    A vendor may count prompt and output against one window. For the others banjia clamps to the limits of the catalog.
    """
    known = KNOWN[vendor].models[model]
    if KNOWN[vendor].one_window:
        return float(known.window) - 1000
    row = rows(vendor).model(model)
    assert row is not None
    return float("inf") if row.max_output else float(known.most_out)


def judged(case: Case, most_tokens: float = float("inf")) -> None:
    """Fail if a field was lost, or if the vendor refused banjia's request."""
    if case.status == 200:
        assert case.arrived is not None
        for name, value in case.fields.items():
            assert is_sent_or_reported(case, case.arrived, name, value), f"{name} was lost: {case}"
        return
    assert case.status == 400, str(case)
    if case.arrived is not None:
        request = max((case.fields.get(name) or 0 for name in LIMITS), default=0)
        assert request > most_tokens, f"the vendor refused what we let through: {case}"
        return
    param = str(case.error["param"]).partition("[")[0].partition(".")[0]
    assert param in case.fields or param == "stream", f"{param} was refused, which nobody sent: {case}"


def is_sent_or_reported(case: Case, arrived: dict[str, Any], name: str, value: Any) -> bool:
    """Return whether the field arrived unchanged, under an equivalent name, or is named in the response."""
    if value is None:
        return arrived.get(name, "as if absent") is not None
    if name == "stream_options":
        return set(value) <= OURS or case.names(name)
    if name == "messages" and has_instruction(case):
        theirs = "\n".join(spoken(one)[1] for one in arrived["messages"])
        return all(spoken(one)[1] in theirs for one in value)
    if name == "messages":
        return same_messages(value, arrived["messages"], case)
    if name == "tools" and value:
        return [without_defaults(tool) for tool in arrived.get("tools", [])] == value or case.names("tools")
    if arrived.get(name) == value or (name == "stop" and arrived.get(name) == [value]):
        return True
    limits = [case.fields[limit] for limit in LIMITS if case.fields.get(limit)]
    if name in LIMITS and arrived.get("max_tokens") == min(limits, default=None):
        return True
    others = QUIET.get(name, ())
    return case.names(name) or any(arrived.get(one) == value or case.fields.get(one) is not None for one in others)


def has_instruction(case: Case) -> bool:
    """Return whether banjia added an instruction to the messages, or sent calls and results as text, and reported it."""
    emulated = any(case.adaptations.get(name) == "emulated" for name in ("response_format", "tools", "tool_choice"))
    return emulated or "messages.tool_calls" in case.adaptations


def without_defaults(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool without the empty parameters that banjia adds if the client omits them."""
    function = tool["function"]
    if function.get("parameters") == {"type": "object", "properties": {}} and function["name"].endswith("search"):
        function = {key: member for key, member in function.items() if key != "parameters"}
    return {**tool, "function": function}


def same_messages(ours: list[Any], theirs: list[Any], case: Case) -> bool:
    """Return whether the conversation arrived: roles, texts, calls; an added hint must be reported."""
    if len(theirs) > len(ours):
        return case.adaptations.get("messages") == "mapped" and same_messages(
            ours, theirs[len(theirs) - len(ours) :], case
        )
    if case.adaptations.get("messages.content") == "mapped":  # a text stands where the content was empty
        theirs = [{**one, "content": ""} if one.get("content") == EMPTY else one for one in theirs]
    return [spoken(one) for one in ours] == [spoken(one) for one in theirs]


def spoken(message: dict[str, Any]) -> tuple[str, str, list[Any]]:
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    role = {"developer": "system", "function": "tool"}.get(message["role"], message["role"])
    calls = [call["function"] for call in message.get("tool_calls") or []]
    return role, text, calls + ([message["function_call"]] if message.get("function_call") else [])


optional = {name: st.one_of(values, st.none()) for name, values in VALUES.items() if name != "messages"}
optional |= {name: st.sampled_from([1, 50, 1024, 4096, 2_000_000]) for name in LIMITS}
FIELDS = st.fixed_dictionaries({"messages": VALUES["messages"]}, optional=optional)


def thinned(fields: dict[str, Any], keep: list[str]) -> dict[str, Any]:
    """The messages and a few other fields: with all fields a refusal is nearly certain."""
    return {name: value for name, value in fields.items() if name == "messages" or name in keep}


@pytest.mark.parametrize("vendor", sorted(MODELS))
def test_every_field_arrives_or_is_named(setup: Setup, vendor: str) -> None:
    @settings(max_examples=examples(150), deadline=None)
    @given(
        fields=FIELDS,
        keep=st.lists(st.sampled_from(sorted(optional)), max_size=8),
        model=st.sampled_from(MODELS[vendor]),
        requested=st.sampled_from([*NAMES, vendor]),
    )
    def arrives(fields: dict[str, Any], keep: list[str], model: str, requested: str) -> None:
        judged(sent(setup, vendor, model, thinned(fields, keep), requested), most(vendor, model))

    arrives()


@pytest.mark.parametrize("vendor", sorted(MODELS))
@pytest.mark.parametrize("name", sorted(optional))
def test_each_field_alone_arrives_or_is_named_at_every_model(setup: Setup, vendor: str, name: str) -> None:
    @settings(max_examples=examples(24), deadline=None)
    @given(value=optional[name], model=st.sampled_from(MODELS[vendor]), requested=st.sampled_from([*NAMES, vendor]))
    def arrives(value: Any, model: str, requested: str) -> None:
        fields = {"messages": [{"role": "user", "content": "hi"}], name: value}
        judged(sent(setup, vendor, model, fields, requested), most(vendor, model))

    arrives()


@pytest.mark.parametrize("vendor", sorted(MODELS))
@pytest.mark.parametrize(
    ("requested", "fields", "reasons"),
    [
        ("gpt-4o", {}, lambda mode: mode == "always"),
        ("o3", {"reasoning_effort": "none"}, lambda mode: mode == "always"),
        ("o3", {"reasoning_effort": "high"}, lambda mode: mode != "never"),
    ],
    ids=["a name that does not reason", "no effort", "high effort"],
)
def test_a_model_reasons_if_it_is_to_and_only_then_unless_it_always_does(
    setup: Setup, vendor: str, requested: str, fields: dict[str, Any], reasons: Callable[[str], bool]
) -> None:
    """For any default of a model, where catalogs and emulators may interpret their sources differently.

    The request is streamed, because some models support nothing else.
    """
    messages = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    for model in MODELS[vendor]:
        body = {"model": f"{requested}/{vendor}/{model}", **messages, **fields}
        answer = setup.client.post("/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        row = rows(vendor).model(model)
        assert row is not None
        began = '"reasoning_content":"T' in answer.text
        if row.facts.get("think_tags"):  # the line breaks inside the tags are sent back as they came
            began = began or '"reasoning_content":"\\nT' in answer.text
        assert began is reasons(row.thinking), f"{model}: {answer.text}"


@pytest.mark.parametrize("vendor", sorted(MODELS))
@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("requested", ["gpt-4o", "o3"])
def test_a_small_token_limit_leaves_room_for_an_answer_at_every_model(
    setup: Setup, vendor: str, limit: str, requested: str
) -> None:
    """A model that thinks longer than the limit would return nothing, and bill it."""
    messages = {"messages": [{"role": "user", "content": "emulator:words=20,reason=900"}], "stream": True}
    for model in MODELS[vendor]:
        answer = setup.client.post(
            "/chat/completions", json={"model": f"{requested}/{vendor}/{model}", **messages, limit: 100}
        )
        assert answer.status_code == 200, answer.text
        row = rows(vendor).model(model)
        assert row is not None
        assert "w20" in answer.text, f"{model}: {answer.text}"
        thought = "r900" in answer.text
        assert thought is (row.thinking == "always"), f"{model}: {answer.text}"
        raised = f"{limit}=clamped" in answer.headers.get("x-banjia-adapted", "")
        assert raised is (thought and vendor != "qwen"), f"{model}: its limit covers the thinking"


@pytest.mark.parametrize("vendor", sorted(MODELS))
def test_an_image_reaches_the_models_that_see_and_no_other(setup: Setup, vendor: str) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    for model in MODELS[vendor]:
        body = {"model": f"gpt-4o/{vendor}/{model}", "messages": [{"role": "user", "content": parts}], "stream": True}
        answer = setup.client.post("/chat/completions", json=body)
        row = rows(vendor).model(model)
        assert row is not None
        assert answer.status_code == (200 if "image" in row.input else 400), answer.text
        assert answer.status_code == 200 or answer.json()["error"]["param"].startswith("messages[0]"), answer.text


@pytest.mark.parametrize("vendor", sorted(EMBEDS))
def test_many_texts_are_embedded_by_every_model(setup: Setup, vendor: str) -> None:
    """More than a vendor takes in one call."""
    texts = [f"text {number}" for number in range(60)]
    models = [row.id for row in rows(vendor).models if row.operation == "embeddings"]
    assert models
    for model in models:
        answer = setup.client.post("/embeddings", json={"model": f"{vendor}/{model}", "input": texts})
        assert answer.status_code == 200, answer.text
        assert [item["index"] for item in answer.json()["data"]] == list(range(60))


@pytest.mark.parametrize("vendor", sorted(MODELS))
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_default_requests_of_the_newest_sdks_are_answered(setup: Setup, vendor: str, stream: bool) -> None:
    new: dict[str, Any] = {
        "store": False, "max_completion_tokens": 2048, "reasoning_effort": "low", "verbosity": "medium",
        "parallel_tool_calls": True, "prompt_cache_key": "k", "safety_identifier": "s", "metadata": {"a": "b"},
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "service_tier": "auto", "stream": stream, **({"stream_options": {"include_usage": True}} if stream else {}),
    }  # fmt: skip
    for model in NEWEST[vendor]:
        for request in (*NAMES, vendor):
            case = sent(setup, vendor, model, new, request)
            assert case.status == 200, str(case)
            judged(case)


@pytest.mark.parametrize("vendor", sorted(MODELS))
def test_a_plain_call_of_the_newest_sdk_is_answered(setup: Setup, vendor: str) -> None:
    model = NEWEST[vendor][0]
    with OpenAI(base_url=setup.front.base_url, api_key="x", max_retries=0) as sdk:
        answer = sdk.chat.completions.create(
            model=f"gpt-4o/{vendor}/{model}", messages=[{"role": "user", "content": "Hello"}]
        )

    assert answer.choices[0].message.content == "You said: Hello"
