"""The mutated modules and the tests of each: fast tests, first those most likely to fail, then all nearby ones."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]

GOLDEN = "tests/adapters/test_golden.py"
SENT = f"{GOLDEN}::test_the_request_that_is_sent_is_the_recorded_one_whole"
MADE = f"{GOLDEN}::test_a_recorded_answer_becomes_what_stands_below_the_line"
DRIP = f"{GOLDEN}::test_an_answer_that_arrives_byte_by_byte_is_the_same_answer"
MADE_PAGES = "tests/project/pages/test_made_pages.py::test_every_made_part_is_what_the_code_gives_today"
VENDOR_ERRORS = "tests/adapters/codecs/test_vendor_errors.py"
ERRORS = (
    f"{VENDOR_ERRORS}::test_an_error_with_its_status",
    f"{VENDOR_ERRORS}::test_an_error_inside_http_200",
    f"{VENDOR_ERRORS}::test_an_error_that_its_status_explains",
    f"{VENDOR_ERRORS}::test_a_key_that_may_not_use_a_model_is_good_for_others",
    f"{VENDOR_ERRORS}::test_filtered_content_is_recognized_by_its_type_whatever_its_code",
    "tests/adapters/rules/test_named_limits.py",
    "tests/adapters/core/test_failures.py",
    MADE_PAGES,
)
RULES = (
    SENT, f"{GOLDEN}::test_each_field_has_a_word_and_it_is_one_of_its_verdicts", "tests/adapters/rules/test_verdict_cells.py",
    "tests/adapters/rules/test_parameters.py", "tests/adapters/rules/test_facts.py", "tests/adapters/rules/test_defaults.py", "tests/adapters/vendors/test_ernie.py",
    "tests/adapters/vendors/test_hunyuan.py", "tests/adapters/rules/test_alternating_messages.py", "tests/adapters/translations/test_legacy_functions.py", MADE, "tests/adapters/test_verdicts.py", "tests/adapters/test_added_fields.py", MADE_PAGES,
    "tests/adapters/openai_params/test_openai_params.py::test_every_vendor_has_a_verdict_and_a_reason_for_every_parameter",
    "tests/adapters/core/test_message.py",
)  # fmt: skip
CODECS = (
    MADE, DRIP, "tests/adapters/codecs/test_codecs.py", "tests/adapters/codecs/test_endings.py", "tests/adapters/codecs/test_tool_calls.py",
    "tests/adapters/codecs/test_bodies.py", "tests/adapters/codecs/test_labels.py", "tests/adapters/codecs/test_usage.py", "tests/adapters/codecs/test_bad_bytes.py", "tests/adapters/core/test_failures.py",
    "tests/adapters/codecs/test_plain_chunks.py", "tests/adapters/core/test_message.py",
)  # fmt: skip
POLICY = (
    "tests/proxy/attempts/test_retry_policy.py",
    "tests/proxy/attempts/test_failover.py",
    "tests/proxy/attempts/test_retries.py",
)

TESTS: dict[str, tuple[str, ...]] = {
    "proxy/attempts/retry_policy.py": POLICY,
    "proxy/attempts/cursor.py": ("tests/proxy/attempts/units/test_cursor.py",),
    "adapters/core/failures.py": (
        *ERRORS,
        "tests/proxy/attempts/test_retry_policy.py",
        "tests/proxy/attempts/test_failover.py",
    ),
    "proxy/limiter/limiter.py": (
        "tests/proxy/limiter/test_limiter.py",
        "tests/proxy/limiter/test_scheduler.py",
        "tests/proxy/attempts/test_rate_limited_calls.py",
    ),
    "proxy/limiter/*.py": (
        "tests/proxy/limiter/test_adaptive.py",
        "tests/proxy/limiter/test_figures.py",
        "tests/proxy/limiter/test_published_table.py",
        "tests/proxy/limiter/test_scheduler.py",
        "tests/proxy/limiter/test_limiter.py",
        "tests/proxy/limiter/test_recorded_runs.py",
        "tests/proxy/limiter/test_simulation.py",
    ),
    "adapters/codecs/openai/errors.py": ("tests/adapters/codecs/test_error_shapes.py", *ERRORS, *CODECS),
    "adapters/codecs/openai/tool_calls.py": ("tests/adapters/codecs/test_tool_calls.py", *CODECS),
    "adapters/codecs/openai/embeddings.py": (*CODECS, "tests/adapters/emulations/test_batch_embeddings.py"),
    "adapters/codecs/*.py": CODECS,
    "adapters/rules/verdicts.py": RULES,
    "adapters/rules/defaults.py": RULES,
    "adapters/vendors/kimi/json_schema*.py": (
        "tests/adapters/vendors/test_kimi_json_schema_rules.py",
        "tests/adapters/vendors/test_kimi_json_schema.py",
        *RULES,
    ),
    "adapters/rules/failures.py": (
        "tests/adapters/rules/test_error_meanings.py",
        "tests/adapters/codecs/test_error_shapes.py",
        *ERRORS,
    ),
    "adapters/rules/server_messages.py": ("tests/adapters/rules/test_server_messages.py", *RULES),
    "adapters/rules/*.py": (
        "tests/adapters/rules/test_messages.py",
        "tests/adapters/rules/test_alternating_messages.py",
        *RULES,
    ),
    "adapters/rules/reasoning.py": RULES,
    "adapters/translations/legacy_functions.py": ("tests/adapters/translations/test_legacy_functions.py", *RULES),
    "adapters/translations/completions_as_chat.py": (
        "tests/adapters/translations/test_completions_as_chat.py",
        *RULES,
    ),
    "adapters/translations/tools_as_prompt.py": (
        "tests/adapters/translations/test_tools_as_prompt.py",
        "tests/adapters/emulations/test_prompted_tools.py",
        *RULES,
    ),
    "adapters/json_schema/*.py": (
        "tests/adapters/json_schema/test_cost.py",
        "tests/adapters/json_schema/test_validator.py",
        "tests/adapters/json_schema/test_hostile_schemas.py",
        "tests/adapters/emulations/test_structured_output.py",
    ),
    "adapters/openai_params/*.py": ("tests/adapters/openai_params/test_openai_params.py", *RULES),
    "adapters/rules/parameters.py": RULES,
    "adapters/rules/embeddings.py": (*RULES, "tests/adapters/emulations/test_batch_embeddings.py"),
    "adapters/core/vendor.py": (*RULES, "tests/adapters/emulations/test_fan_out.py"),
    "adapters/*.py": (SENT, "tests/adapters/rules/test_hosts.py", *ERRORS, *RULES),
}
"""Patterns of paths (``*`` matches folders, too), the first that fits; the tests are run in this order."""
DESELECTED = (
    "tests/proxy/attempts/test_rate_limited_calls.py::test_a_request_does_not_wait_if_the_wait_would_exceed_wait_s",
    "tests/proxy/attempts/test_rate_limited_calls.py::test_a_slow_vendor_with_many_waiting_does_not_slow_another",
)
"""Tests that a busy machine can fail, which would count as mutants found."""
LEFT_OUT = ("adapters/core/*", "adapters/emulations/*", "adapters/registry.py")
"""Files that only the last pattern fits, and that hold no table."""


def covering(path: str) -> tuple[str, ...]:
    """The tests of a module. Empty for one that is not mutated."""
    for pattern, tests in TESTS.items():
        if fnmatchcase(path, pattern):
            left_out = pattern == "adapters/*.py" and any(fnmatchcase(path, other) for other in LEFT_OUT)
            return () if left_out else tuple(dict.fromkeys(tests))
    return ()


def wider(path: str) -> tuple[str, ...]:
    """Return all tests near a module, for a mutant that its own tests do not detect."""
    if path.startswith("adapters/"):
        return ("tests/adapters",)
    return (
        "tests/proxy/limiter",
        "tests/proxy/attempts/test_rate_limited_calls.py",
        "tests/proxy/attempts/test_cool_down.py",
        "tests/proxy/attempts/test_failing_keys.py",
    )


def modules() -> Iterator[str]:
    """The modules that are mutated, as paths from the top folder."""
    for folder in ("adapters", "proxy"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            named = path.relative_to(ROOT).as_posix()
            if path.name != "__init__.py" and covering(named):
                yield named
