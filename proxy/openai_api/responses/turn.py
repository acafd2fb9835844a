"""One request to ``POST /v1/responses``: what it continues, the ids of its response, and how the response is stored."""

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from adapters.responses.history import History, Item
from adapters.responses.new_items import stored_input
from adapters.translations.responses_as_chat import as_chat, references
from proxy.errors import BadRequest, NotSupported
from proxy.openai_api.handler import StepContext
from proxy.openai_api.responses.conversation_lock import ConversationLock
from proxy.openai_api.responses.errors import (
    chain_error,
    conversation_not_found,
    duplicate_item,
    history_too_long,
    item_not_found,
    store_unavailable,
)
from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import (
    BrokenChain,
    ConversationAppend,
    Status,
    StoredItem,
    StoredResponse,
    WriteResult,
)

if TYPE_CHECKING:  # commands such as ``explain`` import the handlers without a server
    from proxy.app_state import AppState
    from proxy.storage.interface import Store

REASONING = "reasoning"
"""The kind of the seals of reasoning."""
COMPACTION = "compaction"
"""The kind of the seals of summaries."""
MAX_SEALED = 256 * 1024
"""The longest text that is sealed (bytes of UTF-8): of a longer one, the end."""
DAY_S = 86_400.0


def new_id(prefix: str) -> str:
    """Return a new id of a stored object. It is random: without client keys, the id is all that protects the object."""
    return f"{prefix}_{secrets.token_hex(16)}"


class ResponseTurn:
    """The state of one request. ``fields`` are those of the client; ``load`` sets the rest.

    ``answer_id``: the part of the output items' ids that they share. ``earlier``: the items that the request continues.
    """

    __slots__ = (
        "_conversation_ids",
        "_new_items",
        "_referenced",
        "_state",
        "_version",
        "answer_id",
        "conversation",
        "created",
        "drop",
        "earlier",
        "fields",
        "lock",
        "previous",
        "response_id",
        "tenant",
    )

    def __init__(self, state: "AppState", fields: Mapping[str, Any]) -> None:
        self._state = state
        self.fields = fields
        self.response_id = new_id("resp")
        self.answer_id = secrets.token_hex(12)
        self.created = int(time.time())
        self.previous: str | None = fields.get("previous_response_id")
        conversation = fields.get("conversation")
        self.conversation: str | None = conversation["id"] if type(conversation) is dict else conversation
        self.tenant = ""
        self.drop: Collection[str] = ()
        self.lock: ConversationLock | None = None
        self._new_items: list[Item] | None = None
        self._referenced: Mapping[str, Item] = {}
        self.earlier: list[Item] = []
        self._version = 0  # of the conversation, when it was read
        self._conversation_ids: set[str] = set()

    @property
    def is_stored(self) -> bool:
        """Whether the client wants the response to be stored."""
        return self.fields.get("store") is not False

    @property
    def is_background(self) -> bool:
        """Whether the response is made in the background."""
        return self.fields.get("background") is True

    @property
    def new_items(self) -> list[Item]:
        """The input of this request alone. It is made when it is needed: a response that is not stored has no use for it."""
        if self._new_items is None:
            self._new_items = stored_input(self.fields, new_id, self._referenced)
        return self._new_items

    @new_items.setter
    def new_items(self, items: list[Item]) -> None:
        self._new_items = items

    @property
    def _store(self) -> "Store":
        return self._state.store

    # --- before the attempts ------------------------------------------------------------------------------------

    async def load(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        """Read what the request continues and return its chat request. The conversation stays locked until the end.

        Raises BadRequest, NoSuchObject for an unknown conversation or item, and Overloaded if the store is unavailable.
        """
        tenant = self._state.tenant(context.caller)
        try:
            if self.is_stored and self._state.snapshot.settings.store.on_failure == "closed":
                # Written before any call, so that a response that can't be stored costs nothing.
                await self._store.leases.take(tenant, self.response_id, self.response_id, 1.0)
            if self.conversation is not None:
                self.lock = await ConversationLock.take(self._state, tenant, self.conversation, self.response_id)
                context.slot.at_end(self.lock.release)
        except StoreUnavailable as error:
            raise store_unavailable(self._state, error) from None
        return await self.load_for(request, tenant, context.route.targets[0].drop)

    async def load_for(self, request: ApiRequest, tenant: str, drop: Collection[str] = frozenset()) -> ApiRequest:
        """Read what the request of this tenant continues and return its chat request. Raises as ``load``.

        ``drop``: the fields of ``policy.drop``.
        """
        self.tenant = tenant
        self.drop = drop
        try:
            history = await self._history()
        except StoreUnavailable as error:
            raise store_unavailable(self._state, error) from None
        self.earlier, self._referenced = history.items, history.referenced
        try:
            chat = as_chat(request, history, self.unseal, drop)
        except Refused as refused:
            raise NotSupported.of(refused) from None
        if self.conversation is not None:
            ids: set[str] = set()
            for item in self._brought():
                if item["id"] in ids:
                    raise duplicate_item(item["id"])
                ids.add(item["id"])
        return chat

    def _brought(self) -> list[Item]:
        """Return the input that the conversation does not have yet."""
        return [item for item in self.new_items if item["id"] not in self._conversation_ids]

    async def _history(self) -> History:
        ids = references(self.fields)
        found = await self._store.responses.items(self.tenant, ids) if ids else {}
        for id_ in ids:
            if id_ not in found:
                raise item_not_found(id_, param="input")
        referenced = {id_: orjson.loads(body) for id_, body in found.items()}
        if self.conversation is not None:
            return History(await self._conversation_items(self.conversation), referenced)
        if self.previous is not None:
            return History(await self._chain_items(self.previous), referenced)
        return History([], referenced)

    async def _chain_items(self, previous: str) -> list[Item]:
        most_bytes = self._state.snapshot.max_body
        chain = await self._store.responses.chain(self.tenant, previous, most_bytes=most_bytes)
        if isinstance(chain, BrokenChain):
            raise chain_error(chain)
        self._state.responses_metrics.chain_links.observe(len(chain.links))
        last = chain.links[-1]
        if last.status not in ("completed", "incomplete"):
            raise BadRequest(
                Message(
                    "Previous response '{id}' is {status} and cannot be continued.", id=previous, status=last.status
                ),
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return [orjson.loads(item.body) for item in chain.items()]

    async def _conversation_items(self, conversation: str) -> list[Item]:
        most_bytes = self._state.snapshot.max_body
        history = await self._store.conversations.history(self.tenant, conversation, most_bytes)
        if history == "not_found":
            raise conversation_not_found(conversation, param="conversation")
        if history == "too_many_bytes":
            raise history_too_long("conversation")
        self._version = history.version
        self._conversation_ids = {item.id for item in history.items}
        return [orjson.loads(item.body) for item in history.items]

    # --- seals --------------------------------------------------------------------------------------------------

    def seal(self, text: str, kind: str = REASONING) -> str:
        """Return a text encrypted for this client; of a long one the end."""
        data = text.encode("utf-8", "replace")
        return self._state.secret.seal(self.tenant, kind, data[-MAX_SEALED:].decode("utf-8", "ignore"))

    def unseal(self, sealed: str) -> str | None:
        """Return the reasoning or the summary that was sealed for this client, else None."""
        secret = self._state.secret
        text = secret.unseal(self.tenant, REASONING, sealed)
        return secret.unseal(self.tenant, COMPACTION, sealed) if text is None else text

    async def release_lock(self) -> None:
        """Release the lock of the conversation, if the request has one."""
        if self.lock is not None:
            await self.lock.released()

    # --- after the attempts -------------------------------------------------------------------------------------

    async def store(
        self,
        response: Mapping[str, Any],
        output: Sequence[Item],
        target: str,
        replaces: Collection[Status] | None = None,
        owner: str = "",
        run: bytes = b"",
    ) -> WriteResult:
        """Store a response, and add the turn of one that is complete to the conversation. Raises StoreUnavailable.

        ``output``: its items, with what only the store has. ``replaces``, ``owner`` and ``run``: of a response in the
        background, as in :class:`proxy.storage.interface.ResponseStore` and :class:`proxy.storage.records.StoredResponse`.
        """
        append = self._append(response["status"], output)
        if not self.is_stored:
            return WriteResult.DONE if append is None else await self._store.conversations.append(self.tenant, append)
        stored = StoredResponse(
            self.response_id,
            response["status"],
            self.created,
            self.created + self._state.snapshot.settings.store.responses_days * DAY_S,
            orjson.dumps({name: value for name, value in response.items() if name != "output"}),
            stored_items(self.new_items),
            stored_items(output),
            previous=self.previous,
            conversation=self.conversation,
            background=self.is_background,
            model=response["model"],
            target=target,
            owner=owner,
            run=run,
        )
        return await self._store.responses.put(self.tenant, stored, append, replaces)

    def _append(self, status: Status, output: Sequence[Item]) -> ConversationAppend | None:
        """Return what a complete turn adds to its conversation; a failed one adds nothing."""
        if self.conversation is None or status not in ("completed", "incomplete"):
            return None
        return ConversationAppend(self.conversation, stored_items([*self._brought(), *output]), self._version)


def stored_items(items: Sequence[Item]) -> list[StoredItem]:
    """Return items as the store keeps them."""
    return [StoredItem(item["id"], orjson.dumps(item)) for item in items]
