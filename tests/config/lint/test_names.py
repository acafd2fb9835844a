"""``check`` warns of routes with a misleading name, and of unknown fields."""

from pathlib import Path

import pytest

from tests.config.config_file import diagnostics, loaded

VENDORS = """vendors:
  qwen: {api_key: "${K}"}
  kimi: {api_key: "${K}"}
  ernie: {api_key: "${K}"}
"""
KEYS = {"K": "sk-0000000000000001"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def warnings_of(models: str) -> list[str]:
    warnings = [str(warning) for warning in loaded(f"{VENDORS}models:\n{models}", KEYS).warnings]
    return [warning.partition(": ")[2] for warning in warnings]


def test_vectors_of_two_models_under_one_name_are_a_warning() -> None:
    (warning,) = warnings_of("  mine: [qwen/text-embedding-v4, ernie/tao-8k]\n")
    assert warning == (
        "models.mine: vectors of text-embedding-v4 and tao-8k cannot be compared, but failover would mix them in one index; "
        "expected one target"
    )
    assert warnings_of("  mine: [qwen/text-embedding-v4, qwen/text-embedding-v4]\n") == []
    assert warnings_of("  mine: [qwen/qwen-max, kimi/kimi-k2.6]\n") == []


@pytest.mark.parametrize(
    "name", ["text-embedding-3-small", "text-embedding-ada-002", "text-embedding-ada-002-v2", '"text-embedding-3-s*"']
)
def test_vectors_of_another_width_than_openais_are_a_warning_with_what_to_do(name: str) -> None:
    (warning,) = warnings_of(f"  {name}: ernie/tao-8k\n")
    assert "vectors of ernie/tao-8k have 1024 dimensions, those of text-embedding-" in warning
    assert warning.endswith(
        "have 1536; expected set: {dimensions: 1024} to confirm this, and an index of that size, or another model"
    )


def test_the_names_of_a_pattern_whose_width_it_does_not_give_are_reported() -> None:
    (warning,) = warnings_of('  "text-embedding-*": qwen/text-embedding-v4\n')
    assert warning.endswith(
        "vectors of qwen/text-embedding-v4 have 1024 dimensions, those of text-embedding-3-large have 3072; expected an entry for "
        "text-embedding-3-large, with another model, or with set: {dimensions: 1024} and an index of that size"
    )
    row = "text-embedding-3-large: {target: qwen/text-embedding-v4, set: {dimensions: 1024}}"
    assert warnings_of(f'  "text-embedding-*": qwen/text-embedding-v4\n  {row}\n') == []


def test_no_width_is_warned_of_that_the_model_gives_or_the_operator_chose() -> None:
    assert warnings_of("  text-embedding-3-small: qwen/text-embedding-v4\n") == []
    assert warnings_of("  text-embedding-3-small: {target: ernie/tao-8k, set: {dimensions: 1024}}\n") == []
    assert warnings_of("  my-vectors: ernie/tao-8k\n") == []
    assert len(warnings_of("  text-embedding-3-large: qwen/text-embedding-v4\n")) == 1


def test_a_pattern_that_no_name_reaches_is_a_warning() -> None:
    (warning,) = warnings_of('  gpt-3.5-turbo: kimi/kimi-k2.6\n  "gpt-3.5-turbo-0*": qwen/qwen-plus\n')
    assert warning == (
        "models.gpt-3.5-turbo-0*: no OpenAI name uses this pattern: other entries match first, such as "
        "gpt-3.5-turbo for gpt-3.5-turbo-0301; expected the pattern removed"
    )


def test_a_pattern_of_chat_models_that_hides_a_stand_in_for_embeddings_is_a_warning() -> None:
    (warning,) = warnings_of('  "*": kimi/kimi-k2.6\n')
    assert warning == (
        "models.*: the pattern also matches text-embedding-ada-002, which gets 404: its targets are chat models; "
        "expected an entry for it, such as text-embedding-ada-002: qwen/text-embedding-v4"
    )
    assert warnings_of('  "*": kimi/kimi-k2.6\n  text-embedding-3-small: qwen/text-embedding-v4\n') == []
    alone = loaded('vendors:\n  kimi: {api_key: "${K}"}\nmodels:\n  "*": kimi/kimi-k2.6\n', KEYS)
    assert alone.warnings == [], "no vendor here has embeddings"


@pytest.mark.parametrize(
    "models",
    [
        '  gpt-4o: kimi/kimi-k2.6\n  "gpt-4o*": qwen/qwen3.6-plus\n',
        '  gpt-4o: kimi/kimi-k2.6\n  "gpt-*": qwen/qwen3.6-plus\n',
        '  "gpt-4*": kimi/kimi-k2.6\n  "gpt-4o*": qwen/qwen3.6-plus\n',
        '  "my-*": kimi/kimi-k2.6\n',
    ],
)
def test_a_pattern_that_some_name_reaches_is_none(models: str) -> None:
    assert warnings_of(models) == []


@pytest.mark.parametrize(
    "where", ["policy: {drop: [NAME]}\n", "models:\n  a: {targets: [kimi/kimi-k2.6], policy: {drop: [NAME]}}\n"]
)
def test_a_field_to_drop_that_there_is_not_is_an_error_with_the_nearest(where: str) -> None:
    key = "policy.drop[0]" if where.startswith("policy") else "models.a.policy.drop[0]"
    (wrong,) = diagnostics(VENDORS + where.replace("NAME", "logprob"), KEYS)
    assert wrong.endswith(f"{key}: unknown request field 'logprob'; did you mean 'logprobs'?")
    (wrong,) = diagnostics(VENDORS + where.replace("NAME", "messages"), KEYS)
    assert wrong.endswith(f"{key}: 'messages' is required in requests; expected another field")


def test_fields_to_drop_may_have_their_names_in_the_responses_api() -> None:
    names = ["max_output_tokens", "reasoning.effort", "text.format", "moderation", "include"]
    loaded_names = loaded(VENDORS + f"policy: {{drop: [{', '.join(names)}]}}\n", KEYS).settings.policy.drop
    assert loaded_names == names


def test_fields_to_drop_are_openais_and_the_vendors() -> None:
    text = VENDORS + "policy: {drop: [logprobs, suffix, dimensions, web_search_options, thinking]}\n"
    assert loaded(text, KEYS).settings.policy.drop[:2] == ["logprobs", "suffix"]
    assert loaded(VENDORS, {**KEYS, "BANJIA_POLICY__DROP": "logprobs,n"}).settings.policy.drop == ["logprobs", "n"]


def test_null_in_set_leaves_out_what_a_request_can_be_without() -> None:
    text = VENDORS + "models:\n  a: {target: kimi/kimi-k2.6, set: {seed: null, user: null}}\n"
    assert loaded(text, KEYS).settings.models["a"].targets[0].set == {"seed": None, "user": None}
    (wrong,) = diagnostics(text.replace("seed", "messages"), KEYS)
    assert "'messages' is required in requests; expected a value, or the key omitted" in wrong


def test_failover_holds_for_all_names() -> None:
    (wrong,) = diagnostics(VENDORS + "models:\n  a: {targets: [kimi/kimi-k2.6], policy: {failover: off}}\n", KEYS)
    assert "models.a.policy.failover: this key cannot differ per model" in wrong
