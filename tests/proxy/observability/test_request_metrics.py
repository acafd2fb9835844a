"""The metrics are consistent, whatever happens to requests, and grow only with the configuration."""

import re
from collections.abc import AsyncIterator
from typing import Any, Literal
from unittest.mock import patch

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from adapters.core.adaptations import Adaptation
from adapters.core.failures import ERROR_TABLE
from adapters.core.message import Message
from adapters.core.usage import Usage
from adapters.registry import BY_NAME
from config.schema import Settings
from proxy._types import Attempt, RequestOutcome
from proxy.app_state import AppState
from proxy.observability.log_writer import LogStreams
from proxy.observability.loop_monitor import LoopMonitor
from proxy.observability.metrics.exposition import Exposition
from proxy.observability.metrics.registry import LONG_S, Histogram, Metrics
from proxy.observability.metrics.requests import BATCH
from proxy.observability.request_record import RequestRecord
from proxy.upstream.client import Upstream
from tests.project.pages.documents import ROOT
from tests.proxy.play import BOTH, SSE, Played, error, hello, play, stream, whole

TARGETS = ("kimi/kimi-k2.6", "qwen/qwen3.6-plus")


def kit_of(settings: Any = BOTH) -> AppState:
    return AppState(Settings.model_validate(settings), Upstream(httpx2.MockTransport(lambda _: None)), lambda _: None)  # type: ignore[arg-type]


def series(state: AppState) -> dict[str, float]:
    """Every sample that a reader gets, by its name and labels."""
    text, _ = Exposition(state.metrics).text("")
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.startswith("process_")
    }


def of(played: Played, name: str, **labels: str) -> dict[tuple[str, ...], Any]:
    """Return the values of one metric, by label values, of the series with these labels."""
    assert played.state is not None
    family = played.state.metrics.families[name]
    wanted = {family.labels.index(label): value for label, value in labels.items()}
    return {
        values: figure
        for values, figure in family.read().items()
        if all(values[at] == value for at, value in wanted.items())
    }


tokens = st.integers(0, 10_000)
sources: st.SearchStrategy[Literal["vendor", "estimated"]] = st.sampled_from(("vendor", "estimated"))
usages = st.tuples(tokens, tokens, sources).map(lambda them: Usage(them[0], them[1], source=them[2]))


@st.composite
def endings(draw: st.DrawFn) -> RequestOutcome:
    """Record one request as the pipeline does: attempts that fail or not, usage that is known or not, an outcome."""
    record = RequestRecord("req_1", draw(st.sampled_from(("chat", "embeddings"))))
    record.model, record.stream = "gpt-4o", draw(st.booleans())
    targets: list[str] = draw(st.lists(st.sampled_from(TARGETS), max_size=4))
    adaptations = {"seed": Adaptation("dropped", Message("")), "stop": Adaptation("honoured", Message(""))}
    for at, label in enumerate(targets):
        record.attempt(Attempt(_target(label), at + 1, adaptations, {}))
        record.sent_at = record.sent_at or record.started
        for usage in draw(st.lists(usages, max_size=2)):
            record.add_usage(usage)
        if at < len(targets) - 1 or draw(st.booleans()):
            record.attempt_failed(label, draw(st.sampled_from(sorted(ERROR_TABLE))))
    shows = draw(st.booleans())
    if targets and shows:
        record.first_byte_at = record.started
        record.first_content_s = record.elapsed_s()
    record.outcome_word = draw(st.sampled_from((None, "complete", "truncated", "client_closed", "rejected")))
    record.status = draw(st.sampled_from((0, 200, 400, 429, 502)))
    record.code = draw(st.sampled_from((None, "upstream_idle_timeout", "a code of the vendor's own")))
    return record.outcome()


def _target(label: str) -> Any:
    return type("Target", (), {"label": label, "vendor": BY_NAME["kimi"]})()


@given(st.lists(endings(), max_size=12))
def test_the_counted_usage_equals_the_recorded_usage(ended: list[RequestOutcome]) -> None:
    state = kit_of()
    with patch("proxy.observability.metrics.requests.BATCH", 5):
        for ending in ended:
            state.request_metrics.streams_started += ending.stream
            state.record_outcome(ending)
    counts = state.request_metrics
    assert sum(counts.requests().values()) == len(ended)
    assert sum(counts.stream_outcomes().values()) == counts.streams_started
    assert sum(counts.attempts().values()) == sum(ending.attempts for ending in ended)
    assert sum(counts.failures().values()) == sum(len(ending.failed) for ending in ended)
    for kind in ("prompt", "completion"):
        counted = sum(n for labels, n in counts.tokens().items() if labels[1:3] == ("billed", kind))
        assert counted == sum(getattr(ending.billed, kind) for ending in ended if ending.billed is not None)
        shown = sum(n for labels, n in counts.tokens().items() if labels[1:3] == ("shown", kind))
        assert shown <= counted
    reasons = {reason for _, reason in counts.stream_outcomes()}
    assert reasons <= {"none", "upstream_idle_timeout", "other"}


@given(st.lists(st.floats(0, 4000)))
def test_figures_counted_together_are_counted_as_one_by_one(figures: list[float]) -> None:
    one_by_one, together = Histogram(LONG_S), Histogram(LONG_S)
    for figure in figures:
        one_by_one.observe(figure)
    together.observe_all(list(figures))
    assert one_by_one.counts == together.counts
    assert one_by_one.sum == pytest.approx(together.sum)


def test_five_thousand_made_up_names_make_no_series() -> None:
    """Models are open without client keys, so a target's label may contain the client's text."""
    state = kit_of()

    def count(name: str) -> None:
        record = RequestRecord("req_1", "chat")
        record.model = f"kimi/{name}"
        adaptations = {name: Adaptation("dropped", Message("")), f"tools.{name}": Adaptation("dropped", Message(""))}
        record.attempt(Attempt(_target(f"kimi/{name}"), 1, adaptations, {}))
        record.attempt_failed(f"kimi/{name}", "model_not_found")
        state.record_outcome(record.outcome())

    count("the first")
    before = series(state)
    for number in range(5000):
        count(f"made-up-{number}")
        assert len(state.request_metrics._waiting) < BATCH  # also without a reader
    after = series(state)
    assert after.keys() == before.keys()
    assert state.request_metrics.attempts() == {("kimi/other",): 5001}
    assert state.request_metrics.verdicts() == {("chat", "other", "dropped"): 5001, ("chat", "tools", "dropped"): 5001}


def test_a_failover_is_counted_where_it_happened() -> None:
    played = play({"kimi": [error(500, "server_error")] * 2, "qwen": [whole("hi")]}, temperature=0.3)
    assert of(played, "banjia_attempts_total") == {("kimi/kimi-k2.6",): 2, ("qwen/qwen3.6-plus",): 1}
    assert of(played, "banjia_attempt_failures_total") == {("kimi/kimi-k2.6", "vendor_error"): 2}
    assert of(played, "banjia_requests_total") == {("chat", "complete", "2xx"): 1}
    prompt = of(played, "banjia_tokens_total", kind="prompt")
    assert prompt == {("qwen/qwen3.6-plus", account, "prompt", "vendor"): 3 for account in ("shown", "billed")}
    assert [one["kind"] for one in played.lines[0]["failed"]] == ["vendor_error", "vendor_error"]


def test_a_stream_that_breaks_is_counted_with_its_reason() -> None:
    first = stream(hello_start(), error=httpx2.ReadError("x"))
    played = play({"kimi": [first]}, {**BOTH, "policy": {"attempts": 1}}, stream=True)
    assert of(played, "banjia_stream_endings_total") == {("truncated", "upstream_stream_reset"): 1}
    accounts = {labels[1] for labels in of(played, "banjia_tokens_total", source="estimated")}
    assert accounts == {"shown", "billed"}  # the vendor bills what it sent, and the caller has seen it


def hello_start() -> bytes:
    return b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"he"},"finish_reason":null}]}\n\n'


@pytest.mark.parametrize("streamed", [False, True])
def test_the_time_to_the_first_content_is_the_vendors_and_ours(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The body arrives at once, so no time is the client's, and the vendor waits before it answers."""
    reported = hello().aiter_bytes() if streamed else whole("hi").aiter_bytes()
    now = 100.0

    def tick() -> float:
        """A clock on which each reading takes 0.1 ms, and apart from that only the vendor takes time."""
        nonlocal now
        now += 0.0001
        return now

    for module in (
        "pipeline",
        "observability.request_record",
        "openai_api.response_writer",
        "attempts.runner",
        "attempts.rate_limited_runner",
    ):
        monkeypatch.setattr(f"proxy.{module}.perf_counter", tick)

    async def after_thought() -> AsyncIterator[bytes]:
        nonlocal now
        now += 0.03
        async for piece in reported:
            yield piece

    headers = SSE if streamed else {"content-type": "application/json"}
    played = play({"kimi": [httpx2.Response(200, headers=headers, content=after_thought())]}, stream=streamed)
    [line] = played.lines
    assert line["vendor_ms"] >= 29
    assert line["added_ms"] > 0
    assert line["vendor_ms"] + line["added_ms"] == pytest.approx(line["first_content_ms"], abs=0.5)
    assert line["first_content_ms"] <= line["total_ms"]
    [histogram] = of(played, "banjia_added_seconds").values()
    assert isinstance(histogram, Histogram)
    assert histogram.sum * 1000 == pytest.approx(line["added_ms"], abs=0.002)


def test_a_refusal_shows_no_tokens_and_has_no_times() -> None:
    played = play({"kimi": [error(400, "invalid_request_error")]})
    [line] = played.lines
    assert (line["shown"], line["first_content_ms"], line["added_ms"]) == (None, None, None)
    assert of(played, "banjia_first_content_seconds") == {}


def test_the_page_can_be_read_and_buckets_add_up() -> None:
    played = play({"kimi": [hello()]}, stream=True)
    assert played.state is not None
    found = series(played.state)
    name = "banjia_request_seconds"
    buckets = [value for key, value in found.items() if key.startswith(f"{name}_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1
    assert len(buckets) == len(LONG_S) + 1


def test_two_metrics_never_share_a_name() -> None:
    metrics = Metrics()
    metrics.gauge("x", "", (), dict)
    with pytest.raises(ValueError, match="two metrics"):
        metrics.gauge("x", "", (), dict)


def test_every_metric_is_documented_with_its_labels_and_no_other_is() -> None:
    state = kit_of()
    LoopMonitor().register(state.metrics)
    LogStreams({}).register(state.metrics)
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(banjia_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    documented = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert documented == {name: family.labels for name, family in state.metrics.families.items()}
    text, _ = Exposition(state.metrics).text("")
    of_the_process = set(re.findall(r"^# TYPE (process_\w+)", text.decode(), re.MULTILINE))
    assert {name for name in of_the_process if name not in page} == set()
