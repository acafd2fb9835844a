"""Writes a configuration into a temporary folder and loads it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from config.loader.load import ConfigError, LoadedConfig, load

VENDOR = "vendors:\n  kimi: {api_key: k}\n"


def loaded(text: str, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> LoadedConfig:
    """The configuration of this text, as ``banjia.yaml`` in the folder (the current one unless given)."""
    path = folder / "banjia.yaml" if folder else Path("banjia.yaml")
    path.write_text(text, encoding="utf-8", newline="")
    return load(path, environ or {})


def diagnostics(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the diagnostics for an invalid text."""
    with pytest.raises(ConfigError) as caught:
        loaded(text, environ)
    return [str(diagnostic) for diagnostic in caught.value.diagnostics]
