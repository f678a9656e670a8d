"""The form and the recipe: whatever one holds, the other is; and the command line makes the same of it."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import gradio as gr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from qwenlab.errors import UserError
from qwenlab.recipe import ALL_LINEAR, Recipe, fields, make_recipe, parse_recipe, read_recipe, recipe_toml
from qwenlab.runs.resolve import choose_job
from qwenlab.ui.form import PATHS, Form, build_form, overrides, recipe_of, values_of
from tests.ui.made import built

RECIPES = Path(__file__).parent.parent.parent / "recipes"

EXACT = 2**53
"""Whole numbers up to here are exact in a browser, where every number is a double."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# A list of the one name all-linear is no layer's name: it is shown, and meant, as the word.
NAMES = st.lists(TEXTS.filter(lambda name: name != ALL_LINEAR), max_size=3)


def any_value(field: FieldInfo) -> st.SearchStrategy[Any]:
    """Whatever the recipe allows for a setting, from its type and bounds."""
    annotation = field.annotation
    bounds = {
        name: getattr(part, name) for part in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(part, name)
    }
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        low, high = bounds.get("ge", 0), bounds.get("le", bounds.get("lt", EXACT))
        return st.integers(low, high - ("lt" in bounds))
    if annotation is float:
        low, high = bounds.get("ge", bounds.get("gt", 0)), bounds.get("le", bounds.get("lt", 1e6))
        return st.floats(low, high, exclude_min="gt" in bounds, exclude_max="lt" in bounds)
    if annotation is str:
        return TEXTS
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if get_origin(annotation) is dict:
        return st.dictionaries(st.sampled_from(["user", "assistant", "system", "messages"]), TEXTS, max_size=3)
    if "all-linear" in str(annotation):
        return st.one_of(st.just(ALL_LINEAR), NAMES)
    if "trackio" in str(annotation):
        return st.lists(st.sampled_from(["trackio", "tensorboard", "wandb"]), max_size=3)
    assert str(annotation) == "tuple[str, ...]", f"no strategy for {annotation}"
    return NAMES


SUITES = st.lists(st.sampled_from(["held_out", "gsm8k=my.jsonl", "tiny"]), min_size=1, unique=True)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    sections: dict[str, dict[str, Any]] = {}
    for section, key, field in fields():
        values = SUITES if key == "suites" else any_value(field)
        sections.setdefault(section, {})[key] = draw(values)
    return make_recipe(sections)


@cache
def form() -> Form:
    def make() -> Form:
        with gr.Blocks(analytics_enabled=False):
            return build_form(Recipe())

    return built(make)


def through_the_browser(values: list[Any]) -> list[Any]:
    """What comes back when nobody touches what was sent."""
    sent = [control.postprocess(value) for control, value in zip(form().controls, values, strict=True)]
    received = json.loads(json.dumps([getattr(value, "root", value) for value in sent]))
    return [control.preprocess(value) for control, value in zip(form().controls, received, strict=True)]


@settings(deadline=None, max_examples=50)
@given(recipes())
def test_any_recipe_fills_the_form_and_comes_back_equal(recipe: Recipe) -> None:
    assert recipe_of(through_the_browser(values_of(recipe))) == recipe


@settings(deadline=None, max_examples=50)
@given(recipes(), st.sampled_from(["tiny", "default"]))
def test_what_the_form_makes_is_what_the_command_line_runs(recipe: Recipe, base: str) -> None:
    recipe = recipe.with_values(data={"source": "tiny"}, model={"name": "tiny"})  # no path that happens to be there
    made = recipe_of(values_of(recipe))
    file = RECIPES / f"{base}.toml"
    assert choose_job(Path("runs"), file, overrides(read_recipe(file), made)).recipe == recipe
    assert parse_recipe(recipe_toml(made)) == recipe


def test_every_setting_has_a_control_with_its_help() -> None:
    by_path = dict(zip(PATHS, form().controls, strict=True))
    for section, key, field in fields():
        control = by_path[f"{section}.{key}"]
        assert control.label and field.description in control.info
    assert "1 to 512" in by_path["lora.r"].info and "above 0, up to 1" in by_path["train.learning_rate"].info


def changed(**values: Any) -> list[Any]:
    filled = values_of(Recipe())
    for path, value in values.items():
        filled[PATHS.index(path.replace("__", "."))] = value
    return filled


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("lora__r", 9999, "lora.r = 9999: should be less than or equal to 512"),
        ("train__learning_rate", None, "train.learning_rate is empty."),
        ("data__columns", "user: question", "data.columns"),
        ("data__columns", '{answer = "x"}', "data.columns"),
    ],
)
def test_what_the_recipe_refuses_is_told_in_its_words(path: str, value: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        recipe_of(changed(**{path: value}))
    assert said in caught.value.message


def test_columns_are_typed_as_in_the_recipe() -> None:
    assert recipe_of(changed(data__columns='{user = "question"}')).data.columns == {"user": "question"}
    assert recipe_of(changed(data__columns="  ")).data.columns == {}
