"""Whether responses are judged. Imports no package, because suites in other environments load the same conftest."""


class _Switch:
    """On, except in a test that is marked ``unjudged``."""

    on = True


judging = _Switch()
