"""What holds for all tests."""

import os

from hypothesis import settings

# Where a change is judged, the examples are the same each time: new ones are looked for on developers' machines.
settings.register_profile("judge", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("judge")
