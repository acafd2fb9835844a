"""Who asks."""

from collections.abc import Mapping

from adapters.core.message import Message
from proxy._types import Caller
from proxy.credentials.pool import ClientKeys
from proxy.errors import BadKey, BadRequest
from proxy.reason import Reason

ANONYMOUS = Caller("anonymous")


def authenticate(headers: Mapping[bytes, bytes], keys: ClientKeys) -> Caller:
    """The caller by its key, in ``authorization`` or Azure's ``api-key``.

    Raises BadKey, and BadRequest for a key in each that are not the same: which one counts could only be guessed.
    """
    if not keys.needed:
        return ANONYMOUS
    key = sent_key(headers)
    if not key:
        raise BadKey(
            Message(
                "You didn't provide an API key. Send it as a bearer token: Authorization: Bearer YOUR_KEY (OPENAI_API_KEY does so)."
            )
        )
    known = keys.knows(key)
    if known is None:
        masked = f"…{key[-4:]}" if len(key) >= 12 else "…"
        raise BadKey(
            Message("Incorrect API key provided: {masked}. It must be one of server.client_keys.", masked=masked),
            code="invalid_api_key",
            reason=Reason.CLIENT_KEY_WRONG,
        )
    return Caller(known)


def sent_key(headers: Mapping[bytes, bytes]) -> str:
    """The key that came with a request, or an empty string. Raises BadRequest for two that differ."""
    bearer = headers.get(b"authorization", b"").decode("utf-8", "surrogateescape")
    scheme, _, token = bearer.partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    azure = headers.get(b"api-key", b"").decode("utf-8", "surrogateescape").strip()
    if token and azure and token != azure:
        raise BadRequest(
            Message("The headers 'authorization' and 'api-key' of the request hold different keys. Send one of them.")
        )
    return token or azure
