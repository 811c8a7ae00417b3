"""An assistant, a thread, a streamed answer and a function call, with the official SDK.

Nothing here knows of Perdure. Where the server is, the SDK reads from OPENAI_BASE_URL and
OPENAI_API_KEY. To run it:

    perdure demo examples/quickstart.py     (starts a server just for this)

or, against a server of yours:

    OPENAI_BASE_URL=http://127.0.0.1:7373/v1 OPENAI_API_KEY=any python examples/quickstart.py
"""

import json
import os
import warnings
from typing import Literal

from openai import OpenAI
from openai.lib.streaming import AssistantEventHandler
from openai.types.beta import FunctionToolParam
from openai.types.beta.threads import RequiredActionFunctionToolCall, Run
from openai.types.beta.threads.run_submit_tool_outputs_params import ToolOutput

# The SDK warns at each call that OpenAI ends this API. Perdure is why that can be ignored.
warnings.filterwarnings("ignore", category=DeprecationWarning)

GET_WEATHER: FunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city right now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "examples": ["Lisbon"]}},
            "required": ["city"],
        },
    },
}


def get_weather(city: str) -> str:
    """The function that the model may call; yours would look the weather up."""
    return json.dumps({"city": city, "sky": "clear", "celsius": 21})


def compute(call: RequiredActionFunctionToolCall) -> ToolOutput:
    """Runs a function that the model called, here in this process."""
    print(f"function   {call.function.name}({call.function.arguments})")
    output = get_weather(json.loads(call.function.arguments)["city"])
    print(f"output     {output}")
    return {"tool_call_id": call.id, "output": output}


def show(stream: AssistantEventHandler) -> Run:
    """Prints an answer piece by piece, as it arrives; returns the run as it is then."""
    prefix = "assistant  "
    for text in stream.text_deltas:
        print(prefix + text, end="", flush=True)
        prefix = ""
    if not prefix:
        print()
    return stream.get_final_run()


def ask(
    client: OpenAI,
    assistant_id: str,
    thread_id: str,
    question: str,
    tool_choice: Literal["auto", "none"],
) -> Run:
    """One question and its answer, with as many function calls as the model wants."""
    print(f"\nuser       {question}")
    client.beta.threads.messages.create(thread_id, role="user", content=question)
    with client.beta.threads.runs.stream(
        thread_id=thread_id, assistant_id=assistant_id, tool_choice=tool_choice
    ) as stream:
        run = show(stream)
    # If the model called functions, the run waits for their outputs, for up to ten minutes.
    while run.required_action:
        calls = run.required_action.submit_tool_outputs.tool_calls
        with client.beta.threads.runs.submit_tool_outputs_stream(
            run_id=run.id, thread_id=thread_id, tool_outputs=[compute(call) for call in calls]
        ) as stream:
            run = show(stream)
    if run.status != "completed":
        raise SystemExit(f"The run ended as {run.status}: {run.last_error}")
    return run


def show_work(client: OpenAI, run: Run) -> None:
    """What the server keeps of a run: its steps, and the tokens it used."""
    steps = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc")
    print("steps      " + ", ".join(f"{step.type} {step.status}" for step in steps))
    if run.usage:
        print(f"tokens     {run.usage.prompt_tokens} read, {run.usage.completion_tokens} written")


def main() -> None:
    client = OpenAI()
    model = os.environ.get("OPENAI_MODEL") or client.models.list().data[0].id
    assistant = client.beta.assistants.create(
        model=model,
        name="Weather assistant",
        instructions="You are a friendly assistant. Use get_weather for questions of weather.",
        tools=[GET_WEATHER],
    )
    thread = client.beta.threads.create()
    print(f"made       {assistant.id} (model {model}) and {thread.id}")
    try:
        # Without tools for once, so that it is just text.
        run = ask(client, assistant.id, thread.id, "Hello, who are you?", "none")
        show_work(client, run)
        # Now the model may call the function, and most models will.
        run = ask(client, assistant.id, thread.id, "What is the weather in Lisbon?", "auto")
        show_work(client, run)
    finally:
        client.beta.threads.delete(thread.id)
        client.beta.assistants.delete(assistant.id)
        print("\ndeleted    both again")


if __name__ == "__main__":
    main()
