"""The limiter decides as recorded: a changed rule or constant changes the recorded runs."""

from tests.proxy.limiter.recorded_runs import decided, recorded


def test_each_run_of_the_simulator_is_the_recorded_one() -> None:
    """After an intended change check the result with ``python -m bench.limits``, then record the runs again."""
    assert decided() == recorded()
