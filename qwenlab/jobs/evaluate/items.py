"""What is asked: each suite's items, drawn once and kept, so that an evaluation goes on with what it began with."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qwenlab
from qwenlab.errors import UserError
from qwenlab.evaluation.draw import draw
from qwenlab.evaluation.item import Item, Items
from qwenlab.evaluation.leakage import find_leaks
from qwenlab.evaluation.run_data import run_data
from qwenlab.evaluation.suites import Suite, find_suites
from qwenlab.files import read_lines, rewrite_lines
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.sentences import detectable_in_brief, detectable_sentence, detectable_shift_sentence
from qwenlab.runs import Evaluation, Run
from qwenlab.runs.output import Output
from qwenlab.stats.power import smallest_detectable_gain

if TYPE_CHECKING:
    import polars as pl

PACKAGE = Path(qwenlab.__file__).parent

SHOWN = 5
"""Names that a note lists."""

NEEDS_THE_MODEL = ("choice", "reference")
"""Kinds of items for which nothing is generated: how likely an answer is, no server tells."""

Suites = Mapping[str, Sequence[Item]]


def choose_items(evaluation: Evaluation, run: Run, output: Output, begun_alone: bool = False) -> Suites:
    """The items by suite, of those that can be asked; what stands in the way of the others is kept in the record.

    Args:
        begun_alone: only suites whose items were drawn before.

    Raises:
        UserError: no suite can be asked.
    """
    record = evaluation.read()
    refusals: list[UserError] = []
    asked: dict[str, Sequence[Item]] = {}
    learned = _Learned(run)
    suites = find_suites(record.settings.suites)
    for name, suite in suites.items():
        file = evaluation.suite(name).items_file
        if begun_alone and not file.exists():
            continue
        if not file.exists():
            try:
                items, facts = _drawn(suite, run, record.settings, learned, served=record.endpoint is not None)
            except UserError as error:
                refusals.append(error)
                _keep(evaluation, suite, {"why": str(error)})
                output.say(f"{suite.title} ({name}): not measured. {error}")
                continue
            _keep(evaluation, suite, facts)  # before its items: where they are, so is what is told of them
            file.parent.mkdir(parents=True, exist_ok=True)
            rewrite_lines(file, items)
        asked[name] = tuple(read_lines(file, Item))
        _tell(suite, asked[name], evaluation.read().suites[name], len(suites) == 1, output)
    if not asked:
        raise refusals[0] if len(refusals) == 1 else _none(refusals)
    return asked


class _Learned:
    """What the run has learned, read when it is first asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def taken_out(self, found: Items) -> tuple[Items, tuple[str, ...]]:
        """The items whose questions are not in the training rows, and what has to be known of the rest."""
        try:
            leaks = find_leaks(found.items, self._rows)
        except UserError as error:
            return found, (f"Whether its questions are in the training rows was not checked. {error.message}",)
        near = len(leaks.near)
        like = f"{near} of {len(found.items)} are nearly a prompt of the training rows, by half of their words"
        return leaks.taken_out(found), (f"{like}: {', '.join(leaks.near[:SHOWN])}.",) if near else ()

    @cached_property
    def _rows(self) -> "pl.DataFrame":
        return run_data(self._run).train


def _drawn(
    suite: Suite, run: Run, settings: EvaluateSettings, learned: _Learned, served: bool
) -> tuple[Sequence[Item], dict[str, Any]]:
    """Some of the suite's items, and what is told of all of them.

    Raises:
        UserError: they cannot be had, or none of them can be asked.
    """
    found = suite.items(run, settings)
    if served and found.items[0].task.kind in NEEDS_THE_MODEL:
        raise UserError(
            f"{suite.name} asks how likely an answer is, which no server tells.", "Evaluate it without --endpoint."
        )
    asked = len(found.items)
    found, notes = learned.taken_out(found)
    if not found.items:
        raise UserError(f"All {asked} questions of {suite.name} are in the training rows.", "Ask others: NAME=FILE")
    drawn_before = found.available is not None
    items = found.items if drawn_before else draw(found.items, settings.max_items, settings.seed, attrgetter("group"))
    return items, {
        "source": found.source or _shown(suite.source),
        "version": found.version,
        "available": found.available if drawn_before else len(found.items),
        "left_out": found.left_out,
        "tests_cut": found.tests_cut,
        "licence": suite.licence,
        "contamination": found.contamination or suite.contamination,
        "notes": notes,
    }


def _shown(source: str) -> str:
    """What ships with the package by its name alone: where the package lies says nothing."""
    return Path(source).name if Path(source).is_relative_to(PACKAGE) else source


def _keep(evaluation: Evaluation, suite: Suite, facts: dict[str, Any]) -> None:
    """In the order in which they are asked for, whenever they came."""
    record = evaluation.read()
    nothing = {"source": suite.source, "version": "", "available": 0, "left_out": {}, "contamination": ""}
    found = record.suites | {suite.name: {"title": suite.title, "aim": suite.aim} | nothing | facts}
    order = [name for name in find_suites(record.settings.suites) if name in found]
    evaluation.update(suites={name: found[name] for name in order})


def _tell(suite: Suite, items: Sequence[Item], facts: Mapping[str, Any], alone: bool, output: Output) -> None:
    """How many of which, and what they can show."""
    kind = items[0].task.kind
    noun = {"program": "problems", "reference": "rows"}.get(kind, "questions")
    left_out = "".join(f", {len(names)} left out: {reason}" for reason, names in facts["left_out"].items())
    counted = f"{len(items)} of {facts['available']} {noun} of {facts['source']}{left_out}"
    gain = smallest_detectable_gain(len(items))
    if alone:
        output.say(counted)
        output.say(detectable_shift_sentence(len(items)) if kind == "reference" else detectable_sentence(gain, noun))
    else:
        shows = "" if kind == "reference" else f"; {detectable_in_brief(gain)}"
        output.say(f"{suite.title}: {counted}{shows}")
    for note in facts.get("notes", ()):
        output.say(note)


def _none(refusals: Sequence[UserError]) -> UserError:
    if not refusals:
        return UserError("Nothing has been asked in this evaluation yet.", "Go on with it: --resume")
    said = "\n".join(f"- {error.message}" for error in refusals)
    hints = [error.hint for error in refusals if error.hint]
    return UserError(f"No suite can be asked.\n{said}", hints[0] if hints else "")
