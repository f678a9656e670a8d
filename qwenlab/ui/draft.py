"""What is being filled in on the Train tab, kept by the browser: a reload or a closed window loses nothing of it."""

from pathlib import Path

import gradio as gr

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.ui.form import overrides

Draft = list[str]
"""A recipe's path, and what was changed of it as `--set` takes it: where the recipe has changed since, it counts.
Empty: nothing is kept. It is not None, which Gradio does not write, so that what was dropped would come back."""


def build_draft() -> gr.BrowserState:
    """Where the browser keeps it."""
    # By default it is encrypted with a key that is drawn as the app starts, and lost with the app. There is nothing to
    # hide from the browser that it was typed into.
    return gr.BrowserState([], storage_key="qwenlab-train", secret="qwenlab")


def draft_of(recipe: str, made: Recipe) -> list[str]:
    """The recipe's path and its changes.

    Raises:
        UserError: there is no such recipe, or it has faults.
    """
    return [recipe, *overrides(read_recipe(Path(recipe)), made)]


def read_draft(draft: Draft) -> tuple[str, Recipe] | None:
    """The recipe's path and the recipe with its changes; None where there is nothing to go back to."""
    if not draft:
        return None
    recipe, *changes = draft
    try:
        return recipe, read_recipe(Path(recipe), changes)
    except UserError:
        # It was of another folder, or its run is deleted, or a setting has another name since.
        return None
