"""The form: a control for every setting of the recipe, made from the recipe's own fields.

A setting's label, help, bound and choices are never written here a second time. What a control holds goes to the
recipe as it is; what is wrong with it is told by the recipe.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, get_origin

import gradio as gr
import tomlkit
from pydantic.fields import FieldInfo

from qwenlab.errors import UserError
from qwenlab.evaluation.suites import suite_names
from qwenlab.recipe import ALL_LINEAR, LINEAR_LAYERS, Recipe, fields, make_recipe, parse_recipe
from qwenlab.recipe.faults import literals

BASICS = {
    "model.name": "Model",
    "data.source": "Data",
    "train.num_train_epochs": "Epochs",
    "train.learning_rate": "Learning rate",
    "train.per_device_train_batch_size": "Batch",
    "lora.r": "Rank",
}
"""The settings that stand open, in a user's words."""

LISTED = ("model.name", "data.source")
"""The settings that offer what there is, see `models.py`, and take anything else that is typed."""

SECTIONS = {
    "model": "Model: how it is loaded",
    "lora": "Adapter",
    "data": "Data: rules",
    "train": "Training",
    "evaluate": "Evaluation",
}


class Form(NamedTuple):
    """The controls, one a setting, in the order of `fields()`."""

    controls: list[Any]

    def control(self, path: str) -> Any:
        """The control of `section.key`."""
        return self.controls[PATHS.index(path)]


PATHS = [f"{section}.{key}" for section, key, _ in fields()]


def build_form(recipe: Recipe) -> Form:
    """The basics, then a folded group for each section, filled from the recipe."""
    values = dict(zip(PATHS, values_of(recipe), strict=True))
    controls: dict[str, Any] = {}
    made = {f"{section}.{key}": field for section, key, field in fields()}
    for path in BASICS:
        if path in LISTED:
            controls[path] = control_for(path, made[path], values[path], partial(gr.Dropdown, allow_custom_value=True))
    with gr.Row():
        for path in BASICS:
            if path not in controls:
                controls[path] = control_for(path, made[path], values[path])
    with gr.Accordion("All other settings", open=False):
        for section, title in SECTIONS.items():
            with gr.Accordion(title, open=False):
                for path, field in made.items():
                    if path.startswith(f"{section}.") and path not in controls:
                        controls[path] = control_for(path, field, values[path])
    return Form([controls[path] for path in PATHS])


def values_of(recipe: Recipe) -> list[Any]:
    """What the controls show for this recipe."""
    return [_shown(getattr(getattr(recipe, section), key)) for section, key, _ in fields()]


def recipe_of(values: Sequence[Any]) -> Recipe:
    """The recipe that the controls hold.

    Raises:
        UserError: a control holds what the recipe refuses; all faults are named.
    """
    return read_values(dict(zip(PATHS, values, strict=True)))


def worded(error: UserError) -> str:
    """What is wrong, with the settings named as the form names them."""
    told = str(error)
    for path, label in BASICS.items():
        told = re.sub(rf"(?<![\w.]){re.escape(path)}(?![\w.])", f"{label} ({path})", told)
    return told


def read_values(values: dict[str, Any]) -> Recipe:
    """As `recipe_of`, from some controls by `section.key`; the others are the defaults."""
    sections: dict[str, dict[str, Any]] = {}
    for section, key, field in fields():
        path = f"{section}.{key}"
        if path in values:
            sections.setdefault(section, {})[key] = _read(path, field, values[path])
    return make_recipe(sections, "The form")


def overrides(base: Recipe, recipe: Recipe) -> list[str]:
    """What `--set` needs to make `recipe` of `base`: `section.key=value`, the value as TOML."""
    return [
        f"{section}.{key}={_toml(value)}"
        for section, key, _ in fields()
        if (value := getattr(getattr(recipe, section), key)) != getattr(getattr(base, section), key)
    ]


def columns_text(columns: Mapping[Any, str]) -> str:
    """What the control of `data.columns` shows for these columns by role."""
    return _toml(dict(columns)) if columns else ""


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return columns_text(value)
    if value == ALL_LINEAR:
        return [ALL_LINEAR]
    return list(value) if isinstance(value, tuple) else value


def _read(path: str, field: FieldInfo, value: Any) -> Any:
    if value is None:
        raise UserError(f"{path} is empty.", f"{field.description}.")
    if get_origin(field.annotation) is dict:
        return parse_recipe("", [f"{path}={value}"], "The form").data.columns if value.strip() else {}
    return ALL_LINEAR if value == [ALL_LINEAR] else value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return str(table.as_string())
    return str(tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string())


def control_for(path: str, field: FieldInfo, value: Any, make: Callable[..., Any] | None = None) -> Any:
    """The control of one setting, with its label, help and bound; of its type's kind unless `make` is given."""
    make = make or _maker(path, field.annotation)
    label = BASICS.get(path, path.partition(".")[2])
    bound = _bound(field)
    return make(value=value, label=label, info=f"{field.description}{f' ({bound})' if bound else ''}", min_width=150)


def _maker(path: str, annotation: Any) -> Callable[..., Any]:
    """The component for a type, still to be given its value and texts."""
    if annotation is bool:
        return gr.Checkbox
    if annotation is int:
        return lambda **texts: gr.Number(precision=0, **texts)
    if annotation is float:
        return lambda **texts: gr.Number(step=0.0001, **texts)
    if get_origin(annotation) is Literal:
        return lambda **texts: gr.Dropdown(list(literals(annotation)), **texts)
    if annotation is str or get_origin(annotation) is dict:
        return gr.Textbox
    known = {"lora.target_modules": LINEAR_LAYERS, "evaluate.suites": suite_names()}  # others can be typed
    offered = [*known.get(path, ()), *literals(annotation)]
    return lambda **texts: gr.Dropdown(offered, multiselect=True, allow_custom_value=True, **texts)


def _bound(field: FieldInfo) -> str:
    """`1 to 512`, `above 0, up to 1`."""
    found = {
        name: getattr(part, name) for part in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(part, name)
    }
    if {"ge", "le"} <= found.keys():
        return f"{found['ge']:,} to {found['le']:,}"
    words = {"ge": "at least", "gt": "above", "le": "up to", "lt": "below"}
    return ", ".join(f"{words[name]} {value:,}" for name, value in found.items())
