"""The failures of attempts as the client and the log may see them: without secrets, saying which key was refused."""

from functools import partial

from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.vendor import Target
from proxy.app_state import AppState
from proxy.credentials.pool import VendorKey
from proxy.credentials.redaction import without_parts_of
from proxy.errors import Overloaded


def vendor_overloaded(target: Target, in_flight: int, attempts: int) -> Overloaded:
    """Return the error for a vendor that has its share of requests in progress. ``attempts``: made before this one."""
    overloaded = Overloaded(
        Message(
            "{vendor} has {count} requests in progress, the limit for one vendor if several are configured (80% of server.max_concurrency). Try again in a moment.",
            vendor=target.vendor.title,
            count=in_flight,
        )
    )
    overloaded.should_retry = not attempts
    overloaded.retry_after_s = 1.0
    return overloaded


def describe(failure: Failure, target: Target, key: VendorKey, region: str, state: AppState) -> Failure:
    """Return the failure of a call with this key, with a message without secrets. ``region``: that of the vendor."""
    message = state.redact_message(failure.message)
    if failure.param is not None:
        failure = failure._replace(param=state.redact(failure.param))
    if failure.fault == "credential":
        message = message.with_texts(partial(without_parts_of, key.secret.get_secret_value()))
    if failure.kind in ("key_refused", "forbidden"):
        about = {"vendor": target.vendor.title, "tail": key.tail, "entry": target.entry}
        if key.absent:
            message = Message(
                "{vendor} requires an API key (vendor '{entry}'): set api_key. {reply}",
                vendor=target.vendor.title,
                entry=target.entry,
                reply=message,
            )
        elif len(target.vendor.base_urls) > 1:
            message = Message(
                "{vendor} refused the key ending in {tail} (vendor '{entry}'). Check the key, and that it belongs to this region ({region}): a key works in one region only. {reply}",
                region=region,
                reply=message,
                **about,
            )
        else:
            message = Message(
                "{vendor} refused the key ending in {tail} (vendor '{entry}'). Check the key. {reply}",
                reply=message,
                **about,
            )
    return failure._replace(message=message)
