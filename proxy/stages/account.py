"""An ending becomes a count and one log line, exactly once for every request."""

from adapters.core.shapes import Usage
from proxy.kit import Kit
from proxy.nouns import Ending


def account(ending: Ending, kit: Kit) -> None:
    """Count the ending and write its line. Never raises for what is in the request."""
    kit.endings[ending.word] += 1
    if ending.stream:
        kit.stream_endings[ending.word] += 1
    kit.access_log(line(ending))


def line(ending: Ending) -> dict[str, object]:
    """The access line: times in milliseconds, tokens as billed. No text of the request and no secret is in it."""
    return {
        "request_id": ending.request_id,
        "ending": ending.word,
        "status": ending.status,
        "code": ending.code,
        "operation": ending.operation,
        "model": ending.model[:200],
        "stream": ending.stream,
        "target": ending.target,
        "attempts": ending.attempts,
        "caller": ending.caller,
        "adapted": {name: told.word for name, told in ending.told.items() if told.word != "honoured"},
        "shown": _tokens(ending.usage),
        "billed": _tokens(ending.billed),
        "first_content_ms": None if ending.first_content_s is None else round(ending.first_content_s * 1000, 1),
        "total_ms": round(ending.total_s * 1000, 1),
        **ending.notes,
    }


def _tokens(usage: Usage | None) -> dict[str, object] | None:
    if usage is None:
        return None
    return {"prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached, "source": usage.source}
