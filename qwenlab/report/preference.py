"""What a judge model prefers, in words and as tables: an opinion beside the measurements, and never the headline."""

from collections.abc import Iterator
from typing import Literal

from qwenlab.files import Record
from qwenlab.report.sentences import p_in_words
from qwenlab.report.tables import Table
from qwenlab.stats.preference import Agreement, Choice, Outcome, Preference
from qwenlab.stats.types import ALPHA, Rate

OPINION = "This is a model's opinion and no measurement."

CHOICES: dict[Choice, str] = {"tuned": "tuned", "base": "base", "tie": "neither"}


class Opinion(Record):
    """What the judge made of one pair."""

    pair: str
    outcome: Outcome


class SuitePreference(Record):
    """Of the answers to one suite's items."""

    figures: Preference
    opinions: tuple[Opinion, ...]


class Preferred(Record):
    """The content of preference.json."""

    version: Literal[1] = 1
    run: str
    evaluation: str | None
    """Whose answers were judged; None: those of blind comparisons alone."""
    judge: str
    """The model, as its server calls it."""
    server: str
    prompt_sha256: str
    """Another prompt is another figure."""
    suites: dict[str, SuitePreference]
    agreement: Agreement | None
    """With the user's own blind choices; None where there are none."""
    notes: tuple[str, ...] = ()
    """What a reader of the figures has to know."""


def sentence(figures: Preference) -> str:
    """Such as "A judge model preferred the tuned answers: 40 of 60 decided pairs (p = 0.013), 12 ties, 8 flipped with
    the order." It says so only where chance would not."""
    counts = [
        (figures.ties, "tie", "ties"),
        (figures.flipped.count, "flipped with the order", "flipped with the order"),
        (figures.identical, "pair of equal answers", "pairs of equal answers"),
        (figures.unreadable, "unreadable", "unreadable"),
    ]
    rest = "".join(f", {count} {one if count == 1 else many}" for count, one, many in counts if count)
    if figures.p_value is None:
        return f"A judge model decided none of {figures.n} pairs{rest}."
    decided, p = figures.win_rate.n, p_in_words(figures.p_value)
    pairs = "decided pair" if decided == 1 else "decided pairs"
    if figures.p_value >= ALPHA:
        return (
            "A judge model showed no preference beyond chance: the tuned answer in "
            f"{figures.wins} of {decided} {pairs} ({p}){rest}."
        )
    side, won = ("the tuned", figures.wins) if figures.wins > figures.losses else ("the base's", figures.losses)
    return f"A judge model preferred {side} answers: {won} of {decided} {pairs} ({p}){rest}."


def agreement_sentence(agreement: Agreement) -> str:
    """Such as "It agreed with 21 of your 30 blind votes (70 %, 95 % interval 52 to 83 %; ...)"."""
    kappa = "" if agreement.kappa is None else f"; with {_ties(agreement)}, Cohen's kappa {agreement.kappa:.2f}"
    unused = f" {agreement.left_out} more could not be compared." if agreement.left_out else ""
    agreed = agreement.agreed
    if agreed.value is None or agreed.interval is None:
        return f"There is no pair on which it and you both decided{kappa}.{unused}"
    low, high = agreed.interval
    votes = "blind vote" if agreed.n == 1 else "blind votes"
    coin = " A coin could agree as often." if low <= 0.5 <= high else ""
    return (
        f"It agreed with {agreed.count} of your {agreed.n} {votes} ({_percent(agreed.value)} %, 95 % interval "
        f"{_percent(low)} to {_percent(high)} %{kappa}).{coin}{unused}"
    )


def in_words(preferred: Preferred) -> Iterator[str]:
    """All that is said of it in a terminal, a line each."""
    for name, suite in preferred.suites.items():
        yield f"{name}: {sentence(suite.figures)}"
    if preferred.agreement:
        yield agreement_sentence(preferred.agreement)
    yield from preferred.notes
    yield f"{OPINION} It was asked of {preferred.judge} at {preferred.server}."


def preference_table(preferred: Preferred) -> Table:
    """A row a suite."""
    return Table(
        title="Preferred by a judge model",
        columns=("suite", "tuned", "base", "tie", "flipped", "equal", "unreadable", "win rate", "p"),
        rows=tuple((name, *_cells(suite.figures)) for name, suite in preferred.suites.items()),
        note=f"{OPINION} {preferred.judge} at {preferred.server} was asked about each pair in both orders; a pair is "
        "decided where both replies name the same answer, and flipped where the order changed the reply. In brackets "
        f"95 % Wilson intervals; p: two-sided exact sign test. Prompt {preferred.prompt_sha256[:8]}.",
    )


def agreement_table(agreement: Agreement) -> Table:
    """The user's blind choices, a row each, and what the judge said of the same pairs."""
    pairs = {(cell.user, cell.judge): cell.pairs for cell in agreement.cells}
    return Table(
        title="The judge model beside your blind votes",
        columns=("you ↓ judge →", *CHOICES.values()),
        rows=tuple((CHOICES[user], *(str(pairs.get((user, judge), 0)) for judge in CHOICES)) for user in CHOICES),
        note=f"{agreement_sentence(agreement)} A pair that flipped with the order is neither.",
    )


def _cells(figures: Preference) -> tuple[str, ...]:
    p = "" if figures.p_value is None else p_in_words(figures.p_value).removeprefix("p = ").removeprefix("p ")
    counts = (figures.wins, figures.losses, figures.ties)
    return (
        *map(str, counts),
        _rate(figures.flipped),
        str(figures.identical),
        str(figures.unreadable),
        _rate(figures.win_rate),
        p,
    )


def _rate(measured: Rate) -> str:
    if measured.value is None or measured.interval is None:
        return "none"
    low, high = measured.interval
    return f"{measured.count} of {measured.n}: {_percent(measured.value)} % ({_percent(low)} to {_percent(high)} %)"


def _ties(agreement: Agreement) -> str:
    ties = sum(cell.pairs for cell in agreement.cells if "tie" in (cell.user, cell.judge))
    return "1 tie" if ties == 1 else f"{ties} ties"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
