"""An ending becomes a count and one log line, exactly once for every request."""

from proxy.kit import Kit
from proxy.nouns import Ending


def account(ending: Ending, kit: Kit) -> None:
    """Count the ending and write its line. Never raises for what is in the request."""
    kit.endings[ending.word] += 1
    if ending.stream:
        kit.stream_endings[ending.word] += 1
    kit.access_log(ending)
