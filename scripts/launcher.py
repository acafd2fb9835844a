"""banjia, installed: the packages of the checkout stand in this folder, under the names that they have there.

``proxy``, ``config`` and ``adapters`` are names of other people's packages too, so only ``banjia`` is a top-level name.
"""

import sys
from pathlib import Path

_HERE = str(Path(__file__).resolve().parent)


def main() -> None:
    """The command line."""
    sys.path.insert(0, _HERE)
    from proxy.cli import main as command

    command(prog_name="banjia")
