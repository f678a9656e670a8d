"""The run's own validation rows: does it answer what it was trained for?

Each conversation is asked up to its last answer, as it was trained: with its own system prompt, else the run's. How
the answer is compared is found from the rows, or said by `evaluate.answer`. Free text has no right and wrong: of it
the loss is measured. So it is with programs, since rows of data have no tests.
"""

from typing import Any

from qwenlab.errors import UserError
from qwenlab.evaluation.answers.form import find_form
from qwenlab.evaluation.answers.gold import gradable
from qwenlab.evaluation.answers.pattern import compiled
from qwenlab.evaluation.item import Form, Item, Items, Reference, ShortAnswer
from qwenlab.evaluation.run_data import run_data
from qwenlab.evaluation.suites import Aim, Asked
from qwenlab.recipe import EvaluateSettings
from qwenlab.runs.mode import check_mode

TITLE = "Your own rows"
AIM: Aim = "target"
SOURCE = ""
SIZE: int | None = None
LICENCE = "Your data's own."
CONTAMINATION = (
    "The rows were held out of the training, where others may resemble them. They chose the step whose adapter is "
    "delivered, so that figures on them are a little too good where steps were close. Whether the base has seen them "
    "before is not known."
)
UNLEARNED = "its last answer is one that the data marks as not to be learned"


def items(asked: Asked) -> Items:
    """The rows, in the data's order. Left out: those whose answer cannot be compared as the others are.

    Raises:
        UserError: the pattern is none, the run's data cannot be had or has changed, or it held no rows out.
    """
    from qwenlab.data.chat_template import Rendering
    from qwenlab.data.chat_template import asked as rendered

    run, settings = asked.run, asked.settings
    if settings.answer == "regex":
        compiled(settings.answer_pattern)
    dataset = run_data(run)
    if dataset.validation.is_empty():
        raise UserError(
            f"{run.name} held no rows out: data.validation_split was {run.recipe.data.validation_split:g}.",
            "Train with --set data.validation_split=0.05, or evaluate without the suite held_out.",
        )
    mode = check_mode(run)
    how = Rendering(mode, run.recipe.data.reasoning)
    rows = list(dataset.validation.iter_rows(named=True))
    learned = [row for row in rows if row["messages"][-1]["learned"] is not False]
    form = _form([row["messages"][-1]["content"] for row in learned], settings)
    found = [
        _item(row, rendered(row["messages"][:-1], how, thinks=mode is not None), form, settings) for row in learned
    ]
    graded = gradable(found, dataset.report.sha256)
    unlearned = tuple(_name(row) for row in rows if row["messages"][-1]["learned"] is False)
    left_out = graded.left_out | ({UNLEARNED: unlearned} if unlearned else {})
    return graded._replace(left_out=left_out, source=f"{run.recipe.data.source}, held out")


def _form(golds: list[str], settings: EvaluateSettings) -> Form | None:
    """How answers are compared; None: not at all."""
    if settings.answer == "auto":
        return find_form(golds)
    return None if settings.answer == "free" else settings.answer


def _item(row: dict[str, Any], context: list[dict[str, Any]], form: Form | None, settings: EvaluateSettings) -> Item:
    answer = row["messages"][-1]
    return Item(
        name=_name(row),
        messages=tuple(context),
        shown=next(turn["content"] for turn in reversed(context) if turn["role"] == "user"),
        task=ShortAnswer(form=form, gold=answer["content"], pattern=settings.answer_pattern if form == "regex" else "")
        if form
        else Reference(answer=answer["content"], reasoning=answer["reasoning_content"] or ""),
    )


def _name(row: dict[str, Any]) -> str:
    return f"{row['file']}:{row['row']}"
