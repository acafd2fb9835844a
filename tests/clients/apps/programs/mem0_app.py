"""An application on mem0, unaware of banjia: only environment variables set its endpoint."""

import json
import os
import tempfile

os.environ["MEM0_TELEMETRY"] = "False"

from mem0 import Memory

WIDTH = 1024
"""How many numbers a vector has: as many as every vendor gives."""
FACTS = ["The user lives in Oslo.", "The user has a cat named Ada."]
SAID = f"""I live in Oslo, and my cat is Ada.
emulator:answer
{json.dumps({"memory": [{"id": str(place), "text": text} for place, text in enumerate(FACTS)]})}
emulator:end"""


def _memory(width: int | None = WIDTH) -> Memory:
    """An empty memory with a separate vector store; None: of mem0's default width."""
    return Memory.from_config(
        {
            "llm": {"provider": "openai", "config": {"model": "gpt-4o"}},
            "embedder": {"provider": "openai", "config": {"embedding_dims": width} if width else {}},
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": tempfile.mkdtemp(), **({"embedding_model_dims": width} if width else {})},
            },
            "history_db_path": ":memory:",
        }
    )


def memories() -> None:
    """The model extracts facts from a conversation; each is embedded, and found again by its meaning."""
    memory = _memory()
    added = memory.add([{"role": "user", "content": SAID}], user_id="ann")
    assert [(one["memory"], one["event"]) for one in added["results"]] == [(fact, "ADD") for fact in FACTS], added
    for fact in FACTS:
        found = memory.search(fact, filters={"user_id": "ann"}, top_k=1)
        assert [one["memory"] for one in found["results"]] == [fact], found
    assert memory.search(FACTS[0], filters={"user_id": "bob"})["results"] == []


def conversation_as_it_stands() -> None:
    """Messages are stored without the model, changed, listed and deleted."""
    memory = _memory()
    output = [
        {"role": "user", "content": "The ship is late."},
        {"role": "assistant", "content": "It waits for the tide."},
    ]
    added = memory.add(output, user_id="ann", infer=False)["results"]
    assert [one["memory"] for one in added] == [one["content"] for one in output], added
    memory.update(added[0]["id"], "The ship has come.")
    found = memory.search("The ship has come.", filters={"user_id": "ann"}, top_k=1)["results"]
    assert [one["memory"] for one in found] == ["The ship has come."], found
    memory.delete(added[1]["id"])
    kept = memory.get_all(filters={"user_id": "ann"})["results"]
    assert [one["memory"] for one in kept] == ["The ship has come."], kept


def openais_width() -> None:
    """A store that was made for OpenAI's vectors of 1,536 numbers takes the vendor's."""
    memory = _memory(width=None)
    memory.add([{"role": "user", "content": "The ship is late."}], user_id="ann", infer=False)
    found = memory.search("The ship is late.", filters={"user_id": "ann"}, top_k=1)["results"]
    assert [one["memory"] for one in found] == ["The ship is late."], found
