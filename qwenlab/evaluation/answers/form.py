"""Which kind of answer a data set holds, told by the cells of its answers."""

import re
from collections.abc import Callable, Sequence

from qwenlab.evaluation.answers import choice, json_value, number
from qwenlab.evaluation.answers.found import Found, marks
from qwenlab.evaluation.item import Form

SHARE = 0.95
"""So many cells must be of a form: the rest are slips, as every data set has, that are left out where they have no
value. Were it less, items that the form cannot grade would count against base and tuned alike and hide a difference."""

SHORT_TEXT_WORDS = 5
"""Names and titles have up to so many words; a text of more is said in many ways that are all right."""

LABELS = 20
"""Data sets of so few different texts, such as the classes of a classification, hold labels, of any length up to..."""

LABEL_WORDS = 10
"""...so many words."""

WHOLE_NUMBER = re.compile(r"[^0-9A-Za-z]{0,3}[0-9][0-9.,/ eE+-]*\s*(?:%|[A-Za-z°]{1,12})?\.?")
WHOLE_CHOICE = re.compile(r"\(?[A-Ja-j]\)?[.:]?|\(?[A-J](?:\)|[.:)])\s+\S.*")
COMMAND = re.compile(r"\\[A-Za-z]+|\\[{}$%!]")
WORD = re.compile(r"[^\W\d_]{3,}")


def find_form(golds: Sequence[str]) -> Form | None:
    """The form of a data set's answers; None: free text, of which none is right or wrong.

    `golds`: what stands in each row where the answer belongs.
    """
    cells = [gold.strip() for gold in golds]
    forms: tuple[tuple[Form, Callable[[str], bool]], ...] = (
        ("choice", _is_choice),
        ("number", _is_number),
        ("json", _is_json),
        ("math", _is_math),
    )
    for form, fits in forms:
        if _most(cells, fits) and (form != "math" or any(map(COMMAND.search, cells))):
            return form
    words = LABEL_WORDS if len(set(cells)) <= min(LABELS, len(cells) // 2) else SHORT_TEXT_WORDS
    return "text" if _most(cells, lambda cell: "\n" not in cell and 1 <= len(cell.split()) <= words) else None


def _most(cells: list[str], fits: Callable[[str], bool]) -> bool:
    return bool(cells) and sum(map(fits, cells)) >= SHARE * len(cells)


def _marked(cell: str) -> str:
    """What `####` or a box names, or else the cell."""
    return next((mark.rest.strip() for mark in marks(cell) if mark.rule in ("after ####", "boxed")), cell)


def _is_choice(cell: str) -> bool:
    value = _marked(cell)
    return bool(WHOLE_CHOICE.fullmatch(value)) and choice.find(value).value != ""


def _is_number(cell: str) -> bool:
    value = number.cleaned(_marked(cell)).strip()
    return bool(WHOLE_NUMBER.fullmatch(value)) and number.value(value) is not None


def _is_json(cell: str) -> bool:
    found: Found = json_value.find(cell)
    return found.rule == "whole text" and cell[:1] in "{["


def _is_math(cell: str) -> bool:
    """A box, or a cell of mathematics alone: no words but in LaTeX's own way."""
    return _marked(cell) != cell or (
        bool(cell) and not WORD.search(COMMAND.sub(" ", re.sub(r"\\text\{[^{}]*\}", "", cell)))
    )
