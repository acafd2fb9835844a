"""The type of an image, from its first bytes: the label of a server may be wrong."""

HEAD_BYTES = 12
"""How many bytes decide on the type."""


def media_type(head: bytes) -> str | None:
    """Return the media type of the data that begins like this; None if it is none of PNG, JPEG, GIF and WebP."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None
