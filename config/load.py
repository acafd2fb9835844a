"""File and environment -> Settings."""

import os
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

from config.schema import Settings


def load_file(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file."""
    return Settings.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
