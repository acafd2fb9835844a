"""Plans a request for one target: applies the vendor's table and returns a Plan. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from operator import methodcaller
from typing import Any

from adapters.core.adaptations import Adaptation
from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import NO_NAMES, ApiRequest, Translation
from adapters.core.vendor import Op, Plan, Target
from adapters.rules.earlier_reasoning import REASONING
from adapters.rules.joined_streams import ONLY_STREAMS, join_stream
from adapters.rules.reasoning import SWITCH_FIELDS, find_marks, requested_thinking, resolve_thinking
from adapters.rules.verdicts import apply
from adapters.translations.client_names import (
    adaptations_in_client_terms,
    adaptations_to_plan,
    client_name,
    refused_in_client_terms,
)
from adapters.translations.completions_as_chat import again_without
from adapters.translations.legacy_functions import as_tools, in_legacy_terms
from adapters.translations.per_target import for_target
from adapters.translations.tools_as_prompt import FACT as NO_TOOLS
from adapters.translations.tools_as_prompt import tools_as_prompt


def check_max_tokens(fields: Mapping[str, Any]) -> None:
    """Raise Refused for ``max_tokens: 0``, which OpenAI's description allows and its service refuses."""
    if fields.get("max_tokens") == 0:
        wrong = Message("Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.")
        raise Refused("max_tokens", wrong, code=None)


STREAM_FIELDS = {"stream", "stream_options"}
"""Members of the body that are removed if the whole response is needed."""
TOOLS_OF = methodcaller("get", "tools")
MOST_CHOICES = 16
"""The maximum number of choices that take one call each: a retry of the request repeats all of its calls."""
MOST_CALLS = 64
"""The maximum number of calls for one response: enough for twenty prompts, a usual batch, with three choices each."""


def plan(request: ApiRequest, target: Target) -> Plan:
    """Return the plan of a request for this target. Pure. Raises Refused if the target can't serve the request.

    A field of ``target.droppable`` is omitted if it would be refused, unless its value is invalid at every vendor.
    """
    if request.translation is None or not request.translation.names:
        return _plan_with_drops(request, target)
    return _plan_translated(request, request.translation, target)


def _plan_translated(request: ApiRequest, translation: Translation, target: Target) -> Plan:
    """Return the plan with adaptations and refusals in the client's terms. Raises Refused."""
    request, translation = for_target(request, translation, target)
    try:
        result = _plan_with_drops(request, target)
    except Refused as refused:
        raise refused_in_client_terms(refused, translation.names) from None
    return result._replace(adaptations=adaptations_in_client_terms(result.adaptations, translation))


def _plan_with_drops(request: ApiRequest, target: Target) -> Plan:
    """Return the plan; omit the fields that the operator removes or drops. Raises Refused."""
    removed = target.removed  # the translation may have refused one of them
    if not (removed or target.droppable):
        return _plan(request, target)
    dropped: dict[str, Adaptation] = {}
    while True:
        try:
            result = _plan(request, target)
        except Refused as refused:
            name = _field(refused.param)
            named = name in removed or (name in target.droppable and refused.code is not None)
            smaller = _without(request, name) if named else None
            if smaller is None:
                raise
            request = smaller
            dropped[name] = REMOVED_BY_CONFIGURATION if name in removed else _dropped(name, target, refused.message)
        else:
            return result._replace(adaptations={**result.adaptations, **dropped}) if dropped else result


def _dropped(name: str, target: Target, reason: Message) -> Adaptation:
    """Return the adaptation of a field that ``policy.drop`` or an emulation leaves out instead of refusing it."""
    if name in target.drop:
        return Adaptation("dropped", Message("dropped by policy.drop: {why}", why=reason))
    return Adaptation("dropped", Message("dropped by policy.emulate.logprobs: {why}", why=reason))


def _field(param: str) -> str:
    """Return the field of a ``param`` such as ``tools[0].function``."""
    return param.partition(".")[0].partition("[")[0]


def _without(request: ApiRequest, name: str) -> ApiRequest | None:
    """Return the request without a field, also in its native form before translation; None if it has no such field."""
    translation = request.translation
    if translation is None or translation.native is None:
        return request.with_fields(_rest(request.fields, name)) if name in request.fields else None
    if name not in request.fields and name not in translation.native.fields:
        return None
    native = translation.native.with_fields(_rest(translation.native.fields, name))
    if translation.refused is not None:
        return again_without(native)
    return request.with_fields(_rest(request.fields, name))._replace(translation=translation._replace(native=native))


def _rest(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in fields.items() if other != name}


def _plan(request: ApiRequest, target: Target) -> Plan:
    if request.translation is not None:
        request = _native_request(request, request.translation, target)
    result = _build(request, target)
    if request.translation is None and not result.emulations:
        return result
    variants = () if request.translation is None else request.translation.variants
    _check_call_count(result, 1 + len(variants))
    if not variants:
        return result
    more = tuple(_build(request.with_fields({**request.fields, **variant}), target).request for variant in variants)
    return result._replace(further_requests=more)


def _native_request(request: ApiRequest, translation: Translation, target: Target) -> ApiRequest:
    """Return the untranslated request if the vendor supports its operation. Raises Refused if only that can serve it."""
    native = translation.native
    if native is not None and native.operation in target.vendor.operations:
        return native
    if translation.refused is not None:
        raise translation.refused
    return request


def _check_call_count(result: Plan, prompts: int) -> None:
    """Raise Refused if the response would take too many calls."""
    choices, model = result.emulations.get("n", 1), result.target.model.id
    if choices > MOST_CHOICES:
        why = Message("each choice takes one call to the vendor, and the maximum is {most}", most=MOST_CHOICES)
        raise Refused("n", Message("'{name}' is not supported by {model}: {why}.", name="n", model=model, why=why))
    if choices * prompts > MOST_CALLS:
        why = Message(
            "each choice of each prompt takes one call to the vendor, and the maximum per request is {most}",
            most=MOST_CALLS,
        )
        raise Refused(
            "prompt",
            Message(
                "'prompt' is not supported by {model}: {why}. Send fewer prompts per request.", model=model, why=why
            ),
        )


def _build(request: ApiRequest, target: Target) -> Plan:
    op = target.vendor.operations[request.operation]
    default_thinking = requested_thinking(target.defaults) if target.defaults else None
    default_fields: frozenset[str] = frozenset()
    sent = request.fields
    if target.overrides or target.defaults:
        defaults = {name: value for name, value in target.defaults.items() if name not in SWITCH_FIELDS}
        default_fields = frozenset(defaults.keys() - request.fields.keys() - target.overrides.keys())
        request = request.with_fields({**defaults, **request.fields, **target.overrides})
        if target.removed:
            request = request.with_fields({name: value for name, value in request.fields.items() if value is not None})
    builder = RequestBuilder(
        request,
        target.model,
        strict=target.strict,
        disabled_emulations=target.disabled_emulations,
        default_fields=default_fields,
    )
    if request.translation is not None:
        builder.adaptations.update(adaptations_to_plan(request.translation))
        builder.default_fields |= request.translation.added - target.overrides.keys()
    if not target.vendor.transparent:
        check_max_tokens(request.fields)
    elif not target.vendor.preset:
        return _apply_table(builder, target, op, default_thinking, sent)
    if request.operation != "chat" or not uses_functions(request.fields):
        return _apply_table(builder, target, op, default_thinking, sent)
    as_tools(builder, one_at_a_time="honoured" in op.params["parallel_tool_calls"].words)
    try:
        return _apply_table(builder, target, op, default_thinking, sent)
    except Refused as refused:
        raise in_legacy_terms(refused, request.fields) from None


def uses_functions(fields: Mapping[str, Any]) -> bool:
    """Whether a chat request uses the function API, in its fields or in a message."""
    if "functions" in fields or "function_call" in fields:
        return True
    for message in fields.get("messages", ()):  # noqa: SIM110 - every chat request runs this, and a loop is faster
        if "function_call" in message or message["role"] == "function":
            return True
    return False


def _apply_table(
    builder: RequestBuilder, target: Target, op: Op, default_thinking: bool | None, sent: Mapping[str, Any]
) -> Plan:
    vendor = target.vendor
    if target.model.facts and builder.request.operation == "chat":
        find_marks(builder)
        if target.model.facts.get(NO_TOOLS):
            tools_as_prompt(builder)
    request = builder.request
    removed, policy = target.removed, target.thinking
    if removed and not set(SWITCH_FIELDS).isdisjoint(removed):
        policy = "vendor"
    fields = request.fields
    if not vendor.transparent:
        fields = resolve_thinking(builder, vendor.reasoning_switch, policy, default_thinking)
        if fields is not request.fields:
            builder.request = request.with_fields(fields)
    earlier = op.earlier_reasoning
    if earlier is not None and target.reads_reasoning:
        builder.sends_reasoning = builder.thinks if earlier.applies is None else earlier.applies(builder)
        builder.blank_reasoning = earlier.blank
    params = op.params
    if target.messages is not None and request.operation == "chat":
        params = {**params, "messages": target.messages}
    apply(builder, params)
    builder.body["model"] = target.model.id
    if builder.whole:
        _answer_whole(builder)
    if builder.request.stream:  # banjia counts tokens, whether or not the client wants the usage
        builder.body["stream"] = True
        builder.add("stream_options", {**builder.body.get("stream_options", {}), "include_usage": True})
    elif target.model.facts.get("stream_only"):
        join_stream(builder, ONLY_STREAMS)
    for name, finish in op.finish.items():
        if name in builder.body:
            finish(builder)
    if (
        builder.sends_reasoning
        and target.keeps_reasoning
        # The answer may have tool calls: the request has tools, or a message adds some, as Kimi's may.
        and (builder.body.get("tools") or any(map(TOOLS_OF, builder.body["messages"])))
    ):
        builder.emulations[REASONING] = True
    if removed:
        _remove(builder, removed, sent)
    if target.openai_dimensions is not None:
        _record_dimensions(builder, target, target.openai_dimensions, sent)
    request = builder.request.with_fields(builder.body)
    return Plan(
        request,
        target,
        op,
        builder.adaptations,
        builder.thinks,
        builder.tool_names,
        builder.emulations,
        (),
        builder.added,
        op.path_for(builder) if op.paths else op.path,
    )


def _answer_whole(builder: RequestBuilder) -> None:
    """Request a whole response of one choice per call. Raises Refused if the operator has disabled emulated choices."""
    if builder.request.stream:
        builder.request = builder.request._replace(stream=False)
        for name in STREAM_FIELDS & builder.body.keys():
            del builder.body[name]
        builder.record("stream", "mapped", CUT_INTO_CHUNKS)
    if builder.body.get("n", 1) != 1:
        builder.emulate("n", "n", builder.body.pop("n"), ONE_CHOICE)


CUT_INTO_CHUNKS = Message("a whole response is requested and checked, then sent to the client in chunks")
ONE_CHOICE = Message("each choice takes one call, because each answer is checked by itself")


def _remove(builder: RequestBuilder, names: Collection[str], sent: Mapping[str, Any]) -> None:
    """Remove the fields that are null in the operator's ``set``, even if banjia added them.

    Those that the client sent are recorded as dropped.
    """
    for name in names:
        builder.body.pop(name, None)
        builder.adaptations.pop(name, None)
        if name in sent:
            builder.adaptations[name] = REMOVED_BY_CONFIGURATION
    builder.added = tuple(name for name in builder.added if name in builder.body)


REMOVED_BY_CONFIGURATION = Adaptation("dropped", Message("removed by the configuration: set has null for it"))


def _record_dimensions(builder: RequestBuilder, target: Target, width: int, sent: Mapping[str, Any]) -> None:
    """Record vectors whose size differs from OpenAI's under this name, unless the request sets ``dimensions``."""
    sizes = target.model.facts.get("dimensions") or (None,)
    given = builder.emulations.get("dimensions", builder.body.get("dimensions", sizes[0]))
    if given is None or given == width or ("dimensions" in sent and "dimensions" not in target.overrides):
        return
    why = Message("the model's vectors have {given} dimensions, and OpenAI's have {width}", given=given, width=width)
    if "dimensions" in target.overrides:  # the operator set it: no reason to refuse under strict
        builder.record("dimensions", "mapped", why)
    else:
        builder.record("dimensions", "clamped", why)


def plan_without(request: ApiRequest, target: Target, fields: Collection[str]) -> Plan:
    """Return the plan for a target that refused these members, which banjia had added. Pure. Raises Refused.

    A member that the client sent stays. Without the thinking switch, the model uses its own default.
    """
    switched = not set(SWITCH_FIELDS).isdisjoint(fields)
    result = plan(request, replace(target, thinking="vendor") if switched else target)
    left_out = [name for name in fields if name in result.added]
    names = request.translation.names if request.translation is not None else NO_NAMES
    client_names = {client_name(name, names) for name in left_out}
    refused = {name: REFUSED_BY_VENDOR for name in client_names if name in result.adaptations}
    if switched:
        refused["thinking"] = REFUSED_BY_VENDOR

    def bare(request: ApiRequest) -> ApiRequest:
        return request.with_fields({name: value for name, value in request.fields.items() if name not in left_out})

    return result._replace(
        request=bare(result.request),
        target=target,
        adaptations={**result.adaptations, **refused},
        further_requests=tuple(map(bare, result.further_requests)),
        added=tuple(name for name in result.added if name not in left_out),
    )


REFUSED_BY_VENDOR = Adaptation("dropped", Message("the vendor refuses this field, which banjia had added"))
