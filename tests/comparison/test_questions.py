"""Where questions come from."""

from pathlib import Path

import pytest

from qwenlab.comparison.questions import from_file, from_held_out, from_problems, from_prompt
from qwenlab.data import load
from qwenlab.errors import UserError
from qwenlab.evaluation.programs.prompt import prompt
from qwenlab.recipe import Recipe, read_recipe

TINY = Path(__file__).parent.parent.parent / "recipes" / "tiny.toml"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_a_prompt_is_asked_with_the_system_prompt_of_the_training() -> None:
    assert from_prompt("Hi", Recipe()).messages == (user("Hi"),)
    kind = Recipe().with_values(data={"system_prompt": "Be kind."})
    assert from_prompt("Hi", kind).messages == ({"role": "system", "content": "Be kind."}, user("Hi"))


def test_lines_of_text_are_prompts(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("\ufeffFirst \n\nSecond {\n", encoding="utf-8")
    assert [question.text for question in from_file(file, Recipe())] == ["First", "Second {"]


def test_json_lines_hold_prompts_or_conversations_without_the_last_answer(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(
        '{"prompt": "First", "more": 1}\n'
        '{"messages": [{"role": "user", "content": "Second"}, {"role": "assistant", "content": "Known."}]}\n',
        encoding="utf-8",
    )
    assert [question.messages for question in from_file(file, Recipe())] == [(user("First"),), (user("Second"),)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("{", "line 1 is not JSON"),
        ('{"prompt": "x"}\n{"text": "x"}', "line 2 asks nothing"),
        ('{"prompt": 5}', "line 1"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "asks nothing"),
        ("[]", "line 1"),
    ],
)
def test_what_asks_nothing_is_told_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        from_file(file, Recipe())


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        from_file(tmp_path / "none.txt", Recipe())


def test_held_out_rows_are_those_of_the_validation_part_without_their_answers() -> None:
    recipe = read_recipe(TINY).with_values(data={"max_samples": 100})
    rows = load(recipe.data, recipe.train.seed).validation["messages"].to_list()
    questions = from_held_out(recipe, 3)
    said = [[(turn["role"], turn["content"]) for turn in row[:-1]] for row in rows[:3]]
    assert [[tuple(message.items()) for message in question.messages] for question in questions] == [
        [(("role", role), ("content", content)) for role, content in turns] for turns in said
    ]
    assert all(question.messages[-1]["role"] == "user" for question in questions)
    with pytest.raises(UserError, match="held no rows out"):
        from_held_out(recipe.with_values(data={"validation_split": 0.0}), 3)


def test_problems_are_asked_as_in_an_evaluation() -> None:
    questions = from_problems("tiny", 3, read_recipe(TINY))
    assert len(questions) == 3
    for question in questions:
        assert question.problem
        assert question.problem.tests
        assert list(question.messages) == prompt(question.problem)
