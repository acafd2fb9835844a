"""Reads mutated streams with the stream helper of OpenAI's client for Python; see :mod:`tests.mutations.served`."""

import json
import sys
from typing import Any

from openai import OpenAI


def read(client: OpenAI, job: dict[str, Any]) -> dict[str, Any]:
    """What the helper makes of one stream."""
    messages: Any = [{"role": "user", "content": job["prompt"]}]
    with client.chat.completions.stream(model=job["model"], messages=messages, tools=job["tools"]) as stream:
        for _ in stream:
            pass
        choice: Any = stream.current_completion_snapshot.choices[
            0
        ]  # get_final_completion raises for what was cut short
        if choice.finish_reason not in ("length", "content_filter"):
            choice = stream.get_final_completion().choices[0]
    calls = [[call.function.name, call.function.arguments] for call in choice.message.tool_calls or []]
    return {"content": choice.message.content or "", "calls": calls, "finish": choice.finish_reason}


def main() -> None:
    """A line of JSON for every job."""
    given = json.load(sys.stdin)
    client = OpenAI(base_url=given["base_url"], api_key="anything", max_retries=0)
    for job in given["jobs"]:
        try:
            line = read(client, job)
        except Exception as error:
            line = {"error": f"{type(error).__name__}: {error}"[:500]}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
