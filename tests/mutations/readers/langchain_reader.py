"""Reads mutated streams with LangChain, in the environment of tests/clients/frameworks; see :mod:`tests.mutations.served`."""

import importlib
import json
import sys
from typing import Any


def read(model: Any, prompt: str) -> dict[str, Any]:
    """What the sum of LangChain's chunks is."""
    whole: Any = None
    for chunk in model.stream(prompt):
        whole = chunk if whole is None else whole + chunk
    calls = [[call["name"], call["args"]] for call in whole.tool_call_chunks]
    return {"content": whole.content, "calls": calls, "finish": whole.response_metadata.get("finish_reason")}


def main() -> None:
    """A line of JSON for every job."""
    given = json.load(sys.stdin)
    chat: Any = importlib.import_module("langchain_openai").ChatOpenAI
    for job in given["jobs"]:
        try:
            model = chat(model=job["model"], base_url=given["base_url"], api_key="anything", max_retries=0)
            line = read(model.bind_tools(job["tools"]), job["prompt"])
        except Exception as error:
            line = {"error": f"{type(error).__name__}: {error}"[:500]}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
