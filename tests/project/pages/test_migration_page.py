"""The statements of docs/migration.md hold for an app that moves."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.core.vendor import Vendor
from adapters.registry import VENDORS
from config.loader.environment import key_names, vendors_by_rank
from config.loader.load import load
from proxy.commands.explain import explain
from tests.project.pages.documents import ROOT
from tests.project.pages.terminal import terminal

TEXT = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
WITH_MODELS = [vendor for vendor in vendors_by_rank() if vendor.variant is None and not vendor.preset]
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
FORCED = {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look_up"}}}
STATUS = """
import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], b"{}", {"content-type": "application/json"})
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as answered:
    print(answered.code)
"""


def explained(vendor: Vendor, **body: Any) -> dict[str, Any]:
    """What the vendor's stand-in would be sent."""
    settings = load(None, {key_names(vendor)[0]: "sk-any"}).settings
    fields = {"messages": [{"role": "user", "content": "Hi"}], **body}
    target: dict[str, Any] = explain(json.dumps(fields).encode(), settings)["targets"][0]
    return target


@pytest.mark.parametrize("vendor", WITH_MODELS, ids=lambda vendor: vendor.name)
def test_thinking_is_off_under_the_names_on_the_page_and_on_under_the_others(vendor: Vendor) -> None:
    [section] = re.findall(r"^## Thinking is off\n(.*?)^## ", TEXT, re.MULTILINE | re.DOTALL)
    off, _, on = section.partition("Under `o1`")
    quiet = re.findall(r"`(gpt-[\w.-]+)`", off)
    assert quiet == ["gpt-4o", "gpt-4", "gpt-3.5-turbo"]
    assert not any(explained(vendor, model=name)["thinks"] for name in quiet)
    reasoning = ["o1", *re.findall(r"`(o\d[\w-]*|gpt-5)`", on)]
    assert reasoning == ["o1", "o3", "o4-mini", "gpt-5"]
    assert all(explained(vendor, model=name)["thinks"] for name in reasoning)


@pytest.mark.parametrize("vendor", WITH_MODELS, ids=lambda vendor: vendor.name)
def test_a_forced_call_works_at_each_model_that_answers_under_gpt_4o(vendor: Vendor) -> None:
    found = explained(vendor, model="gpt-4o", **FORCED)
    assert found["fields"]["tool_choice"]["verdict"] in ("honoured", "emulated")
    assert not found["thinks"]


@pytest.mark.parametrize(("vendor", "dimensions"), [("qwen", 1536), ("ernie", 1024), ("hunyuan", 1024)])
def test_the_size_of_a_vector_is_the_one_of_the_table(vendor: str, dimensions: int, tmp_path: Path) -> None:
    [row] = re.findall(r"^\| `text-embedding-3-small` \| (1536 .*) \|$", TEXT, re.MULTILINE)
    [columns] = set(re.findall(r"^\|  \| OpenAI \| (.*) \|$", TEXT, re.MULTILINE))
    sizes = dict(zip(columns.split(" | "), row.split(" | ")[1:], strict=True))
    assert sizes[f"`{vendor}`"] == str(dimensions)
    with terminal(tmp_path, "") as reader:
        [name] = [key_names(known)[0] for known in VENDORS if known.name == vendor]
        assert reader.run(f"export {name}=sk-any; banjia serve --emulate").returncode == 0
        ask = 'import openai; print(len(openai.OpenAI().embeddings.create(model="text-embedding-3-small", input="a").data[0].embedding))'
        reader.run(f"export OPENAI_API_KEY=any OPENAI_BASE_URL=http://{reader.at}/v1")
        assert reader.python(ask).stdout == f"{dimensions}\n"


def test_paths_without_equivalent_are_answered_as_on_the_page(tmp_path: Path) -> None:
    [table] = re.findall(r"^## What has no equivalent\n(.*?)^## ", TEXT, re.MULTILINE | re.DOTALL)
    text = {name: int(status) for name, status in re.findall(r"^\| ([^|]+) \| (\d{3})", table, re.MULTILINE)}
    paths = {
        "assistants, threads": ["assistants", "threads"],
        "images, speech, transcription": ["images/generations", "audio/speech", "audio/transcriptions"],
        "files, uploads, batches, fine-tuning": ["files", "uploads", "batches", "fine_tuning/jobs"],
    }
    assert paths.keys() == {name for name, status in text.items() if status != 400}
    with terminal(tmp_path, "") as reader:
        assert reader.run("export MOONSHOT_API_KEY=sk-any; banjia serve --emulate").returncode == 0
        for name, called in paths.items():
            for path in called:
                command = [sys.executable, "-c", STATUS, f"http://{reader.at}/v1/{path}"]
                answered = subprocess.run(command, env={}, capture_output=True, text=True, timeout=120, check=True)
                assert int(answered.stdout) == text[name], path
