"""Every OpenAI name of 2022 to 2026, with its dated and alias forms, has the route of its base name."""

import re
from itertools import chain

import pytest

from adapters.core.request import Operation
from adapters.registry import VENDORS
from config.catalog.openai_names import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    MODERATIONS,
    NAMES,
    WIDTHS,
    covering,
    forms_of,
    known_names,
    name_of,
    taken_by,
)
from config.routing import Routing, UnknownModel, key_of, routed_forms
from config.schema import Settings

VENDOR_KEYS = {vendor.name: {"api_key": "k-0000000000000001"} for vendor in VENDORS if vendor.base_urls}
FORMS = [(name, form) for name, forms in NAMES.items() for form in forms]
SERVED = [(name, form) for name, form in FORMS if name not in MODERATIONS]
AZURES = [
    ("gpt-35-turbo", "gpt-3.5-turbo"),
    ("gpt-35-turbo-0301", "gpt-3.5-turbo"),
    ("gpt-35-turbo-0613", "gpt-3.5-turbo"),
    ("gpt-35-turbo-1106", "gpt-3.5-turbo"),
    ("gpt-35-turbo-0125", "gpt-3.5-turbo"),
    ("gpt-35-turbo-16k", "gpt-3.5-turbo-16k"),
    ("gpt-35-turbo-16k-0613", "gpt-3.5-turbo-16k"),
    ("gpt-35-turbo-instruct", "gpt-3.5-turbo-instruct"),
    ("gpt-35-turbo-instruct-0914", "gpt-3.5-turbo-instruct"),
]
LATER = [("gpt-4o-2027-01-31", "gpt-4o"), ("gpt-5.4-2026-03-05", "gpt-5.4"), ("gpt-4-0914", "gpt-4"), ("o1-1217", "o1")]
OTHERS = [
    ("gpt-4o", "gpt-4o-mini"),
    ("gpt-4o", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o", "gpt-4o-audio-preview"),
    ("gpt-4o", "gpt-4o-audio-preview-2024-10-01"),
    ("gpt-4o", "gpt-4o-search-preview-2025-03-11"),
    ("gpt-4o", "gpt-4o-realtime-preview-2024-12-17"),
    ("gpt-4o", "gpt-4o-transcribe"),
    ("gpt-4", "gpt-4-32k"),
    ("gpt-4", "gpt-4-32k-0613"),
    ("gpt-4", "gpt-4-turbo"),
    ("gpt-4", "gpt-4-1106-preview"),
    ("gpt-4-turbo", "gpt-4-turbo-preview"),
    ("gpt-4-turbo", "gpt-4-0125-preview"),
    ("gpt-3.5-turbo", "gpt-3.5-turbo-16k"),
    ("gpt-3.5-turbo", "gpt-35-turbo-16k"),
    ("gpt-3.5-turbo", "gpt-3.5-turbo-instruct"),
    ("gpt-5", "gpt-5-chat-latest"),
    ("gpt-5", "gpt-5-codex"),
    ("gpt-5", "gpt-5-mini-2025-08-07"),
    ("o1", "o1-preview-2024-09-12"),
    ("o3", "o3-mini"),
    ("text-embedding-3-small", "text-embedding-3-large"),
    ("omni-moderation-latest", "text-moderation-latest"),
    ("gpt-4o", "gpt-4o-2024-13-45"),
    ("gpt-4", "gpt-4-9999"),
]


def routing(models: dict[str, str], **more: object) -> Routing:
    return Routing(Settings.model_validate({"vendors": VENDOR_KEYS, "models": models, **more}))


def operation(name: str) -> Operation:
    return "embeddings" if name in EMBEDDINGS else "chat"


def target(name: str) -> str:
    """A target that is not a stand-in of any vendor."""
    return "qwen/text-embedding-v3" if name in EMBEDDINGS else "qwen/qwen-max"


@pytest.mark.parametrize(("name", "form"), [*SERVED, *((name, form) for form, name in [*AZURES, *LATER])])
def test_a_form_has_the_route_of_its_name_mapped_or_not(name: str, form: str) -> None:
    mapped = routing({name: target(name)})
    hit = mapped.find(form, operation(name))
    assert [one.label for one in hit.targets] == [target(name)]
    assert (hit.how, hit.name) == (f"models: {name}", name)
    # Unmapped, it has the stand-ins of its name, where any vendor has one.
    plain = routing({})
    try:
        expected = plain.find(name, operation(name))
    except UnknownModel:
        with pytest.raises(UnknownModel):
            plain.find(form, operation(name))
    else:
        assert [one.label for one in plain.find(form, operation(name)).targets] == [
            one.label for one in expected.targets
        ]


@pytest.mark.parametrize(("name", "other"), OTHERS)
def test_another_size_modality_or_endpoint_is_no_form(name: str, other: str) -> None:
    assert name not in covering(other)
    assert key_of(other, {name: ""}) is None


@pytest.mark.parametrize(("name", "form"), SERVED)
def test_a_form_with_a_line_of_its_own_keeps_it_beside_its_name(name: str, form: str) -> None:
    own = "qwen/text-embedding-v2" if name in EMBEDDINGS else "kimi/kimi-k2.6"
    for models in ({name: target(name), form: own}, {form: own, name: target(name)}):
        both = routing(models)
        assert both.find(form, operation(name)).targets[0].label == own
        assert both.find(name, operation(name)).targets[0].label == target(name)
        assert form not in routed_forms(name, models)


def test_a_dated_name_in_models_does_not_take_its_general_name() -> None:
    only = routing({"gpt-4o-2024-08-06": "qwen/qwen-max"})
    assert only.find("gpt-4o", "chat").how == "stand-in"
    assert only.find("gpt-4o-2024-05-13", "chat").how == "stand-in"


def test_of_several_mapped_names_that_cover_a_form_the_most_specific_wins() -> None:
    assert covering("gpt-35-turbo-0613") == ("gpt-3.5-turbo-0613", "gpt-35-turbo", "gpt-3.5-turbo")
    assert covering("gpt-3.5-turbo-0613") == ("gpt-35-turbo-0613", "gpt-3.5-turbo", "gpt-35-turbo")
    three = ["gpt-3.5-turbo", "gpt-35-turbo", "gpt-3.5-turbo-0613"]
    for mapped in (three, three[::-1]):
        assert taken_by("gpt-35-turbo-0613", mapped) == "gpt-3.5-turbo-0613"
        assert taken_by("gpt-35-turbo-1106", mapped) == "gpt-35-turbo"
        assert taken_by("gpt-3.5-turbo-1106", mapped) == "gpt-3.5-turbo"


def test_azures_spelling_and_openais_are_one_name_in_both_directions() -> None:
    assert key_of("gpt-35-turbo", {"gpt-3.5-turbo": ""}) == "gpt-3.5-turbo"
    assert key_of("gpt-3.5-turbo", {"gpt-35-turbo": ""}) == "gpt-35-turbo"
    assert key_of("gpt-35-turbo-mine", {"gpt-3.5-turbo": ""}) is None


def test_the_order_is_exact_name_then_form_then_longest_pattern_then_stand_in_then_own_id() -> None:
    exact, form, long, short = "qwen/qwen-max", "qwen/qwen-plus", "qwen/qwen-flash", "kimi/kimi-k2.6"
    models = {"gpt-4o-2024-*": long, "*": short, "gpt-4o": form, "gpt-4o-2024-05-13": exact}
    for order in (list(models), list(reversed(models))):
        found = routing({key: models[key] for key in order})
        assert found.find("gpt-4o-2024-05-13", "chat").targets[0].label == exact
        assert found.find("gpt-4o-2024-08-06", "chat").targets[0].label == form
        assert found.find("gpt-4o-2024-my-own", "chat").targets[0].label == long
        assert found.find("o1", "chat").targets[0].label == short
    assert routing({}).find("o1", "chat").how == "stand-in"
    assert routing({}).find("kimi/kimi-k2.6", "chat").how == "vendor's own id"


def test_of_two_patterns_the_longer_wins_in_both_orders_of_the_file() -> None:
    for models in (
        {"gpt-*": "qwen/qwen-max", "gpt-4o*": "kimi/kimi-k2.6"},
        {"gpt-4o*": "kimi/kimi-k2.6", "gpt-*": "qwen/qwen-max"},
    ):
        assert routing(models).find("gpt-4o-2024-05-13", "chat").targets[0].label == "kimi/kimi-k2.6"
        assert routing(models).find("gpt-4", "chat").targets[0].label == "qwen/qwen-max"


def test_a_pattern_that_has_a_name_has_the_forms_that_are_spelt_otherwise_too() -> None:
    found = routing({"gpt-4*": "qwen/qwen-max", "gpt-3.5*": "kimi/kimi-k2.6"})
    assert found.find("chatgpt-4o-latest", "chat").how == "models: gpt-4*"
    assert found.find("gpt-35-turbo-1106", "chat").how == "models: gpt-3.5*"


def test_a_form_has_the_set_and_the_policy_of_its_name() -> None:
    row = {"target": "qwen/qwen-max", "set": {"temperature": 0.1}}
    settings = {"vendors": VENDOR_KEYS, "models": {"gpt-4o": {"targets": [row], "policy": {"unsupported": "strict"}}}}
    hit = Routing(Settings.model_validate(settings)).find("chatgpt-4o-latest", "chat")
    assert hit.targets[0].overrides == {"temperature": 0.1}
    assert hit.targets[0].strict
    assert hit.policy.unsupported == "strict"


@pytest.mark.parametrize("open_models", [True, False])
def test_forms_do_not_depend_on_open_models(open_models: bool) -> None:
    found = routing({"gpt-4o": "qwen/qwen-max"}, policy={"open_models": open_models})
    assert found.find("gpt-4o-2024-05-13", "chat").targets[0].label == "qwen/qwen-max"
    assert found.find("gpt-35-turbo", "chat").how == "stand-in"


def test_names_are_listed_and_their_forms_are_not_unless_models_has_them() -> None:
    listed = routing({"gpt-4o": "qwen/qwen-max", "gpt-4-0613": "qwen/qwen-max"}).names
    assert {"gpt-4o", "gpt-4", "gpt-3.5-turbo", "gpt-4-0613"} <= set(listed)
    assert not {form for _, form in FORMS if form != "gpt-4-0613"} & set(listed)


def test_a_scope_is_checked_with_the_name_and_the_names_that_cover_it() -> None:
    """The names allowed for a restricted client key: resolved like routes."""
    scope = {"gpt-4o", "gpt-3.5-turbo"}
    for name in ("gpt-4o", "gpt-4o-2024-05-13", "chatgpt-4o-latest", "gpt-35-turbo-0613", "gpt-4o-2027-01-31"):
        assert taken_by(name, scope) in scope
    for name in ("gpt-4o-mini", "gpt-4o-audio-preview", "gpt-4", "gpt-3.5-turbo-16k", "my-gpt-4o"):
        assert taken_by(name, scope) is None


def test_the_table_has_every_name_once() -> None:
    every = [*NAMES, *chain.from_iterable(NAMES.values())]
    assert len(every) == len(set(every))
    assert len(NAMES) == sum(map(len, (CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS)))
    assert set(WIDTHS) == set(EMBEDDINGS)
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in known_names())


@pytest.mark.parametrize("name", known_names())
def test_every_known_name_is_one_name_or_a_form_of_it_and_both_ends_agree(name: str) -> None:
    general = name_of(name)
    assert general in NAMES
    assert all(name in forms_of(one) for one in covering(name))
    assert all(name_of(one) == general for one in covering(name))


@pytest.mark.parametrize("vendor", sorted(VENDOR_KEYS))
def test_every_stand_in_is_for_names_of_the_table(vendor: str) -> None:
    """A name that a catalog has and the table lacks would have no forms."""
    settings = Settings.model_validate({"vendors": {vendor: VENDOR_KEYS[vendor]}})
    unknown = [name for name in Routing(settings).names if name_of(name) != name]
    assert unknown == []
