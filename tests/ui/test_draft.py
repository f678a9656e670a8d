"""What was filled in is what a reload shows, as far as it still means something."""

from pathlib import Path
from typing import Any

from qwenlab.recipe import Recipe, read_recipe, recipe_toml
from qwenlab.ui.choices import RECIPE_FOLDER, first_recipe
from qwenlab.ui.draft import draft_of, read_draft
from qwenlab.ui.form import PATHS, values_of
from qwenlab.ui.tabs.train import edited, picked, restored

TINY = str(RECIPE_FOLDER / "tiny.toml")


def test_a_draft_is_the_recipe_and_its_changes() -> None:
    made = read_recipe(Path(TINY)).with_values(train={"max_steps": 7}, data={"columns": {"user": "q"}})
    draft = draft_of(TINY, made)
    assert draft == [TINY, 'data.columns={user = "q"}', "train.max_steps=7"]
    assert read_draft(draft) == (TINY, made)


def test_a_recipe_that_has_changed_since_counts(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(recipe_toml(Recipe().with_values(lora={"r": 4})))
    draft = draft_of(str(recipe), Recipe().with_values(lora={"r": 4}, train={"seed": 5}))
    recipe.write_text(recipe_toml(Recipe().with_values(lora={"r": 8})))
    assert read_draft(draft) == (str(recipe), Recipe().with_values(lora={"r": 8}, train={"seed": 5}))


def test_what_there_is_no_going_back_to_is_no_draft(tmp_path: Path) -> None:
    assert read_draft([]) is None
    assert read_draft([str(tmp_path / "gone.toml")]) is None
    assert read_draft([TINY, "lora.rank=8"]) is None


def loaded(runs: Path, draft: Any) -> tuple[Any, list[Any], list[Any]]:
    """What a page that is opened shows: the recipe, the controls, and what stands beside them."""
    recipe, *rest = restored(runs, draft, TINY, *values_of(read_recipe(Path(TINY))))
    return recipe, rest[: len(PATHS)], rest[len(PATHS) :]


def test_a_page_that_is_opened_again_shows_the_draft(tmp_path: Path) -> None:
    values = values_of(read_recipe(Path(TINY)).with_values(train={"max_steps": 7}))
    *_, draft, drop, _, _, _ = edited(tmp_path, TINY, *values)
    assert drop.interactive
    recipe, controls, (wrong, command, *_) = loaded(tmp_path, draft)
    assert recipe.value == TINY and controls == values
    assert wrong == "" and "--set train.max_steps=7" in command


def test_what_a_new_user_sees_is_not_kept(tmp_path: Path) -> None:
    *_, draft, drop, _, _, _ = picked(tmp_path, first_recipe())
    assert draft == [] and not drop.interactive
    other = str(RECIPE_FOLDER / "small_gpu.toml")
    *_, draft, drop, _, _, _ = picked(tmp_path, other)
    assert draft == [other] and not drop.interactive


def test_a_new_user_s_page_keeps_the_first_recipe(tmp_path: Path) -> None:
    recipe, controls, (_, command, *_) = loaded(tmp_path, [])
    assert "value" not in recipe.constructor_args and not any(
        isinstance(value, int | float | str | list) for value in controls
    )
    assert command == f"python -m qwenlab.train {TINY} --runs {tmp_path}"


def test_what_is_wrong_leaves_the_draft_as_it_was(tmp_path: Path) -> None:
    values = values_of(read_recipe(Path(TINY)))
    values[PATHS.index("train.learning_rate")] = 7
    wrong, *_, draft, drop, _, start, _ = edited(tmp_path, TINY, *values)
    assert (
        "Learning rate (train.learning_rate) = 7" in wrong
        and not start.interactive
        and not isinstance(draft, list)
        and drop.interactive
    )
