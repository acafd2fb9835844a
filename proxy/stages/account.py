"""An ending is counted and becomes one log line, exactly once for every request."""

from proxy.kit import Kit
from proxy.nouns import Ending


def account(ending: Ending, kit: Kit) -> None:
    """Count the ending and write its line. Never raises for what is in the request."""
    kit.counts.add(ending)
    kit.access_log(ending)
