"""The limiter on a test clock: the results of calls, and which calls it admits next."""

import asyncio
from types import SimpleNamespace

import pytest

from adapters.core.failures import Failure, RateLimit
from adapters.core.message import Message
from config.schema import Limits, VendorEntry
from proxy.limiter import limiter as module
from proxy.limiter.limiter import Limiter, Limiters, NoSlot, key_limits
from proxy.limiter.scheduler import KeyLimits, Outcome, Ticket

MODEL = "m"


class Clock:
    """A clock that the test advances (seconds)."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    mine = Clock()
    monkeypatch.setattr(module, "time", mine)
    return mine


def limited(retry_after_s: float | None = None, limit: RateLimit | None = None) -> Failure:
    return Failure.of("rate_limited", Message("x"), retry_after_s=retry_after_s, limit=limit)


def call(limiter: Limiter, clock: Clock, tokens: int = 0) -> Ticket:
    """A call that arrives now, and is sent if it is admitted."""
    ticket = Ticket(MODEL, clock.now, tokens)
    ticket.sent = limiter.enter(ticket)
    return ticket


def held(clock: Clock) -> Limiter:
    """A limiter whose vendor has refused a run of calls and asked for five seconds."""
    limiter = Limiter(KeyLimits())
    for _ in range(3):
        limiter.refused(call(limiter, clock), limited(5.0))
    return limiter


def test_a_run_of_refusals_holds_the_key_for_as_long_as_the_vendor_asked(clock: Clock) -> None:
    limiter = held(clock)
    assert 4.9 <= limiter.wait_s(MODEL) <= 5.0
    assert limiter.wait_s("another") == 0.0
    waiting = call(limiter, clock)
    assert (waiting.state, limiter.waiting, limiter.idle) == ("waiting", 1, True)


@pytest.mark.parametrize(("answered", "started"), [(True, 3), (False, 1)])
def test_a_probe_ends_the_hold_if_it_was_answered_and_tells_nothing_if_not(
    clock: Clock, answered: bool, started: int
) -> None:
    limiter = held(clock)
    clock.now += 5.0
    probe = call(limiter, clock)
    assert probe.state == "started"
    if answered:
        limiter.ended(probe, answered=True)
    else:
        limiter.ended(probe)
    assert [call(limiter, clock).state for _ in range(3)].count("started") == started


def test_a_probe_that_is_being_answered_ends_the_hold(clock: Clock) -> None:
    limiter = held(clock)
    clock.now += 5.0
    limiter.accepted(call(limiter, clock))
    assert call(limiter, clock).state == "started"


def test_a_slot_is_free_again_when_its_call_has_ended(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(concurrency=1))
    first, second = call(limiter, clock), call(limiter, clock)
    assert (first.state, second.state, limiter.idle) == ("started", "waiting", False)
    limiter.ended(second)
    limiter.ended(first)
    assert limiter.idle
    assert call(limiter, clock).state == "started"


def test_tokens_are_counted_by_what_a_call_used(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(tpm=1000))
    first = call(limiter, clock, 900)
    limiter.settle(first, 100)
    assert call(limiter, clock, 900).state == "started"
    assert call(limiter, clock, 1).state == "waiting"


def test_calls_start_again_when_the_window_and_its_slack_are_over(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(rpm=1), window_s=60.0, slack_s=1.0)
    limiter.ended(call(limiter, clock))
    clock.now += 60.5
    waiting = call(limiter, clock)
    assert waiting.state == "waiting"
    limiter.ended(waiting)
    clock.now += 0.6
    assert call(limiter, clock).state == "started"


@pytest.mark.parametrize("outcome", ["answered", "lost"])
def test_calls_without_a_ticket_teach_by_their_refusals_alone(clock: Clock, outcome: str) -> None:
    limiter = Limiter(KeyLimits())
    limiter.add_untracked(MODEL, 6)
    for _ in range(3):
        limiter.untracked_ended(MODEL, outcome)  # type: ignore[arg-type]
    assert call(limiter, clock).state == "started"
    limiter = Limiter(KeyLimits())
    limiter.add_untracked(MODEL, 3)
    refused = [limiter.untracked_ended(MODEL, "refused", limited(5.0)) for _ in range(3)]
    assert refused[-1].retry_at == pytest.approx(clock.now + 5.0)
    assert call(limiter, clock).state == "waiting"


def test_the_limits_of_a_key_are_those_that_are_set() -> None:
    limits = Limits(concurrency=2, rpm=3, tpm=4, wait_s=5, learn=False)
    assert key_limits(limits) == KeyLimits(2, 3, 4, 5, False)
    assert key_limits(Limits()) == KeyLimits()


def account(limits: Limits) -> SimpleNamespace:
    """A vendor with one key."""
    key = SimpleNamespace(calls=0, limiter=None, digest=b"k")
    return SimpleNamespace(entry=VendorEntry.model_validate({"limits": limits.model_dump()}), keys=[key])


def test_a_key_without_limits_has_a_limiter_from_its_first_refusal_on() -> None:
    limiters, plain = Limiters(), account(Limits())
    limiters.attach([("kimi", plain)])
    [key] = plain.keys
    assert limiters.untracked_ended("kimi", plain, key, MODEL, "answered", None) is None
    assert limiters.untracked_ended("kimi", plain, key, MODEL, "lost", None) is None
    before = key.limiter
    assert limiters.untracked_ended("kimi", plain, key, MODEL, "refused", limited(5.0)) is not None
    assert (before, type(key.limiter)) == (None, Limiter)
    assert limiters.waiting() == {"kimi": 0}


def test_a_key_whose_limits_do_not_learn_has_no_limiter_after_a_refusal() -> None:
    limiters, plain = Limiters(), account(Limits(learn=False))
    limiters.attach([("kimi", plain)])
    assert limiters.untracked_ended("kimi", plain, plain.keys[0], MODEL, "refused", limited(5.0)) is None
    assert plain.keys[0].limiter is None


def test_a_limiter_outlives_a_reload_and_is_dropped_with_its_key() -> None:
    limiters, before, after = Limiters(), account(Limits(rpm=1)), account(Limits(rpm=2))
    limiters.attach([("kimi", before)])
    limiters.attach([("kimi", after)])
    assert after.keys[0].limiter is before.keys[0].limiter
    assert after.keys[0].limiter.limits.rpm == 2
    limiters.attach([("other", account(Limits()))])
    again = account(Limits(rpm=1))
    limiters.attach([("kimi", again)])
    assert again.keys[0].limiter is not before.keys[0].limiter


def test_a_call_without_an_estimate_uses_no_tokens(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(tpm=1))
    states = [call(limiter, clock, tokens).state for tokens in (0, 0, 1, 1)]
    limiter = Limiter(KeyLimits(tpm=1))
    plain = Ticket(MODEL, clock.now)
    limiter.enter(plain)
    assert (states, plain.tokens) == (["started", "started", "started", "waiting"], 0)


def test_calls_without_a_ticket_count_beside_those_that_have_one(clock: Clock) -> None:
    limiter = Limiter(KeyLimits())
    limiter.add_untracked(MODEL, 4)
    limiter.untracked_ended(MODEL, "refused", limited(limit=RateLimit("concurrency", 3.0)))
    assert [call(limiter, clock).state for _ in range(2)] == ["started", "waiting"], "one more than three is a test"


def test_where_nothing_is_learned_calls_without_a_ticket_are_not_counted(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(learn=False))
    limiter.add_untracked(MODEL, 4)
    limiter.untracked_ended(MODEL, "refused", limited(limit=RateLimit("concurrency", 3.0)))
    assert [call(limiter, clock).state for _ in range(9)] == ["started"] * 9


def test_the_calls_in_flight_at_the_first_refusal_count_beside_those_that_come(clock: Clock) -> None:
    limiters, plain = Limiters(), account(Limits())
    limiters.attach([("kimi", plain)])
    [key] = plain.keys
    key.calls = 3
    limiters.untracked_ended("kimi", plain, key, MODEL, "refused", limited(limit=RateLimit("concurrency", 3.0)))
    states = [call(key.limiter, clock).state for _ in range(3)]
    assert states == ["started", "waiting", "waiting"], "one more than three is a test"


def test_only_a_call_that_could_not_start_at_once_has_been_in_the_queue(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(concurrency=1))
    assert [call(limiter, clock).queued for _ in range(2)] == [False, True]


def test_an_answer_without_a_ticket_breaks_a_run_of_refusals(clock: Clock) -> None:
    limiter = Limiter(KeyLimits())
    limiter.add_untracked(MODEL, 4)
    for outcome in ("refused", "refused", "answered", "refused"):
        limiter.untracked_ended(MODEL, outcome, limited(0.0) if outcome == "refused" else None)
    clock.now += 0.2
    assert call(limiter, clock).state == "started"


def test_a_call_that_has_ended_is_in_that_state_whatever_it_was_before(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(concurrency=1))
    calls = [call(limiter, clock) for _ in range(2)]
    states = [one.state for one in calls]
    for one in calls:
        limiter.ended(one)
    assert (states, [one.state for one in calls]) == (["started", "waiting"], ["ended", "ended"])


def test_a_refusal_gives_its_slot_to_the_call_that_waits() -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits(concurrency=1))
        first, second = Ticket(MODEL, 0.0), Ticket(MODEL, 1.0)
        first.sent = limiter.enter(first)
        assert not limiter.enter(second)
        waits = asyncio.create_task(limiter.wait(second, 100.0))
        await asyncio.sleep(0)
        limiter.refused(first, limited(50.0))
        async with asyncio.timeout(30):
            await waits

    asyncio.run(main())


def test_calls_that_wait_start_as_soon_as_the_limits_are_raised() -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits(concurrency=1))
        tickets = [Ticket(MODEL, float(at)) for at in range(3)]
        tickets[0].sent = limiter.enter(tickets[0])
        assert not any(limiter.enter(ticket) for ticket in tickets[1:])
        waits = [asyncio.create_task(limiter.wait(ticket, 100.0)) for ticket in tickets[1:]]
        await asyncio.sleep(0)
        limiter.limits = KeyLimits(concurrency=2)
        async with asyncio.timeout(30):
            await waits[0]
        assert [ticket.state for ticket in tickets] == ["started", "started", "waiting"]
        limiter.limits = KeyLimits()
        async with asyncio.timeout(30):
            await waits[1]

    asyncio.run(main())


@pytest.mark.parametrize(("given", "waits"), [({}, True), ({"elsewhere": False}, True), ({"elsewhere": True}, False)])
def test_a_call_waits_for_a_learned_limit_unless_another_target_can_serve_it(
    clock: Clock, given: dict[str, bool], waits: bool
) -> None:
    async def main() -> None:
        limiter = held(clock)
        ticket = Ticket(MODEL, clock.now, **given)
        assert not limiter.enter(ticket)
        wait = asyncio.create_task(limiter.wait(ticket, 100.0))
        await asyncio.sleep(0)
        assert wait.done() != waits
        if not waits:
            with pytest.raises(NoSlot):
                await wait
        wait.cancel()
        await asyncio.gather(wait, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize("limits", [KeyLimits(rpm=1), KeyLimits(tpm=100), KeyLimits(rpm=1, learn=False)])
def test_a_refused_call_is_not_counted_by_the_operators_limits(clock: Clock, limits: KeyLimits) -> None:
    limiter = Limiter(limits)
    limiter.refused(call(limiter, clock, 100), limited())
    assert [call(limiter, clock, 100).state for _ in range(2)] == ["started", "waiting"]


def test_a_model_that_waits_does_not_change_what_another_waits_for(clock: Clock) -> None:
    limiter = held(clock)
    other = Ticket("other", clock.now)
    assert limiter.enter(other)
    assert limiter.wait_s("other") == 0.0
    limiter.ended(other, answered=True)
    assert limiter.wait_s(MODEL) > 0.0


def test_the_wait_for_a_slot_grows_with_the_calls_before_it(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(concurrency=2))
    first = [call(limiter, clock) for _ in range(2)]
    clock.now += 8.0
    limiter.ended(first[0])
    assert limiter.wait_s(MODEL) == 0.0
    call(limiter, clock)
    assert limiter.wait_s(MODEL) == pytest.approx(4.0)
    call(limiter, clock)
    assert limiter.wait_s(MODEL) == pytest.approx(8.0)
    limiter = Limiter(KeyLimits(rpm=2), window_s=60.0, slack_s=1.0)
    for _ in range(2):
        call(limiter, clock)
        clock.now += 10.0
    assert limiter.wait_s(MODEL) == pytest.approx(41.0)
    call(limiter, clock)
    assert limiter.wait_s(MODEL) == pytest.approx(51.0)
    call(limiter, clock)
    assert limiter.wait_s(MODEL) == pytest.approx(41.0 + 61.0)


def test_the_mean_duration_of_a_call_is_that_of_the_first_and_then_moves_by_an_eighth(clock: Clock) -> None:
    limiter = Limiter(KeyLimits(concurrency=1))
    for took_s, mean_s in ((8.0, 8.0), (16.0, 9.0)):
        ticket = call(limiter, clock)
        clock.now += took_s
        limiter.ended(ticket)
        ticket = call(limiter, clock)
        assert limiter.wait_s(MODEL) == pytest.approx(mean_s)
        ticket.sent = False
        limiter.ended(ticket)


def waiting_behind(limiter: Limiter, clock: Clock, *, elsewhere: bool, wait_s: float = 100.0) -> asyncio.Task[None]:
    """A call that waits for a slot of the operator's limit."""
    ticket = Ticket(MODEL, clock.now, elsewhere=elsewhere)
    assert not limiter.enter(ticket)
    return asyncio.create_task(limiter.wait(ticket, wait_s))


def test_a_call_that_gets_no_slot_in_its_time_has_none(clock: Clock) -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits(concurrency=1))
        call(limiter, clock)
        with pytest.raises(NoSlot) as no_slot:
            await waiting_behind(limiter, clock, elsewhere=False, wait_s=0.01)
        assert no_slot.value.retry_after_s == 1.0
        assert limiter.waiting == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("limit", "elsewhere", "denied"),
    [
        (None, True, True),
        (None, False, False),
        (RateLimit("day", None), True, True),
        (RateLimit("day", None), False, True),
    ],
)
def test_a_refusal_that_holds_the_key_sends_calls_with_another_target_there_and_all_if_it_is_for_the_day(
    clock: Clock, limit: RateLimit | None, *, elsewhere: bool, denied: bool
) -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits(concurrency=1))
        call(limiter, clock)
        limiter.add_untracked(MODEL, 3)
        wait = waiting_behind(limiter, clock, elsewhere=elsewhere)
        await asyncio.sleep(0)
        for _ in range(1 if limit else 3):
            assert limiter.waiting == 1
            limiter.untracked_ended(MODEL, "refused", limited(30.0, limit))
        assert limiter.waiting == (0 if denied else 1)
        await asyncio.sleep(0)
        if denied:
            with pytest.raises(NoSlot) as no_slot:
                await wait
            assert no_slot.value.retry_after_s >= 30.0
        assert wait.done() == denied
        wait.cancel()
        await asyncio.gather(wait, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize(("held_s", "retry_after_s"), [(0.5, 1.0), (1.0, 1.0), (5.0, 5.0)])
def test_a_client_is_told_to_retry_when_the_hold_may_end_and_after_a_second_at_the_earliest(
    clock: Clock, held_s: float, retry_after_s: float
) -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits())
        for _ in range(3):
            limiter.refused(call(limiter, clock), limited(held_s))
        with pytest.raises(NoSlot) as no_slot:
            await waiting_behind(limiter, clock, elsewhere=True)
        assert no_slot.value.retry_after_s == pytest.approx(retry_after_s)

    asyncio.run(main())


def test_a_refusal_leaves_a_call_alone_that_is_queued_and_does_not_wait_yet(clock: Clock) -> None:
    async def main() -> None:
        limiter = Limiter(KeyLimits(concurrency=1))
        call(limiter, clock)
        limiter.add_untracked(MODEL, 1)
        wait = waiting_behind(limiter, clock, elsewhere=False)
        await asyncio.sleep(0)
        queued = call(limiter, clock)
        limiter.untracked_ended(MODEL, "refused", limited(30.0, RateLimit("day", None)))
        with pytest.raises(NoSlot):
            await wait
        assert (queued.state, limiter.waiting) == ("waiting", 1)

    asyncio.run(main())


@pytest.mark.parametrize("outcome", ["answered", "refused", "lost"])
def test_the_ticket_of_a_call_that_began_without_one_has_ended(clock: Clock, outcome: Outcome) -> None:
    limiter = Limiter(KeyLimits())
    limiter.add_untracked(MODEL, 1)
    ticket = limiter.untracked_ended(MODEL, outcome, limited() if outcome == "refused" else None)
    assert (ticket.state, ticket.model) == ("ended", MODEL)
