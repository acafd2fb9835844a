"""Whether responses are judged. It needs no package: suites in other environments load the same conftest."""


class _Switch:
    """On but for a test that is marked ``unjudged``."""

    on = True


judging = _Switch()
