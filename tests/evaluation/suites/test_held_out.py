"""The run's own rows: which are asked, how, and what their answers are held against."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from qwenlab import data
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item, Items, Reference, ShortAnswer
from qwenlab.evaluation.suites import find_suite
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from tests.data.made import write_jsonl

Row = dict[str, Any]

MODEL = {
    **{"name": "tiny", "resolved": "/tiny", "revision": None, "sha256": "a", "template_sha256": "b"},
    **{"trainable_parameters": 1, "parameters": 1},
}


def prepared(folder: Path, rows: Sequence[Row], thinking: bool | None = None, **settings: Any) -> Run:
    """A run as its training leaves it, of data of which half is held out."""
    file = write_jsonl(folder / "rows.jsonl", rows)
    chosen = {"source": str(file), "min_chars": 0, "validation_split": 0.5} | settings
    recipe = Recipe().with_values(data=chosen)
    run = Run.create(folder / "runs", recipe, "trained")
    report = data.load(recipe.data, recipe.train.seed).report
    report.model_copy(update={"thinking": thinking}).write(run.data_file)
    run.update(data_sha256=report.sha256, model=MODEL | {"thinking": thinking})
    return run


def items(run: Run, **settings: Any) -> Items:
    return find_suite("held_out").items(run, run.recipe.with_values(evaluate=settings).evaluate)


def sums(count: int = 40) -> list[Row]:
    return [{"question": f"What is {n} and {n}?", "answer": f"{n} + {n} = {2 * n}\n#### {2 * n}"} for n in range(count)]


def talks(*turns: Row, count: int = 4) -> list[Row]:
    """Conversations that differ in a number of their first user's turn."""
    return [
        {"messages": [turn | {"content": turn["content"].replace("NUMBER", str(n))} for turn in turns]}
        for n in range(count)
    ]


def user(content: str = "What is NUMBER and 1?") -> Row:
    return {"role": "user", "content": content}


def assistant(content: str, **fields: Any) -> Row:
    return {"role": "assistant", "content": content} | fields


def test_the_validation_rows_are_asked_by_their_place_and_held_against_their_number(tmp_path: Path) -> None:
    run = prepared(tmp_path, sums())
    found = items(run)
    held_out = data.load(run.recipe.data, run.recipe.train.seed).validation["row"].to_list()
    assert [item.name for item in found.items] == [f"rows.jsonl:{row}" for row in held_out]
    assert len(found.items) == 20 and not found.left_out and found.version == run.read().data_sha256
    n = held_out[0] - 1
    assert found.items[0] == Item(
        name=f"rows.jsonl:{n + 1}",
        messages=({"role": "user", "content": f"What is {n} and {n}?"},),
        shown=f"What is {n} and {n}?",
        task=ShortAnswer(form="number", gold=f"{n} + {n} = {2 * n}\n#### {2 * n}"),
    )


def test_the_runs_system_prompt_stands_where_a_row_has_none(tmp_path: Path) -> None:
    own = {"role": "system", "content": "Be NUMBER times as brief."}
    rows = [*talks(own, user(), assistant("5"), count=20), *talks(user("And NUMBER?"), assistant("5"), count=20)]
    found = items(prepared(tmp_path, rows, system_prompt="Be brief."))
    systems = {item.shown[:3]: item.messages[0] for item in found.items}
    assert systems["And"] == {"role": "system", "content": "Be brief."}
    assert systems["Wha"]["content"].endswith("times as brief.")


def test_of_several_turns_the_last_answer_is_asked_for(tmp_path: Path) -> None:
    found = items(prepared(tmp_path, talks(user(), assistant("It is 5."), user("Sure?"), assistant("6"))))
    for item in found.items:
        assert [turn["content"] for turn in item.messages][1:] == ["It is 5.", "Sure?"]
        assert item.shown == "Sure?" and item.task == ShortAnswer(form="number", gold="6")


def test_reasoning_is_no_part_of_the_answer(tmp_path: Path) -> None:
    rows = talks(user(), assistant("<think>Five, or 7?</think>\n\n6"))
    assert {item.task for item in items(prepared(tmp_path, rows)).items} == {ShortAnswer(form="number", gold="6")}


@pytest.mark.parametrize(
    ("thinking", "reasoning", "earlier"),
    [
        (True, "text", {"content": "5", "reasoning_content": "Hm."}),
        (False, "text", {"content": "Hm.\n\n5", "reasoning_content": ""}),
        (False, "drop", {"content": "5", "reasoning_content": ""}),
        (None, "text", {"content": "Hm.\n\n5"}),
        (None, "drop", {"content": "5"}),
    ],
)
def test_earlier_turns_are_context_as_they_were_in_training(
    tmp_path: Path, thinking: bool | None, reasoning: str, earlier: Row
) -> None:
    rows = talks(user(), assistant("5", reasoning_content="Hm."), user("Sure?"), assistant("6"))
    for item in items(prepared(tmp_path, rows, thinking, reasoning=reasoning)).items:
        assert item.messages[1] == {"role": "assistant"} | earlier


def test_free_text_is_measured_by_its_loss_with_its_reasoning(tmp_path: Path) -> None:
    answer = "It depends on what you take a number to be, and on the day on which you ask for it."
    found = items(prepared(tmp_path, talks(user(), assistant(answer, reasoning_content="Hm.")), thinking=True))
    assert {item.task for item in found.items} == {Reference(answer=answer, reasoning="Hm.")}


def test_the_settings_say_how_answers_are_compared(tmp_path: Path) -> None:
    run = prepared(tmp_path, sums())
    assert all(isinstance(item.task, Reference) for item in items(run, answer="free").items)
    tasks = [item.task for item in items(run, answer="regex", answer_pattern=r"#### (\d+)").items]
    assert all(isinstance(task, ShortAnswer) and task.pattern == r"#### (\d+)" for task in tasks)
    tasks = [item.task for item in items(run, answer="math", answer_pattern="unused").items]
    assert all(isinstance(task, ShortAnswer) and (task.form, task.pattern) == ("math", "") for task in tasks)


def test_rows_that_cannot_be_compared_are_left_out_by_reason(tmp_path: Path) -> None:
    rows = [
        *sums(30),
        *({"question": f"Why {n}?", "answer": "Nobody knows."} for n in range(10)),
    ]
    found = items(prepared(tmp_path, rows), answer="number")
    ((reason, names),) = found.left_out.items()
    assert reason == "its answer holds no number" and len(names) + len(found.items) == 20


def test_answers_that_were_not_to_be_learned_are_left_out(tmp_path: Path) -> None:
    taught = talks(user(), assistant("5"), count=20)
    rows = [*taught, *talks(user("And NUMBER?"), assistant("5"), user("Sure?"), assistant("6", weight=0), count=20)]
    found = items(prepared(tmp_path, rows))
    ((reason, names),) = found.left_out.items()
    assert reason == "its last answer is one that the data marks as not to be learned"
    assert names and not {item.name for item in found.items} & set(names) and len(names) + len(found.items) == 20


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"answer": "regex"}, "The pattern that finds the answer is empty."),
        ({"answer": "regex", "answer_pattern": "(("}, "'((' is not a regular expression"),
        ({"answer": "json"}, "The suite held_out has nothing to ask: 20 left out: its answer holds no JSON."),
    ],
)
def test_what_cannot_be_compared_at_all_is_told(tmp_path: Path, settings: Row, said: str) -> None:
    with pytest.raises(UserError) as error:
        items(prepared(tmp_path, sums()), **settings)
    assert error.value.message.startswith(said)


def test_a_pattern_that_is_none_is_told_before_the_data_is_read(tmp_path: Path) -> None:
    run = prepared(tmp_path, sums())
    (tmp_path / "rows.jsonl").unlink()
    with pytest.raises(UserError, match="not a regular expression"):
        items(run, answer="regex", answer_pattern="((")


def test_a_run_that_held_nothing_out_is_told_how_to_get_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trained held no rows out: data.validation_split was 0.") as error:
        items(prepared(tmp_path, sums(), validation_split=0.0))
    assert "data.validation_split=0.05" in error.value.hint


def test_data_that_has_changed_is_refused(tmp_path: Path) -> None:
    run = prepared(tmp_path, sums())
    write_jsonl(tmp_path / "rows.jsonl", sums(41))
    with pytest.raises(UserError, match=r"rows.jsonl has changed since .*trained was trained: its SHA-256 was"):
        items(run)


def test_a_run_that_does_not_say_what_it_was_trained_on_is_refused(tmp_path: Path) -> None:
    run = prepared(tmp_path, sums())
    run.update(data_sha256=None)
    with pytest.raises(UserError, match=r"run.json does not say what .*trained was trained on"):
        items(run)


def test_rows_that_another_version_would_have_split_otherwise_are_refused(tmp_path: Path) -> None:
    run = prepared(tmp_path, sums())
    told = json.loads(run.data_file.read_text(encoding="utf-8"))
    run.data_file.write_text(json.dumps(told | {"rows_kept": 39}), encoding="utf-8")
    with pytest.raises(UserError, match=r"was trained when qwenlab kept 39 rows of .*; now it keeps 40"):
        items(run)


def test_the_same_question_with_another_answer_may_be_on_both_sides(tmp_path: Path) -> None:
    """The split knows rows, not questions: that is what the look for leaks is for."""
    rows = [{"question": "What is it?", "answer": str(n)} for n in range(10)]
    run = prepared(tmp_path, rows)
    assert len(items(run).items) == 5
    assert data.load(run.recipe.data, run.recipe.train.seed).report.leakage.exact == 5
