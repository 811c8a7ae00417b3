"""Ask two documents, and get answers that say where they stand, with the official SDK.

Nothing here knows of Perdure. Where the server is, the SDK reads from OPENAI_BASE_URL and
OPENAI_API_KEY. To run it:

    perdure demo examples/file_search.py     (starts a server just for this)

or, against a server of yours:

    OPENAI_BASE_URL=http://127.0.0.1:7373/v1 OPENAI_API_KEY=any python examples/file_search.py
"""

import os
import warnings

from openai import OpenAI
from openai.types.beta.threads import FileCitationAnnotation, Message

# The SDK warns at each call that OpenAI ends this API. Perdure is why that can be ignored.
warnings.filterwarnings("ignore", category=DeprecationWarning)

DOCUMENTS = {
    "lease.md": (
        "# Lease of the flat in Harbour Street 4\n\n"
        "The rent is 940 euros a month and is due on the third working day.\n\n"
        "## Pets\n\nOne cat is allowed. Dogs need the consent of the house.\n\n"
        "## Notice\n\nEither side may end the lease with three months of notice.\n"
    ),
    "bees.txt": (
        "A colony of bees keeps its brood nest at thirty-five degrees, in summer and in winter "
        "alike. In winter the bees form a cluster and shiver to stay warm.\n\n"
        "A queen lays up to two thousand eggs a day in early summer.\n"
    ),
}

QUESTIONS = ("When is the rent due?", "How warm is the brood nest of a colony of bees?")


def show(client: OpenAI, message: Message) -> int:
    """Prints an answer with its citations as footnotes; returns how many it has."""
    text, annotations = "", []
    for part in message.content:
        if part.type == "text":
            text += part.text.value
            annotations += part.text.annotations
    notes: list[str] = []
    for note in annotations:
        if isinstance(note, FileCitationAnnotation):
            notes.append(client.files.retrieve(note.file_citation.file_id).filename)
            text = text.replace(note.text, f" [{len(notes)}]", 1)
    print(f"assistant  {text}")
    for number, name in enumerate(notes, 1):
        print(f"           [{number}] {name}")
    return len(notes)


def main() -> None:
    client = OpenAI()
    store = client.vector_stores.create(name="Papers")
    batch = client.vector_stores.file_batches.upload_and_poll(
        vector_store_id=store.id,
        files=[(name, text.encode()) for name, text in DOCUMENTS.items()],
    )
    counts = batch.file_counts
    print(f"store      {store.id}: {counts.completed} of {counts.total} files")
    assistant = client.beta.assistants.create(
        model=os.environ.get("MODEL", "gpt-4o"),
        instructions="Answer from the files, and say where it stands.",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    cited = 0
    for question in QUESTIONS:
        print(f"\nuser       {question}")
        thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
        run = client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id
        )
        if run.status != "completed":
            raise SystemExit(f"The run ended as {run.status}: {run.last_error}")
        (message,) = client.beta.threads.messages.list(thread.id, run_id=run.id).data
        cited += show(client, message)
    if not cited:
        raise SystemExit("No answer cites a file.")


if __name__ == "__main__":
    main()
