"""Sections of the configuration that need no other one: emulations and the store, and the base of all sections."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from adapters.core.message import Message
from config.errors import InvalidValue, expecting

MEMORY = "memory"
"""The ``store.url`` of a store in the memory of the process."""
SQLITE = "sqlite:"
"""The beginning of the ``store.url`` of a SQLite file."""
MIN_STORE_SECRET = 32
"""Minimum length of ``store.secret``, in characters."""


def _switch(value: Any) -> Any:
    """Accept on and off too, which YAML 1.2 parses as text."""
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


def _as_word(value: Any) -> Any:
    """Return ``true`` and ``false`` as the words for them."""
    return {True: "on", False: "off"}[value] if type(value) is bool else value


Switch = Annotated[bool, BeforeValidator(_switch)]


class Section(BaseModel):
    """A group of keys. Unknown keys are errors; values are coerced only where a text file needs it; instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Repairable = Annotated[Literal["on", "no_repair", "off"], BeforeValidator(_as_word)]
"""Whether an emulation that checks whole answers is on, and whether it asks once more for an invalid one."""
LOGPROBS = frozenset({"logprobs", "top_logprobs"})
"""The fields that policy.emulate.logprobs leaves out."""


class Emulations(Section):
    """Emulation of features that a vendor lacks. With an emulation off, banjia refuses the field for such a vendor."""

    n: Switch = True
    """Emulate n for models that return one choice: one upstream call per choice, each billed by the vendor."""
    stop: Switch = True
    """Emulate stop strings that a vendor does not accept: banjia cuts the answer at the match and ends the upstream call."""
    stream: Switch = True
    """Emulate whole responses of models that only stream, or that think only in streams: banjia joins the chunks. off: refuse the first, and disable thinking for the second."""
    dimensions: Switch = True
    """Emulate smaller embeddings of models whose catalog row has the fact prefix_dimensions: banjia cuts each vector and normalizes it."""
    parallel_tool_calls: Switch = True
    """Emulate parallel_tool_calls: false for vendors without that parameter: banjia returns the first tool call of an answer."""
    tools: Repairable = "on"
    """Emulate tools for models that have none: the tools go into the prompt, banjia checks each call by its schema, and asks once more if one is invalid. no_repair: check only."""
    tool_choice: Repairable = "on"
    """Emulate a forced tool call for models that cannot be forced: the prompt asks for the call, banjia checks that the answer has it, and asks once more if not. no_repair: check only."""
    response_format: Repairable = "on"
    """Emulate json_schema and json_object for models that lack them: the schema goes into the prompt, banjia checks the answer, and asks once more if it is invalid. no_repair: check only."""
    reasoning: Switch = True
    """Keep the reasoning of answers with tool calls for a day, and send it back to models that require or use it when the client omits it. off: keep nothing; models that require it get a space."""
    logprobs: Literal["omit", "off"] = "off"
    """omit: leave out logprobs and top_logprobs for models that return none, also under strict; the answer has logprobs: null. off: refuse them."""

    def off(self) -> frozenset[str]:
        """Return the names of the emulations that are off."""
        return frozenset(name for name, value in self if value in (False, "off"))

    def unrepaired(self) -> frozenset[str]:
        """Return the names of the emulations that ask no second time."""
        return frozenset(name for name, value in self if value == "no_repair")

    def omitted(self) -> frozenset[str]:
        """Return the request fields that are left out if a vendor would refuse them."""
        return LOGPROBS if self.logprobs == "omit" else frozenset()


def _store_url(value: str) -> str:
    """Check where the store is. Raises InvalidValue."""
    expected = Message("memory, or sqlite: and the path of a file")
    if value.startswith(("postgresql:", "postgres:")):
        raise InvalidValue(Message("PostgreSQL is not supported yet"), expected)
    path = value.removeprefix(SQLITE)
    if path != value and path.startswith("//"):  # programs disagree on whether sqlite:///path is absolute
        expected = Message(
            "{expected}, for example {example}", expected=expected, example=f"{SQLITE}/{path.lstrip('/')}"
        )
        raise InvalidValue(Message("the path begins with //"), expected)
    if value != MEMORY and path in (value, ""):
        raise InvalidValue(expected=expected)
    return value


def _long_enough(secret: SecretStr) -> SecretStr:
    """Check the length of the secret. An empty one means none, so that ``${VARIABLE:-}`` works."""
    if 0 < len(secret.get_secret_value()) < MIN_STORE_SECRET:
        raise InvalidValue(
            Message("the secret has fewer than {count} characters", count=MIN_STORE_SECRET),
            Message("a long random string"),
        )
    return secret


class StoreSettings(Section):
    """What banjia keeps between requests. A change needs a restart."""

    url: Annotated[str, AfterValidator(_store_url)] = MEMORY
    """Where it is kept. memory: in this process, until it ends; sqlite:PATH: in a file, which several processes of one machine may share."""
    dir: str = ""
    """Directory of the secret and of other files of the store. Default: the directory of the SQLite file."""
    secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    """Secret from which names of tenants and keys of seals are derived; processes that share a store need the same one. Default: the file secret in store.dir, made at the first start; a random one with memory."""
    on_failure: Literal["open", "closed"] = "open"
    """What happens to a request that only writes to the store while the store fails. open: it is served, and not stored; closed: it gets status 503."""
    responses_days: Annotated[float, Field(gt=0, le=3_650)] = 30
    """How long a response is kept, in days."""
    conversations_days: Annotated[float, Field(ge=0, le=3_650)] = 0
    """How long a conversation is kept that does not change, in days. 0: until it is deleted."""
    max_memory_mb: Annotated[float, Field(ge=1, le=65_536)] | None = None
    """Most memory that a store in memory uses, in MiB; what has been unused for longest is removed first. Default: 64, or an eighth of the memory limit if that is less."""

    @model_validator(mode="after")
    def _files_need_a_file(self) -> "StoreSettings":
        if self.dir and self.url == MEMORY:
            problem = Message("dir is set, and url is memory")
            expected = Message("url: sqlite:PATH, or no dir")
            raise PydanticCustomError(
                "store_dir", "{text}", {"text": expecting(problem, expected), "problem": problem, "expected": expected}
            )
        return self

    @property
    def path(self) -> str:
        """The path of the SQLite file; empty for a store in memory."""
        return "" if self.url == MEMORY else self.url.removeprefix(SQLITE)

    def configured_secret(self) -> str:
        """Return the configured secret; empty if there is none."""
        return "" if self.secret is None else self.secret.get_secret_value()
