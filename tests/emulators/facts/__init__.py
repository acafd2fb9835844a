"""What the tests of all emulators know of each: a module for an emulator, and one for each other variant that it serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Facts:
    """One API of an emulator."""

    emulator: str
    """The name of the emulator that serves it."""
    model: str
    """The model of a request that names none."""
    prefix: str
    """The path of the base URL."""
    variables: tuple[str, str]
    """The environment variables of its key and its base URL."""
    errors: Mapping[str, type[Exception]]
    """What the official client raises for the faults in which vendors differ."""
    more_keys: tuple[str, ...] = ()
    """Other names of the variable of its key."""
    more_variables: tuple[str, ...] = ()
    """The environment variables of its other credentials."""
    quiet: Mapping[str, Any] = field(default_factory=dict)
    """The members that turn thinking off."""
    schema_model: str | None = None
    """A model that takes JSON schemas."""
    most_stops: int = 2
    """How many of two stop texts it takes; 0: it ignores them."""
    json_mode: bool = True
    """Whether it answers with an object for `json_object`; otherwise it ignores it."""
    chunk: str = "chat.completion.chunk"
    """What a chunk calls itself."""
    models: Mapping[str, Any] = field(default_factory=dict)
    """The emulator's own models for chat, retired ones included."""
    special: tuple[str, ...] = ()
    """Beginnings of the names of models for one purpose only, which want members of their own."""
    one_window: bool = False
    """Whether prompt and output count against one window: then the vendor refuses a limit of tokens near its end."""
    endpoints: tuple[tuple[str, str], ...] = ()
    """Paths after the prefix, each with a model, for requests with any JSON."""
