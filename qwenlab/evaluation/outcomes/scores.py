"""Which of a result file's values are scores: right or wrong, or from 0 to 1 where more is better. Others are refused.

What grows without bound (a perplexity, a loss, a length) has no paired test here, and a measure of which less is better
would turn the answer round.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import OWN, ResultFile

TEXTS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0, "": None}
"""What a table may say instead of a number."""

LESS_IS_BETTER = {"perplexity", "ppl", "loss", "nll", "bits", "wer", "cer", "ter", "brier", "error", "errors"}
"""Words in the name of a measure of which less is better."""

WHAT_SCORES_ARE = (
    "A score is right or wrong, or a number from 0 to 1, more being better: divide percents by 100; perplexities and "
    "losses are none."
)

SHOWN = 8
"""Names that a message lists."""


class _NoScoreError(Exception):
    """Says what stands in a score's place, to follow "has"."""


class Scored(NamedTuple):
    """A file's items with one of its scores."""

    file: ResultFile
    score: str

    def values(self) -> list[float | None]:
        """A value for each row; None where it has none."""
        return [_value(row.scores.get(self.score)) for row in self.file.rows]


def choose_one(file: ResultFile, names: tuple[str | None, str | None]) -> tuple[Scored, Scored]:
    """Two scores of one file: those named, or `base` and `tuned` where it has them.

    Raises:
        UserError: two were not named, or one named is no score.
    """
    given = [name for name in names if name]
    if not given and {"base", "tuned"} <= set(file.score_names):
        names = ("base", "tuned")
    elif len(given) < 2:
        raise UserError(
            f"{file.path.name} is given alone, so two of its scores have to be named: {_listed(file.score_names)}.",
            "--base-column COLUMN --tuned-column COLUMN, or give a second file.",
        )
    elif given[0] == given[1]:
        raise UserError(f"{given[0]} of {file.path.name} would be compared with itself.", "Name another, or a file.")
    part = _about(file, [name for name in names if name])
    base, tuned = (_checked(part, name) for name in names if name)
    return base, tuned


def choose(base: ResultFile, tuned: ResultFile, names: tuple[str | None, str | None]) -> tuple[Scored, Scored]:
    """The score of each of two files: the one named, or the only one that both have.

    Raises:
        UserError: one that is named is no score, none is, or several are and none was named.
    """
    if names[0] and names[1]:
        return _checked(_about(base, names[:1]), names[0]), _checked(_about(tuned, names[1:]), names[1])
    if names[0] or names[1]:
        raise UserError(
            "Only one of --base-column and --tuned-column is given.",
            "Name both, or with --score the one that both files have.",
        )
    shared = [name for name in base.score_names if name in tuned.score_names]
    if not shared:
        raise UserError(
            f"The files have no score of the same name: {base.path} has {_listed(base.score_names)}, "
            f"{tuned.path} has {_listed(tuned.score_names)}.",
            "Name one of each: --base-column COLUMN --tuned-column COLUMN",
        )
    faults = {name: fault(base, name) or fault(tuned, name) for name in shared}
    found = [name for name, wrong in faults.items() if not wrong]
    if not found:
        told = "; ".join(f"{name}: {wrong}" for name, wrong in list(faults.items())[:SHOWN])
        raise UserError(f"{base.path} and {tuned.path} share no score. {told}.", WHAT_SCORES_ARE)
    if len(found) > 1:
        raise UserError(
            f"{base.path} and {tuned.path} share several scores: {_listed(found)}.",
            f"Name one: --score {found[0]}",
        )
    return Scored(base, found[0]), Scored(tuned, found[0])


def fault(file: ResultFile, name: str) -> str | None:
    """Why the values of that name are no scores; None: they are."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    if words & LESS_IS_BETTER or name.partition(",")[0] in file.lower_is_better:
        return "less of it is better"
    seen = False
    for row in file.rows:
        try:
            value = _value(row.scores.get(name))
        except _NoScoreError as error:
            return f"item {row.item} has {error}"
        seen = seen or value is not None
    return None if seen else "it has no value"


def _about(file: ResultFile, names: Sequence[str | None]) -> ResultFile:
    """An evaluation of several suites has scores for each, and an item of one has none of another's."""
    rows = tuple(row for row in file.rows if any(name in row.scores for name in names))
    return file._replace(rows=rows) if rows and file.kind == OWN else file


def _checked(file: ResultFile, name: str) -> Scored:
    if name not in file.score_names:
        raise UserError(f"{file.path.name} has no score {name}.", f"There are: {_listed(file.score_names)}.")
    if wrong := fault(file, name):
        raise UserError(f"{file.path.name}: {name} is no score: {wrong}.", WHAT_SCORES_ARE)
    return Scored(file, name)


def _value(value: object) -> float | None:
    """Raises:
    _NoScoreError: it is none.
    """
    if isinstance(value, str):
        value = _read(value)
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise _NoScoreError("several values" if isinstance(value, list | tuple | dict) else f"a {type(value).__name__}")
    if math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise _NoScoreError(f"{value:g}")
    return float(value)


def _read(text: str) -> float | None:
    plain = text.strip().lower()
    if plain in TEXTS:
        return TEXTS[plain]
    try:
        return float(plain)
    except ValueError:
        shown = text if len(text) <= 30 else text[:29] + "…"
        raise _NoScoreError(f'the text "{shown}"') from None


def _listed(names: Sequence[str]) -> str:
    """With semicolons: lm-eval's names have commas in them."""
    more = f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ("; ".join(names[:SHOWN]) or "none") + more
