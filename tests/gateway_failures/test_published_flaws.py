"""Published flaws of other gateways and of banjia's dependencies: each has a test, or waits for its feature.

The tests are named after the flaws (``test_cve_2024_6587_…``) and sorted by subject: test_destinations.py, test_image_urls.py, test_identity.py,
test_database.py, test_keys_told.py, test_supply.py, and test_operation.py for operational failures. A flaw is listed for its kind of mistake;
its test describes the lesson.

``NOT_YET`` has the flaws of features that banjia does not have. **When you build one of them, write its tests first** and
move the row. Sources: the CVE list, GitHub's advisories, OSV and PYSEC; issues of the named projects.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.project.pages.documents import ROOT

HELD: Mapping[str, str] = {
    "CVE-2024-6587": "LiteLLM: `api_base` in a body sends the vendor's key to any host",
    "PYSEC-2026-4070": "LiteLLM: the same, inside `user_config`",
    "CVE-2025-66405": "Portkey: a header names the host",
    "GO-2025-4154": "new-api: a redirect leads past the filter of addresses",
    "CVE-2026-108719": "LLMGateway: `callback_url` is called",
    "CVE-2026-75871": "GitLab's AI gateway: Host of the caller's choice, cloud keys to it",
    "CVE-2026-86242": "Bifrost: a plugin is fetched from an address, unasked",
    "CVE-2026-49468": "LiteLLM: Host decides who is let in",
    "CVE-2026-48710": "Starlette: the path is made of Host",
    "CVE-2026-35030": "LiteLLM: who was let in is remembered by 20 characters of the key",
    "CVE-2026-35029": "LiteLLM: any user writes the configuration",
    "CVE-2026-114612": "LiteLLM: one secret for several purposes",
    "CVE-2026-59822": "LiteLLM: a failed look at a key is somebody without a name",
    "CVE-2026-42203": "LiteLLM: templates of a request are run",
    "CVE-2026-40217": "LiteLLM: a sandbox is left",
    "CVE-2026-42271": "LiteLLM: commands by MCP",
    "CVE-2024-9606": "LiteLLM: a masked key is nearly whole",
    "CVE-2026-41432": "new-api: an empty secret verifies everything",
    "GO-2026-4813": "new-api: an endpoint tells vendors' keys",
    "litellm 1.82.8": "PyPI: a stolen token, a `.pth` file",
    "LiteLLM 41777": "a cut stream is told as 400",
    "LiteLLM 14457": "tokens of cancelled streams are not counted",
    "LiteLLM 12685": "memory grows with requests",
    "LiteLLM 33404": "a stream without an answer is a success",
    "new-api 5289": "the text of an error is billed as output",
    "new-api 5235": "aborted streams are billed wrongly",
    "new-api 5005": "negative tokens where the cache is hit",
    "CVE-2026-110719": "an exception for hosts that look local",
    "GO-2026-5652": "0.0.0.0, NAT64, 6to4, site-local, CGNAT and multicast pass for public",
    "CVE-2026-55245": "Bifrost: fetching a client's image reaches the internal network",
    "CVE-2026-42208": "LiteLLM: SQL in the Authorization header is run",
    "CVE-2026-25591": "new-api: wildcards in a search stop the database",
    "LiteLLM 18708": "connections to the database are not bounded",
    "CVE-2026-30886": "new-api: an id of another user's task is enough",
    "CVE-2026-25960": "vLLM: the address that is checked is not the one that is connected to",
}  # fmt: skip
"""What has a test of its name."""


class Waiting(NamedTuple):
    """A flaw of a missing feature: the feature, what to test then, and the sign that it was built."""

    feature: str
    lesson: str
    signs: tuple[str, ...]


PAGES = ("dashboard", "text/html")
NOT_YET: Mapping[str, Waiting] = {
    "CVE-2025-45809": Waiting(
        "keys that are managed, in a database", "SQL in every field of the admin side is text", ("/key/",)),
    "GHSA-qqcv-vg9f-5rr3": Waiting(
        "teams, or keys that are managed", "a check for each object; tenants apart", ("/team", "/key/")),
    "GHSA-6qr3-3g89-m4jj": Waiting("keys that are managed", "who may make which key, by role", ("/key/",)),
    "CVE-2026-25802": Waiting(
        "a dashboard", "model output, prompts and names are text on it; 200 strings in a real browser", PAGES),
    "CVE-2026-12795": Waiting("a flow for looking for mistakes", "it asks for the same key as everything else", ("/debug",)),
    "CVE-2026-30623": Waiting("MCP", "no command of a request or a database is run", ("mcp",)),
}  # fmt: skip

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
NAMES = [
    name for path in TESTS for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("flaw", HELD)
def test_every_flaw_that_applies_has_a_test_of_its_name(flaw: str) -> None:
    kind, number = re.sub(r"[^a-z0-9]+", "_", flaw.lower()).rsplit("_", 1)
    project = kind if kind[0] in "lgpn" else kind.partition("_")[0]
    assert [name for name in NAMES if re.match(rf"test_{project}(_\w+)?_{number}(_|$)", name)], flaw


SHIPPED = [
    path
    for folder in ("adapters", "config", "emulators", "proxy")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".yaml") and not path.is_relative_to(ROOT / "emulators")
]


@pytest.mark.parametrize("flaw", NOT_YET)
def test_a_flaw_that_waits_is_one_of_something_that_is_not_there(flaw: str) -> None:
    """When the feature is built this fails: write the test of the flaw, and move the row to HELD."""
    waiting = NOT_YET[flaw]
    came = [f"{path.relative_to(ROOT)}: {sign}" for path in SHIPPED for sign in waiting.signs if uses(path, sign)]
    assert came == [], f"{flaw} applies now: {waiting.feature}. To be tested: {waiting.lesson}"


def uses(path: Path, sign: str) -> bool:
    """Return whether a file imports it, routes it, sends it, or has a setting for it."""
    text = path.read_text(encoding="utf-8")
    word = re.escape(sign)
    forms = rf"^\s*(?:import|from) {word}\b|Route\(f?\"[^\"]*{word}|media_type=\"{word}"
    return re.search(forms, text, re.MULTILINE) is not None


def test_no_flaw_is_in_both_tables_and_all_were_thought_of() -> None:
    assert not HELD.keys() & NOT_YET.keys()
    assert len(HELD) + len(NOT_YET) >= 40
