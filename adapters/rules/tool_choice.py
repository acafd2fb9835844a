"""Rules for ``tool_choice``: which choices a vendor accepts, as data, and the verdict that sends one.

A forced call that the model does not accept is emulated: an instruction in the prompt asks for it, and the wrapper
``forced_call`` checks that the answer has it.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.vendor import FieldConflict
from adapters.rules.json_mode import with_system_text, with_user_text
from adapters.rules.messages import vendor_tool_name
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS
from adapters.rules.verdicts import Condition, always

EMULATION = "tool_choice"
"""The name in ``policy.emulate``."""
NOT_WHILE_THINKING = Message(
    "a tool call cannot be forced while the model thinks: the prompt asks for the call, and banjia checks the answer"
)
CONFLICT = Message("a tool call cannot be forced while the model thinks")
NOT_WITH_THINKING = Message("a forced tool call cannot be combined with thinking")
NEVER_FORCED = Message(
    "the model cannot be forced to call a tool: the prompt asks for the call, and banjia checks the answer"
)
ANY_CHOICE = Message("none, auto, required or a named tool")
ONLY_TOOL = Message("sent as the name of the only tool")
ONE_OF_SEVERAL = Message(
    "the model cannot be forced to call one of several tools: the prompt asks for a call, and banjia checks the answer"
)
ONLY_NAMED_SENT = Message("sent as required, with the named tool only")
OTHERS_OMITTED = Message("only the tool that must be called is sent")
NOT_A_FUNCTION = Message("the model accepts no such choice: use none, auto, required or the name of a function")
AUTO_ONLY = Message("auto; none is sent by omitting the tools, and forced calls are emulated by prompt and check")
NO_NONE = Message("sent by omitting the tools: the vendor does not accept none")
TOOLS_OMITTED = Message("sent by omitting the tools: the model accepts no tool_choice while it thinks")
NOT_READ = Message("auto is the default, none is sent by omitting the tools; a forced call is asked for in the prompt")
NAMED_AS_REQUIRED = Message("none, auto or required; a named tool is sent as required, with that tool only")
NONE_WITHOUT_TOOLS = Message("sent by omitting the tools: the server ignores tool_choice")
IGNORED = Message("the server ignores tool_choice: the prompt asks for the call, and banjia checks the answer")


def forces_call(value: Any) -> bool:
    """Whether a ``tool_choice`` forces a call: ``required``, or a tool by name."""
    return value == "required" or type(value) is dict


def forced_call(required: str | None = None) -> FieldConflict:
    """Return the rule for ``tool_choice`` in ``ReasoningSwitch.excludes``: a request that forces a call does not think.

    ``required``: the fact of models that accept ``required`` while they think.
    """

    def excludes(choice: Any, builder: RequestBuilder) -> Message | None:
        allowed = choice == "required" and required is not None and builder.model.facts.get(required)
        return CONFLICT if forces_call(choice) and not allowed else None

    return excludes


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """One vendor's rules for ``tool_choice``; used as the verdict.

    ``while_thinking``: ``all`` choices are accepted, only ``unforced`` ones, or the field is ``absent`` from requests with
    thinking; ``none`` is then sent by omitting the tools. ``required_thinking`` is the fact of models that accept
    ``required`` while they think. ``forces``: models that can be forced to call a tool. ``required``: models that accept
    ``required``; for others it is sent as the name of the only tool. ``named``: models that accept a tool by name; for others
    it is sent as ``required``, with that tool only. ``none``: models that accept ``none``; for others it is sent by omitting
    the tools. ``read``: the server reads the field; if not, it is never sent.
    """

    while_thinking: Literal["all", "unforced", "absent"] = "all"
    required_thinking: str | None = None
    forces: Condition = always
    required: Condition = always
    none: Condition = always
    named: Condition = always
    read: bool = True

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        if not self.read:
            return ("mapped", "emulated", "refused")
        emulates = self.while_thinking != "all" or self.forces is not always or self.required is not always
        return ("honoured", "mapped", "emulated", "refused") if emulates else ("honoured", "mapped", "refused")

    @property
    def why(self) -> Message:
        if self.none is not always:
            return AUTO_ONLY
        if not self.read:
            return NOT_READ
        if self.named is not always:
            return NAMED_AS_REQUIRED
        return ANY_CHOICE if self.while_thinking == "all" else NOT_WITH_THINKING

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the choice, with the vendor's name of a renamed tool. Raises Refused."""
        check_tool_choice(name, value, builder)
        if forces_call(value):
            self._force(name, value, builder)
        elif not self.read:
            _leave_out(name, value, NONE_WITHOUT_TOOLS, builder)
        elif self.while_thinking == "absent" and builder.thinks:
            _leave_out(name, value, TOOLS_OMITTED, builder)
        elif value == "none" and not self.none(builder):
            _leave_out(name, value, NO_NONE, builder)
        else:
            send_tool_choice(name, value, builder)

    def _force(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if not self.read:
            ask_for_call(name, value, IGNORED, builder)
        elif not self.forces(builder):
            ask_for_call(name, value, NEVER_FORCED, builder)
        elif self.while_thinking != "all" and builder.thinks:
            self._force_while_thinking(name, value, builder)
        elif value == "required" and not self.required(builder):
            _name_only_tool(name, builder)
        elif value != "required" and not self.named(builder) and send_only(function_name(value), builder):
            builder.body[name] = "required"
            builder.record(name, "mapped", ONLY_NAMED_SENT)
        else:
            send_tool_choice(name, value, builder)

    def _force_while_thinking(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if not (self.required_thinking and builder.model.facts.get(self.required_thinking)):
            ask_for_call(name, value, NOT_WHILE_THINKING, builder)
        elif value == "required":
            send_tool_choice(name, value, builder)
        elif send_only(function_name(value), builder):
            builder.body[name] = "required"
            builder.record(name, "mapped", ONLY_NAMED_SENT)
        else:
            ask_for_call(name, value, NOT_WHILE_THINKING, builder)


def _name_only_tool(name: str, builder: RequestBuilder) -> None:
    """Send ``required`` as the name of the only tool; emulate it if there are several."""
    tools = builder.body.get("tools") or []
    if len(tools) != 1:
        ask_for_call(name, "required", ONE_OF_SEVERAL, builder)
        return
    builder.body[name] = {"type": "function", "function": {"name": tools[0]["function"]["name"]}}
    builder.record(name, "mapped", ONLY_TOOL)


def send_only(wanted: Any, builder: RequestBuilder) -> bool:
    """Omit all tools but the function ``wanted``, by the client's name. Return whether it is among the tools."""
    sent_name = vendor_tool_name(builder, str(wanted))
    tools = [tool for tool in builder.body.get("tools") or [] if function_name(tool) == sent_name]
    if tools and len(tools) < len(builder.body["tools"]):
        builder.body["tools"] = tools
        builder.record("tools", "mapped", OTHERS_OMITTED)
    return bool(tools)


CALL_FUNCTION = "Call the function {name} now: answer with that call and with no text."
CALL_ANY = "Call at least one of the functions now: answer with the call and with no text."


class RequestedCall(NamedTuple):
    """A call that the prompt asks for: the client's name of the function, None for any; and the instruction."""

    name: str | None
    instruction: str


def ask_for_call(name: str, value: Any, why: Message, builder: RequestBuilder) -> None:
    """Ask for the call in the prompt, with only the named tool, and have the answer checked. Raises Refused.

    The field itself is omitted: the default is ``auto``. The instruction joins the system message; without one, or with
    a model that accepts none, the last user message.
    """
    wanted = function_name(value)
    if value != "required" and wanted is None:
        builder.refuse(name, NOT_A_FUNCTION)
    text = CALL_ANY if wanted is None else CALL_FUNCTION.format(name=vendor_tool_name(builder, wanted))
    builder.emulate(name, EMULATION, RequestedCall(wanted, text), why)
    builder.answer_whole()
    if wanted is not None:
        send_only(wanted, builder)
    messages = builder.body["messages"]
    add = with_system_text if messages[0]["role"] == "system" else with_user_text
    builder.body["messages"] = add(messages, text)


def _leave_out(name: str, value: Any, why: Message, builder: RequestBuilder) -> None:
    """Send ``auto`` and ``none`` without the field; ``why`` is the reason for which ``none`` omits the tools."""
    if value == "none" and builder.body.pop("tools", None):
        builder.record(name, "mapped", why)
        builder.record("tools", "mapped", why)
    else:
        builder.record(name, "mapped", DEFAULT_OMITTED)


def check_tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Raise Refused for a forced call without tools, or of a tool that is not in the list, as OpenAI does.

    Tools in system messages count as well: Kimi accepts them there.
    """
    if not forces_call(value):
        return
    lists = [
        builder.request.fields.get("tools"),
        *(message.get("tools") for message in builder.request.fields["messages"]),
    ]
    names = [function_name(tool) for tools in lists if type(tools) is list for tool in tools]
    if not names:
        raise Refused(
            name,
            Message("Invalid value for '{name}': it is only allowed when tools are sent.", name=name),
            "unsupported_value",
        )
    wanted = function_name(value)
    if wanted is not None and wanted not in names:
        raise Refused(
            name,
            Message("Invalid value for '{name}': no tool is called '{wanted}'.", name=name, wanted=wanted),
            "unsupported_value",
        )


def function_name(tool: Any) -> Any:
    """Return the function's name in a tool or a choice; None if there is none."""
    function = tool.get("function") if type(tool) is dict else None
    return function.get("name") if type(function) is dict else None


def send_tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send the choice unchanged, except for the name of a renamed tool."""
    if type(value) is dict and type(value.get("function")) is dict:
        function = value["function"]
        value = {**value, "function": {**function, "name": vendor_tool_name(builder, str(function.get("name") or ""))}}
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)
