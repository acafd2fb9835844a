"""``python -m scripts.pages``: see scripts/docs."""

import sys

from config.errors import ConfigError
from scripts.pages import write

try:
    write()
except ConfigError as error:
    sys.exit(str(error))
