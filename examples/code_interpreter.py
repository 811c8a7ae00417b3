"""Give the model a table, and get back a chart and a new table, with the official SDK.

Nothing here knows of Perdure. Where the server is, the SDK reads from OPENAI_BASE_URL and
OPENAI_API_KEY. To run it:

    perdure demo examples/code_interpreter.py     (starts a server just for this)

or, against a server of yours:

    OPENAI_BASE_URL=http://127.0.0.1:7373/v1 OPENAI_API_KEY=any python examples/code_interpreter.py

Of a message with code, the scripted model runs the code. A real model would write it.
"""

import os
import sys
import warnings
from pathlib import Path

from openai import AssistantEventHandler, OpenAI
from openai.types.beta.threads import Message
from openai.types.beta.threads.runs import RunStep, ToolCall, ToolCallDelta
from typing_extensions import override

# The SDK warns at each call that OpenAI ends this API. Perdure is why that can be ignored.
warnings.filterwarnings("ignore", category=DeprecationWarning)

TABLE = """month,rain_mm,sun_hours
January,128,80
February,100,107
March,84,165
April,67,197
May,53,240
June,16,266
July,4,303
August,7,287
September,36,216
October,107,170
November,129,110
December,126,82
"""

QUESTION = """When does it rain in Lisbon? Draw it, and give me the quarters as a table.

python:
    import matplotlib.pyplot as plt
    import pandas as pd

    months = pd.read_csv("/mnt/data/lisbon.csv")
    figure, bars = plt.subplots(figsize=(8, 4.5))
    bars.bar(months["month"].str[:3], months["rain_mm"], color="#4878a8")
    lines = bars.twinx()
    lines.plot(months["month"].str[:3], months["sun_hours"], color="#d08c2e", marker="o")
    bars.set_ylabel("rain in mm")
    lines.set_ylabel("hours of sun")
    bars.set_title("Lisbon: rain (bars) and sun (line)")
    plt.show()
then: python:
    quarters = months.groupby(months.index // 3).sum(numeric_only=True)
    quarters.index = ["Q1", "Q2", "Q3", "Q4"]
    quarters.to_csv("/mnt/data/quarters.csv", index_label="quarter")
    print(quarters.idxmax())
then: say: Most of the rain falls in the winter, see [the quarters](sandbox:/mnt/data/quarters.csv).
"""


class Show(AssistantEventHandler):
    """Prints code and output while they come."""

    @override
    def on_run_step_created(self, run_step: RunStep) -> None:
        if run_step.type == "tool_calls":
            print("\ncode")

    @override
    def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        if delta.type != "code_interpreter" or delta.code_interpreter is None:
            return
        print(delta.code_interpreter.input or "", end="", flush=True)
        for output in delta.code_interpreter.outputs or []:
            if output.type == "logs":
                print(f"\noutput\n{output.logs}", end="", flush=True)


def save(client: OpenAI, file_id: str, path: Path) -> None:
    """Downloads a file that the code has made."""
    path.write_bytes(client.files.content(file_id).read())
    print(f"saved      {path} ({path.stat().st_size} bytes)")


def keep(client: OpenAI, message: Message, folder: Path) -> int:
    """Saves the figures and files of an answer; returns how many they are."""
    kept = 0
    for part in message.content:
        if part.type == "image_file":
            kept += 1
            save(client, part.image_file.file_id, folder / f"chart-{kept}.png")
        if part.type != "text":
            continue
        print(f"assistant  {part.text.value}")
        for note in part.text.annotations:
            if note.type == "file_path":
                kept += 1
                save(client, note.file_path.file_id, folder / note.text.rpartition("/")[2])
    return kept


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    client = OpenAI()
    table = client.files.create(file=("lisbon.csv", TABLE.encode()), purpose="assistants")
    assistant = client.beta.assistants.create(
        model=os.environ.get("MODEL", "gpt-4o"),
        instructions="Answer with Python. Show charts, and link the files that you write.",
        tools=[{"type": "code_interpreter"}],
        tool_resources={"code_interpreter": {"file_ids": [table.id]}},
    )
    thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
    with client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, event_handler=Show()
    ) as stream:
        stream.until_done()
    run = stream.current_run
    if run is None or run.status != "completed":
        raise SystemExit(f"The run ended as {run and run.status}: {run and run.last_error}")
    print()
    messages = client.beta.threads.messages.list(thread.id, run_id=run.id, order="asc")
    if not sum(keep(client, message, folder) for message in messages):
        raise SystemExit("The answer has neither a chart nor a file.")


if __name__ == "__main__":
    main()
