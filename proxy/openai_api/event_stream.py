"""Send a stream of server-sent events that were encoded before."""

from collections.abc import AsyncIterator
from time import perf_counter

from proxy.observability.request_record import RequestRecord
from proxy.openai_api.response_writer import STREAM
from proxy.openai_api.writer import ResponseChannel


async def send_events(events: AsyncIterator[bytes], out: ResponseChannel, record: RequestRecord) -> None:
    """Send the head and all events. The client may leave at any time."""
    headers = [*STREAM, (b"x-request-id", record.request_id.encode()), (b"openai-version", b"2020-10-01")]
    await out.send({"type": "http.response.start", "status": 200, "headers": headers})
    record.status = 200
    record.first_content_s = perf_counter() - record.started
    async for piece in events:
        await out.send({"type": "http.response.body", "body": piece, "more_body": True})
    await out.send({"type": "http.response.body", "body": b"", "more_body": False})
    record.outcome_word = "complete"
