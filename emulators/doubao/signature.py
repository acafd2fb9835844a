"""Volcengine's signature of requests to the control plane: HMAC-SHA256 over a canonical request.

As in the vendor's SDK (volcengine-python-sdk, `volcenginesdkcore/signv4.py`) and on volcengine.com/docs/6369/67269. The errors
and their statuses are those of volcengine.com/docs/6369/68677.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from emulators.core.http import HttpRequest

ALGORITHM = "HMAC-SHA256"
AUTHORIZATION = re.compile(rf"{ALGORITHM} Credential=(\S+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{{64}})\Z")
DATE = "%Y%m%dT%H%M%SZ"
TOLERANCE_S = 900
"""The greatest distance of X-Date from the server's time; the vendor's pages do not state it (seconds)."""
MUST_BE_SIGNED = ("host", "x-date")


@dataclass(eq=False)
class SignatureRefused(Exception):
    """The credentials are refused, with a code of the page of common errors, and its number."""

    status: int
    code: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What a signature was made for: an access key, a day, a region and a service."""

    access_key: str
    day: str
    region: str
    service: str

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/request"


def verify(request: HttpRequest, access_key: str, secret_key: str, now: float) -> Credential:
    """Return the credential of a request that is signed with the keys. Raises SignatureRefused."""
    credential, names, given = _parsed(request.headers.get("authorization", ""))
    if credential.access_key != access_key:
        message = f"The accesskey [{credential.access_key}] included in the request is invalid."
        raise SignatureRefused(401, "InvalidAccessKey", 100009, message)
    date = request.headers.get("x-date", "")
    _check_date(date, credential.day, now)
    absent = [name for name in names if name not in request.headers]
    unsigned = [name for name in MUST_BE_SIGNED if name not in names]
    digest = hashlib.sha256(request.body).hexdigest()
    wrong_digest = request.headers.get("x-content-sha256", digest) != digest
    to_sign = "\n".join((ALGORITHM, date, credential.scope, _hashed(canonical_request(request, names, digest))))
    made = hmac.new(signing_key(secret_key, credential), to_sign.encode(), hashlib.sha256).hexdigest()
    if absent or unsigned or wrong_digest or not hmac.compare_digest(made, given):
        raise _mismatch()
    return credential


def canonical_request(request: HttpRequest, names: list[str], digest: str) -> str:
    """Return the text whose hash is signed. `names`: the signed headers; `digest`: the hash of the body."""
    lines = "".join(f"{name}:{_header(request, name)}\n" for name in names)
    return "\n".join(
        (request.method, quote(request.path), canonical_query(request.query), lines, ";".join(names), digest)
    )


def canonical_query(query: str) -> str:
    """Return a query sorted by name and value, with everything encoded except letters, digits and `-_.~`."""
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{name}={value}" for name, value in pairs)


def signing_key(secret_key: str, credential: Credential) -> bytes:
    """Return the key of a day, a region and a service: a chain of HMACs that starts with the bare secret key."""
    key = secret_key.encode()
    for part in credential.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _parsed(authorization: str) -> tuple[Credential, list[str], str]:
    match = AUTHORIZATION.match(authorization)
    if match is None and authorization:
        message = "Invalid 'Authorization' header, Pls check your authorization header."
        raise SignatureRefused(400, "InvalidAuthorization", 100024, message)
    parts = match[1].split("/") if match else []
    if match is None or len(parts) != 5 or parts[4] != "request":
        # a live answer without any signature has this number, too
        message = "Invalid credential in 'Authorization' header, Pls check your credential."
        raise SignatureRefused(400, "InvalidCredential", 100025, message)
    names = match[2].split(";")
    # the SDK sorts the names; another order is another canonical request
    if names != sorted(set(names)):
        raise _mismatch()
    return Credential(*parts[:4]), names, match[3]


def _check_date(date: str, day: str, now: float) -> None:
    if not date:
        raise SignatureRefused(400, "MissingRequestInfo", 100004, "The request is missing X-Date information.")
    try:
        signed_at = datetime.strptime(date, DATE).replace(tzinfo=UTC).timestamp()
    except ValueError:
        signed_at = float("-inf")
    if abs(now - signed_at) > TOLERANCE_S:
        raise SignatureRefused(400, "InvalidTimestamp", 100006, "The Signature of the request is expired.")
    if not date.startswith(day):
        raise _mismatch()


def _header(request: HttpRequest, name: str) -> str:
    value = " ".join(request.headers.get(name, "").split())
    # as in the SDK: the default ports are not signed
    return value.rpartition(":")[0] if name == "host" and value.endswith((":80", ":443")) else value


def _mismatch() -> SignatureRefused:
    message = (
        "The request signature we calculated does not match the signature you provided. Check your Secret Access Key and "
        "signing method. Consult the service documentation for details."
    )
    return SignatureRefused(401, "SignatureDoesNotMatch", 100010, message)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
