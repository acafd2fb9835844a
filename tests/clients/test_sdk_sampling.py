"""Which sites a test of this suite runs at."""

from tests.clients.sdk_sampling import SITES_A_TEST, chosen

SITES = [f"vendor{at}" for at in range(11)]
TESTS = [f"tests/test_chat.py::test_{at}" for at in range(60)]


def test_a_test_runs_at_three_sites_and_always_at_the_same() -> None:
    for test in TESTS:
        assert len(chosen(SITES, test)) == SITES_A_TEST
        assert chosen(SITES, test) == chosen(SITES, test)
    assert chosen(SITES[:2], "test") == set(SITES[:2])


def test_every_site_has_its_share_of_the_tests() -> None:
    for site in SITES:
        assert sum(site in chosen(SITES, test) for test in TESTS) > len(TESTS) // len(SITES)


def test_another_version_of_the_client_runs_a_test_at_other_sites() -> None:
    assert chosen(SITES, TESTS[0], shift=1) != chosen(SITES, TESTS[0], shift=2)
