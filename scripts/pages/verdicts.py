"""Verdicts on OpenAI's parameters by vendor: the matrix of ``banjia vendors``, and the parameter tables."""

from collections.abc import Iterator, Mapping

from adapters.core.builder import Verdict
from adapters.core.request import Operation
from adapters.core.vendor import Vendor
from adapters.openai_params import operations as openai
from adapters.openai_params.responses import NEWER, RESPONSES_OF_OPENAI
from adapters.registry import VENDORS
from adapters.rules.reasons import SENT_AS_IS
from adapters.translations import completions_as_chat, responses_as_chat
from adapters.vendors.openai_compatible import ONLY_OPENAI, PRESET_CHAT, UNCHANGED, VECTORS
from proxy.commands.vendors import ANY_MODEL, LISTED_STAND_INS, WHOLE_VENDORS, each_variant, matrix
from scripts.pages.table import code, table

OPERATIONS: Mapping[Operation, str] = {
    "chat": "Chat",
    "embeddings": "Embeddings",
    "completions": "Completions",
    "moderations": "Moderations",
}


def matrix_text() -> str:
    """Return the transposed matrix without presets: a row per feature, a column per vendor and edition, then the models."""
    found = matrix()
    vendors = [line for line in found["vendors"] if not line["preset"]]
    rows = [[code(column), *(line["cells"][column]["verdict"] for line in vendors)] for column in found["columns"]]
    models_row = ["models", *(_models(line["models"]) for line in vendors)]
    return "\n" + table(["", *(code(line["vendor"]) for line in vendors)], [*rows, models_row]) + "\n"


def _models(models: Mapping[str, str]) -> str:
    named = [f"{code(LISTED_STAND_INS[part].model)}: {code(id_)}" for part, id_ in models.items() if id_ != ANY_MODEL]
    return "<br>".join(named) or "your own server"


def text() -> str:
    """Return for each vendor and operation a row per parameter: its possible verdicts, and their reasons."""
    return (
        "\n"
        + "\n".join(
            [
                *map("".join, (_vendor(name, vendor) for name, vendor in each_variant(WHOLE_VENDORS))),
                _presets(),
                _completions(),
                _responses(),
            ]
        )
        + "\n"
    )


def _vendor(name: str, vendor: Vendor) -> Iterator[str]:
    yield f"### {name.replace('/', ', ')}\n"
    for operation, title in OPERATIONS.items():
        if operation not in vendor.operations:
            continue
        params = vendor.operations[operation].params
        plain = [param for param in openai.OPERATIONS[operation].params if _plain(params[param])]
        yield f"\n**{title}.**"
        if len(plain) == len(openai.OPERATIONS[operation].params):
            yield " Every parameter is sent unchanged.\n"
            continue
        yield f" Sent unchanged: {', '.join(map(code, plain))}.\n\n" if plain else "\n\n"
        yield _table({param: params[param] for param in openai.OPERATIONS[operation].params if param not in plain})


def _plain(verdict: Verdict) -> bool:
    return verdict.words == ("honoured",) and verdict.why == SENT_AS_IS


def _table(params: Mapping[str, Verdict]) -> str:
    rows = [[code(name), ", ".join(verdict.words), verdict.why] for name, verdict in params.items()]
    return table(["parameter", "may be", "why"], rows)


def _presets() -> str:
    """Return what presets have beside the verdicts of ``openai_compatible``: together, then each by itself."""
    shared = {name: PRESET_CHAT[name] for name in ONLY_OPENAI}
    rows = [
        [code(vendor.name), OPERATIONS[operation], code(name), ", ".join(verdict.words), verdict.why]
        for vendor in VENDORS
        if vendor.preset
        for operation, op in vendor.operations.items()
        for name, verdict in op.params.items()
        if verdict != {"chat": PRESET_CHAT, "embeddings": VECTORS}.get(operation, {}).get(name, UNCHANGED)
    ]
    return (
        "### Presets of openai_compatible\n\n"
        "A preset has the verdicts of `openai_compatible`, and these of its own for parameters of chat:\n\n"
        + _table(shared)
        + "\nBeyond that:\n\n"
        + table(["preset", "operation", "parameter", "may be", "why"], rows)
    )


def _completions() -> str:
    return (
        "### Legacy completions, at vendors that only have chat\n\n"
        "banjia sends `POST /v1/completions` as a chat request; *honoured* means here: the verdict of the chat parameter applies.\n\n"
        + _table(completions_as_chat.OVER_CHAT)
    )


def _responses() -> str:
    """Return the table of the Responses API: its own fields, then those of chat that it takes or refuses."""
    verdicts = responses_as_chat.OVER_CHAT
    own = [name for name in verdicts if name in RESPONSES_OF_OPENAI or name in NEWER]
    others = [name for name in verdicts if name not in own]
    taken = [name for name in others if verdicts[name] is not responses_as_chat.CHAT_ONLY]
    refused = [name for name in others if name not in taken]
    return (
        "### Responses, at vendors that only have chat\n\n"
        "banjia sends `POST /v1/responses` as a chat request; *honoured* means here: banjia handles the field itself, or the "
        "verdict of the chat parameter applies. Tools, items and endings are on [their own page](responses.md).\n\n"
        + _table({name: verdicts[name] for name in own})
        + f"\nAlso taken, as in chat: {', '.join(map(code, taken))}. Refused, because only chat has them: "
        f"{', '.join(map(code, refused))}.\n"
    )
