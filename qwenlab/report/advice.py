"""What to try next: the training decisions' four mitigations, each with the evidence that it fired on.

A rule that has no evidence says nothing. The rules are about this run and these answers, not about models in general.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from qwenlab.recipe import Recipe
from qwenlab.report.evidence import DOES_NOT_PARSE, NO_CODE, WRONG_ANSWER, WRONG_FORM, curve, ends
from qwenlab.report.schema import Advice, Attempt, ItemRow, Metric, Point, SuiteReport
from qwenlab.runs.events import Event, Note, of_kind
from qwenlab.stats.types import Comparison, NotMeasured

SHARE = 0.1
"""A fault in more than this share of the tuned model's answers is worth a setting."""

FEWEST = 3
"""So many answers at least: one or two are an accident."""

RISE = 0.05
"""A validation loss this much above its lowest, relatively, is overfitting; less is the noise of small sets."""

LEAST_RISE = 0.01
"""A rise by less, in nats/token, changes no answer: where the loss has come near zero, 5 % are nothing."""

GAP = 1.5
"""A validation loss this many times the training loss at the end is overfitting too, once it has stopped falling."""

SLOW = 0.05
"""A training loss that fell by less than this share from its first tenth to its last hardly learned."""

POINTS = 10
"""Fewer points of the training curve say nothing about its pace."""


class TrainingFacts(NamedTuple):
    """What is known of the training: its events in order, and its recipe."""

    events: Sequence[Event]
    recipe: Recipe


def advise(training: TrainingFacts | None, suites: Mapping[str, SuiteReport]) -> tuple[Advice, ...]:
    """Every rule that fires, in order: memory, convergence, overfitting, generation by suite, forgetting."""
    found: list[Advice] = []
    if training:
        found += [*_memory(training), *_slow_convergence(training), *_overfitting(training)]
    for suite in suites.values():
        about = [*_cut_thinking(suite.rows), *_poor_generation(suite.rows, suite.metrics)]
        of_it = "" if len(suites) == 1 else f"{suite.title}: "
        found += [advice.model_copy(update={"evidence": of_it + advice.evidence}) for advice in about]
    return (*found, *_forgetting(training, suites))


def _memory(training: TrainingFacts) -> Iterator[Advice]:
    notes = [note for note in of_kind(training.events, Note) if note.about == "memory"]
    batch = notes[-1].micro_batch if notes else None
    if not batch:
        return
    accumulation = training.recipe.train.effective_batch_size // batch
    yield Advice(
        about="memory",
        text=f"Start with train.per_device_train_batch_size = {batch} and train.gradient_accumulation_steps = "
        f"{accumulation}: the same training, without the time that running out of memory takes.",
        evidence="; ".join(f"{note.text} (step {note.step})" for note in notes),
    )


def _slow_convergence(training: TrainingFacts) -> Iterator[Advice]:
    losses = curve(training.events)
    rate = training.recipe.train.learning_rate
    text = f"Raise train.learning_rate slightly, from {rate:g} to {1.5 * rate:g}; or train for longer."
    if len(losses.train) >= POINTS:
        first, last = ends(losses.train)
        if last > (1 - SLOW) * first:
            evidence = f"training loss went from {first:.3g} to {last:.3g} in {losses.train[-1].step} steps"
            yield Advice(about="slow convergence", text=text, evidence=evidence)
            return
    last_step = max((point.step for point in losses.train), default=0)
    if len(losses.validation) >= 3 and losses.best_step == losses.validation[-1].step == last_step:
        before, last_point = losses.validation[-2:]
        if last_point.loss < (1 - SLOW) * before.loss:
            evidence = f"validation loss was still falling at the end: {_from_to(before, last_point)}"
            yield Advice(about="slow convergence", text=text, evidence=evidence)


def _overfitting(training: TrainingFacts) -> Iterator[Advice]:
    losses = curve(training.events)
    trained = [point for point in losses.validation if point.step > 0]
    if len(trained) < 2:
        return
    best, last = min(trained, key=lambda point: point.loss), trained[-1]
    train = training.recipe.train
    fewer = f"train.num_train_epochs below {train.num_train_epochs:g}"
    text = (
        f"More regularisation (lora.lora_dropout above {training.recipe.lora.lora_dropout:g}, train.weight_decay "
        f"above {train.weight_decay:g}) and fewer epochs ({fewer}), or more data. The adapter of step {best.step} "
        "is the one that was evaluated."
    )
    if last.loss > max((1 + RISE) * best.loss, best.loss + LEAST_RISE):
        yield Advice(about="overfitting", text=text, evidence=f"validation loss rose {_from_to(best, last)}")
    elif len(losses.train) >= POINTS and last.step != best.step and _apart(last.loss, ends(losses.train)[1]):
        evidence = f"validation loss stopped falling at step {best.step} and ended at {last.loss:.3g}"
        beside = f"beside a training loss of {ends(losses.train)[1]:.3g}"
        yield Advice(about="overfitting", text=text, evidence=f"{evidence}, {beside}")


def _apart(validation: float, train: float) -> bool:
    return validation > max(GAP * train, train + LEAST_RISE)


def _cut_thinking(rows: Sequence[ItemRow]) -> Iterator[Advice]:
    """Of either side: a base that was cut off is no measure for the tuned model either."""
    for side, answers in (
        ("base", [one for row in rows for one in row.base]),
        ("tuned model", [one for row in rows for one in row.tuned]),
    ):
        cut = [one for one in answers if one.cut_thinking]
        if _is_worth_it(len(cut), len(answers)):
            yield Advice(
                about="poor generation",
                text="Raise evaluate.max_thinking_tokens: who is cut while thinking has not answered.",
                evidence=f"{len(cut)} of {len(answers)} answers of the {side} were cut while thinking, at "
                f"{max(one.tokens for one in cut):,} tokens",
            )


def _is_worth_it(faulty: int, answers: int) -> bool:
    return faulty >= FEWEST and faulty > SHARE * answers


def _poor_generation(rows: Sequence[ItemRow], metrics: Mapping[Metric, Comparison | NotMeasured]) -> Iterator[Advice]:
    """Of the tuned model's answers: the faults that a setting, the prompt, or other training rows can mend."""
    answers = [one for row in rows for one in row.tuned]
    faults = (
        (
            [one for one in answers if one.truncated and not one.cut_thinking],
            "were truncated at {longest:,} tokens",
            "Raise evaluate.max_new_tokens; if the answers ramble, train on rows that end (data.max_length cuts rows).",
        ),
        (
            [one for one in answers if one.cause == NO_CODE],
            "hold no program, and were not cut",
            "Train on rows that use the contest's prompt and answer with one fenced Python program.",
        ),
        (
            [one for one in answers if one.cause == DOES_NOT_PARSE],
            "hold a program that does not parse",
            "Add more examples of whole Python programs, and check that the training rows' own programs parse.",
        ),
        (
            [one for one in answers if one.cause == WRONG_FORM],
            "print the right values in a wrong form",
            "Add training rows whose programs print exactly what is asked, and check how the problems say it.",
        ),
    )
    for faulty, what, text in faults:
        if _is_worth_it(len(faulty), len(answers)):
            longest = max(one.tokens for one in faulty)
            evidence = f"{len(faulty)} of {len(answers)} answers of the tuned model {what.format(longest=longest)}"
            yield Advice(about="poor generation", text=text, evidence=evidence)
    yield from _no_gain(answers, metrics)


def _no_gain(answers: Sequence[Attempt], metrics: Mapping[Metric, Comparison | NotMeasured]) -> Iterator[Advice]:
    """Of both sides: a format that was unlearned, and programs that run and are as wrong as before."""
    generation, solved = metrics.get("generation"), metrics.get("pass")
    if isinstance(generation, Comparison) and generation.beyond_noise and generation.lost > generation.gained:
        yield Advice(
            about="poor generation",
            text="The training taught another format than the prompt asks for: use the contest's prompt in its rows.",
            evidence=f"problems with a program went {_counts(generation)}",
        )
    wrong = sum(one.cause == WRONG_ANSWER for one in answers)
    improved = isinstance(solved, Comparison) and solved.beyond_noise and solved.gained > solved.lost
    if isinstance(solved, Comparison) and not improved and wrong >= FEWEST and wrong > len(answers) / 2:
        yield Advice(
            about="poor generation",
            text="Add more examples of code: rows that solve problems of this kind, in the contest's prompt.",
            evidence=f"{wrong} of {len(answers)} answers of the tuned model run and are wrong; problems solved went "
            f"{_counts(solved)}",
        )


def _forgetting(training: TrainingFacts | None, suites: Mapping[str, SuiteReport]) -> Iterator[Advice]:
    """Of suites that must not lose, and lost beyond chance."""
    worse = [suite for suite in suites.values() if suite.aim == "retention" and suite.verdict == "worse"]
    if not worse:
        return
    gentler = ""
    if training:
        rate, epochs = training.recipe.train.learning_rate, training.recipe.train.num_train_epochs
        gentler = f" Or train more gently: train.learning_rate below {rate:g}, train.num_train_epochs below {epochs:g}."
    yield Advice(
        about="forgetting",
        text=f"Mix rows of what was lost into the training data, such as one in ten.{gentler}",
        evidence="; ".join(suite.sentence for suite in worse),
    )


def _counts(change: Comparison) -> str:
    return f"from {change.before.count} to {change.after.count} of {change.n}"


def _from_to(first: Point, last: Point) -> str:
    return f"from {first.loss:.3g} at step {first.step} to {last.loss:.3g} at step {last.step}"
