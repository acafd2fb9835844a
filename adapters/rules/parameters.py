"""Verdicts on single parameters that several vendors share: stop strings, seeds, choices, token limits, web search."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.message import Message
from adapters.rules.reasons import OWN_SEARCH, SENT_AS_IS, sent_as
from adapters.rules.verdicts import Choose, Clamp, Condition, Drop, Rewrite, always, neutral, never

SMALLER_LIMIT = Message("the smaller of the two limits is sent")
SENT_AS_LIST = Message("sent as a list")
NO_STOP_STRING = Message("omitted: there is no stop string")
NO_STOP = Message("the model does not support stop strings: banjia cuts the answer")
LEFT_IN_ANSWER = Message("the vendor leaves the stop string in the answer: banjia cuts it off")
LONG_STOP = Message("the vendor does not accept all of the stop strings: banjia applies them to the answer")
ONE_CHOICE = Message("the model returns one choice per call for this request, so banjia makes one call per choice")
SEVERAL_CHOICES = Message("several choices from some models; otherwise banjia makes one call per choice")
VENDOR_SEARCH = Message("the vendor's own web search")
OWN_LIMIT = Message("at most the model's own limit")
AS_MAX_TOKENS = Message("sent as max_tokens to most models; at most the model's own limit")

BETWEEN_0_AND_1 = Message("the vendor accepts values between 0 and 1")

OTHER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def send_token_limit(name: str, value: int, builder: RequestBuilder) -> None:
    """Send the limit, at most the model's own; if both limits get the same name, send the smaller one.

    ``max_completion_tokens`` is sent as ``max_tokens`` except to models whose catalog row has the fact
    ``max_completion_tokens``.
    """
    own = name == "max_tokens" or bool(builder.model.facts.get("max_completion_tokens"))
    to = name if own else "max_tokens"
    sent = min(value, builder.model.max_output or value)
    other = builder.body.get(to, sent)
    builder.body[to] = min(sent, other)
    if sent != value:
        builder.record(name, "clamped", Message("the model returns at most {limit} tokens", limit=sent))
    elif sent > other:
        builder.record(name, "mapped", SMALLER_LIMIT)
    elif own:
        builder.record(name, "honoured", SENT_AS_IS)
    else:
        builder.record(name, "mapped", sent_as("max_tokens"), quiet=True)
    if sent < other:
        builder.record(OTHER[name], "mapped", SMALLER_LIMIT)


TOKEN_LIMITS: Mapping[str, Verdict] = {
    "max_tokens": Rewrite(send_token_limit, OWN_LIMIT, ("honoured", "mapped", "clamped")),
    "max_completion_tokens": Rewrite(send_token_limit, AS_MAX_TOKENS, ("honoured", "mapped", "clamped")),
}
"""The rows of both token limits, for vendors that refuse a limit above the model's own."""

TOP_P_BELOW_ONE = Choose(
    ((lambda builder: neutral(builder, "top_p", builder.request.fields["top_p"]), Drop(BETWEEN_0_AND_1)),),
    Clamp(0.01, 0.99, BETWEEN_0_AND_1),
)
"""The verdict on ``top_p`` for vendors that accept values between 0 and 1 only; 1, the default, is left out."""


@dataclass(frozen=True, slots=True)
class Stops:
    """One vendor's rules for ``stop``; used as the verdict. banjia applies what the vendor does not accept.

    ``most`` is the maximum number of strings, ``longest`` the maximum of ``size`` of each (characters, or bytes with
    ``size=utf8_size``). ``accepted``: models that accept stop strings. ``as_list``: a single string is sent as a list.
    ``left_in_answer``: the vendor stops at the string and leaves it in the answer, so banjia cuts it off.
    """

    most: int | None = None
    longest: int | None = None
    size: Callable[[str], int] = len
    accepted: Condition = always
    as_list: bool = False
    left_in_answer: bool = False

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        applied = self.left_in_answer or self.accepted is never
        return ("emulated", "mapped", "refused") if applied else ("honoured", "mapped", "emulated", "refused")

    @property
    def why(self) -> Message:
        if self.left_in_answer:
            return LEFT_IN_ANSWER
        if self.accepted is never:
            return NO_STOP
        if self.size is utf8_size:
            return Message("strings of at most {longest} bytes; banjia applies longer ones", longest=self.longest)
        if self.longest is None:
            return Message("stop strings per request: {most}; banjia applies the others", most=self.most)
        return Message(
            "{most} strings of at most {longest} characters; banjia applies the others",
            most=self.most,
            longest=self.longest,
        )

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the strings that the vendor accepts: it then stops generating, and billing, by itself."""
        texts = [text for text in ([value] if type(value) is str else value) if text]
        sent = self._accepted(texts) if self.accepted(builder) else []
        if sent:
            builder.body[name] = sent if self.as_list or type(value) is not str else value
        if not texts:
            builder.record(name, "mapped", NO_STOP_STRING)
        elif len(sent) < len(texts):
            builder.emulate(name, "stop", texts, LONG_STOP if self.accepted(builder) else NO_STOP)
        elif self.left_in_answer:
            builder.emulate(name, "stop", texts, LEFT_IN_ANSWER)
        elif builder.body[name] == value:
            builder.record(name, "honoured", SENT_AS_IS)
        else:
            builder.record(name, "mapped", SENT_AS_LIST, quiet=True)

    def _accepted(self, texts: list[str]) -> list[str]:
        """Return the strings that the vendor accepts."""
        short = texts if self.longest is None else [text for text in texts if self.size(text) <= self.longest]
        return short[: self.most]


def utf8_size(text: str) -> int:
    """Return the size of a text in UTF-8 (bytes)."""
    return len(text.encode())


@dataclass(frozen=True, slots=True)
class Seeds:
    """Send seeds from ``low`` to ``high``; map others into that range, where they are just as reproducible."""

    low: int
    high: int
    words: tuple[VerdictWord, ...] = ("honoured", "mapped")

    @property
    def why(self) -> Message:
        return Message("{low} to {high}; other seeds are mapped into that range", low=self.low, high=self.high)

    def apply(self, name: str, value: int, builder: RequestBuilder) -> None:
        """Write the seed."""
        inside = self.low <= value <= self.high
        sent = value if inside else self.low + (value - self.low) % (self.high - self.low + 1)
        builder.body[name] = sent
        builder.record(name, "honoured" if inside else "mapped", SENT_AS_IS if inside else sent_as(sent))


@dataclass(frozen=True, slots=True)
class Choices:
    """Send ``n`` up to the maximum of a call, which ``most`` returns; make one call per choice for a larger one."""

    most: Callable[[RequestBuilder], int]
    why: Message = SEVERAL_CHOICES
    words: tuple[VerdictWord, ...] = ("honoured", "emulated", "refused")

    def apply(self, name: str, value: int, builder: RequestBuilder) -> None:
        """Write the number, or leave it to the wrapper ``n``. Raises Refused if the operator has disabled that."""
        most = self.most(builder)
        if value <= most:
            builder.body[name] = value
            builder.record(name, "honoured", SENT_AS_IS)
            return
        several = Message(
            "the model returns at most {most} choices per call, so banjia makes one call per choice", most=most
        )
        builder.emulate(name, "n", value, ONE_CHOICE if most == 1 else several)


@dataclass(frozen=True, slots=True)
class VendorSearch:
    """Enable the vendor's own web search for ``web_search_options``: send ``member`` with ``value``."""

    member: str
    value: Any
    why: Message = VENDOR_SEARCH
    words: tuple[VerdictWord, ...] = ("mapped",)

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the vendor's member, unless the request has it. The vendor's search returns no annotations."""
        if self.member == name or self.member not in builder.request.fields:
            builder.body[self.member] = self.value
        builder.record(name, "mapped", OWN_SEARCH)
