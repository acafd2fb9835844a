"""Authenticate requests by client key."""

from collections.abc import Mapping

from adapters.core.message import Message
from proxy._types import Caller
from proxy.credentials.pool import ClientKeys
from proxy.errors import BadKey, BadRequest
from proxy.reason import Reason

ANONYMOUS = Caller("anonymous")


def authenticate(headers: Mapping[bytes, bytes], keys: ClientKeys) -> Caller:
    """Identify the client by its key in ``authorization`` or Azure's ``api-key``.

    Raises BadKey if the key is missing or unknown, and BadRequest if the two headers have different keys.
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
    key_hash = keys.hash_of(key)
    if key_hash is None:
        masked = f"…{key[-4:]}" if len(key) >= 12 else "…"
        raise BadKey(
            Message("Incorrect API key provided: {masked}. It must be one of server.client_keys.", masked=masked),
            code="invalid_api_key",
            reason=Reason.CLIENT_KEY_WRONG,
        )
    return Caller(key_hash.hex()[:8], key_hash)


def sent_key(headers: Mapping[bytes, bytes]) -> str:
    """Return the key in a request's headers, or an empty string. Raises BadRequest for two different keys."""
    bearer = headers.get(b"authorization", b"").decode("utf-8", "surrogateescape")
    scheme, _, token = bearer.partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    azure = headers.get(b"api-key", b"").decode("utf-8", "surrogateescape").strip()
    if token and azure and token != azure:
        raise BadRequest(
            Message("The request headers 'authorization' and 'api-key' have different keys. Send one of them.")
        )
    return token or azure
