"""The installed banjia: this folder holds the packages of the checkout, under the same names.

``proxy``, ``config`` and ``adapters`` are also names of other packages, so only ``banjia`` is a top-level name.
"""

import sys
from pathlib import Path

_HERE = str(Path(__file__).resolve().parent)


def main() -> None:
    """Run the command line."""
    sys.path.insert(0, _HERE)
    from proxy.cli import main as command

    command(prog_name="banjia")
