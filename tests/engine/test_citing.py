"""Citations in a run: what the model writes, and what its user reads (spec 06 §1.2)."""

import json
import re

from perdure.lifecycle import MESSAGE_DELTA
from perdure.tools.file_search import definition
from perdure.wire.events import Delta
from perdure.wire.formats import JsonObjectFormat
from perdure.wire.messages import FileCitationAnnotation
from tests.engine import filled_stores
from tests.engine.filled_stores import BEES, RENT
from tests.engine.stage import Stage


async def test_invented_markers_never_reach_the_user(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    prompt = (
        'call: file_search {"queries": ["rent"]}\nthen:\nsay: Soon【4:7†rent.md】, says【4:0†x】.'
    )
    run = await stage.execute(await filled_stores.begin(stage, prompt, store_id))
    part = await filled_stores.answer(stage, run)
    assert part.text.value == "Soon, says【4:0†rent.md】."
    assert len(part.text.annotations) == 1


async def test_mended_markers_are_streamed_as_they_are_stored(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT, bees_md=BEES)
    prompt = (
        'call: file_search {"queries": ["rent due", "bees"]}\nthen:\n'
        "say: Soon [4:0, 4:1], says [bees.md] in 【注】【4:7‡x】."
    )
    run = await filled_stores.begin(stage, prompt, store_id)
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    part = await filled_stores.answer(stage, run)
    rent, bees = "【4:0†rent.md】", "【4:1†bees.md】"
    assert part.text.value == f"Soon {rent}{bees}, says {bees} in 【注】."
    deltas = [
        json.loads(each.data())["delta"]["content"][0]["text"]
        for each in await subscription.next()
        if isinstance(each, Delta) and each.name == MESSAGE_DELTA
    ]
    assert "".join(delta["value"] for delta in deltas) == part.text.value
    streamed = [note for delta in deltas for note in delta.get("annotations", ())]
    stored = [note for note in part.text.annotations if isinstance(note, FileCitationAnnotation)]
    assert [(note["index"], note["text"], note["start_index"]) for note in streamed] == [
        (index, note.text, note.start_index) for index, note in enumerate(stored)
    ]
    assert [note.text for note in stored] == [rent, bees, bees]


async def test_invented_markers_are_taken_out_where_nothing_was_found(stage: Stage) -> None:
    """And where nothing was searched: the model knows the tool, and what a marker looks like."""
    store_id = await filled_stores.store(stage, rent_md=RENT)
    run = await stage.execute(
        await filled_stores.begin(
            stage, "say: Soon【4:0†rent.md】, says【0:0†notes.txt】.", store_id
        )
    )
    part = await filled_stores.answer(stage, run)
    assert (part.text.value, part.text.annotations) == ("Soon, says.", [])


async def test_the_marker_that_shows_the_model_the_form_is_never_one_of_a_passage(
    stage: Stage,
) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    described = definition.definition("file_search").function.description
    assert described is not None
    (example,) = re.findall("【.*?】", described)
    prompt = f'call: file_search {{"queries": ["rent"]}}\nthen:\nsay: Soon{example}.'
    run = await stage.execute(await filled_stores.begin(stage, prompt, store_id))
    assert (await filled_stores.answer(stage, run)).text.value == "Soon."


async def test_an_answer_in_json_is_annotated_and_never_changed(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, **{'a"b_txt': RENT, "bees_txt": BEES})
    said = (
        '{"a": "y [4:0]", "b": "【4:0】【9:9】", "c": "' + RENT + '", "d": "【4:1†bees.txt】", '
        '"e": "【4:0†a\\"b.txt】"}'
    )
    prompt = f'call: file_search {{"queries": ["rent due", "bees"]}}\nthen:\nsay: {said}'
    wanted = JsonObjectFormat()
    run = await stage.execute(
        await filled_stores.begin(stage, prompt, store_id, response_format=wanted)
    )
    found = filled_stores.search_of((await stage.steps(run))[0]).file_search.results
    assert [result.file_name for result in found] == ['a"b.txt', "bees.txt"]
    part = await filled_stores.answer(stage, run)
    assert part.text.value == said
    (note,) = part.text.annotations
    assert isinstance(note, FileCitationAnnotation)
    assert part.text.value[note.start_index : note.end_index] == note.text == "【4:1†bees.txt】"


async def test_markers_of_earlier_runs_are_not_shown_to_the_model_again(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    first = await stage.execute(await filled_stores.begin(stage, "When is the rent due?", store_id))
    second = await stage.acts.run(first.thread_id, first.assistant_id)
    prepared = await stage.prepare(second)
    said = [each.content for each in prepared.request.messages if each.role == "assistant"]
    assert said == [f"The files say: {RENT}"]
