"""Reasons of operating system errors as messages. The reasons listed here can be translated."""

from adapters.core.message import Message, as_message

_KNOWN: dict[str, Message] = {
    known: known
    for known in (
        Message("No such file or directory"),
        Message("no such file or directory"),
        Message("Permission denied"),
        Message("permission denied"),
        Message("is a directory"),
        Message("Address already in use"),
        Message("Cannot assign requested address"),
        Message("No space left on device"),
    )
}


def reason_of(error: OSError, *, lower_case: bool = False) -> Message:
    """Return the reason of an error in the words of the system or of the code that raised it."""
    text: str = error.strerror or (str(error) if not lower_case else "")
    if isinstance(text, Message):
        return text
    if not text:
        return Message("no reason given")
    text = text.lower() if lower_case else text
    return _KNOWN.get(text) or as_message(text)
