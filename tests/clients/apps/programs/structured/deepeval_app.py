"""An application on DeepEval, whose judge is a model of OpenAI: only environment variables set its endpoint."""

import asyncio
import os

os.environ |= {"DEEPEVAL_TELEMETRY_OPT_OUT": "1", "DEEPEVAL_DISABLE_DOTENV": "1", "DEEPEVAL_FILE_SYSTEM": "READ_ONLY"}
os.chdir(os.environ["HOME"])  # it keeps a folder where it runs

from deepeval.metrics import AnswerRelevancyMetric, GEval
from deepeval.models import OpenAIModel
from deepeval.test_case import LLMTestCase, SingleTurnParams
from pydantic import BaseModel

ANSWER = """Who is it?
emulator:answer
{"name": "Ann", "age": 30}
emulator:end"""
SCORED = """A question.
emulator:answer
{"score": 8, "reason": "It is good."}
emulator:end
"""


class Person(BaseModel):
    """The requested output object."""

    name: str
    age: int


def chat() -> None:
    answer, _ = OpenAIModel("gpt-4o").generate("Hello")
    assert answer == "You said: Hello", answer


def structured() -> None:
    answer, _ = OpenAIModel("gpt-4o").generate(ANSWER, schema=Person)
    assert answer == Person(name="Ann", age=30), answer


def structured_by_asyncio() -> None:
    answer, _ = asyncio.run(OpenAIModel("gpt-4o").a_generate(ANSWER, schema=Person))
    assert answer == Person(name="Ann", age=30), answer


def relevancy() -> None:
    """The judge answers with objects three times: statements, their verdicts, and a reason."""
    metric = AnswerRelevancyMetric(model="gpt-4o", async_mode=False)
    metric.measure(LLMTestCase(input="A question.", actual_output="An answer."), _show_indicator=False)
    assert metric.score == 1, metric.score
    assert metric.reason == "reason value", metric.reason


def criteria() -> None:
    """The judge's score is weighted by its logprobs, or is an object if it has none."""
    metric = GEval(
        name="good", evaluation_steps=["Is it good?"], model="gpt-4o", async_mode=False,
        evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
    )  # fmt: skip
    metric.measure(LLMTestCase(input=SCORED, actual_output="An answer."), _show_indicator=False)
    assert metric.score == 0.8, metric.score
    assert metric.reason == "It is good.", metric.reason
