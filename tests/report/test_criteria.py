"""The sentence and the four criteria, word for word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenlab.report.criteria import Criterion, Stability, criteria
from qwenlab.report.sentences import detectable_sentence, p_in_words, sentence
from qwenlab.stats.intervals import rate
from qwenlab.stats.paired import compare, compare_scores
from qwenlab.stats.power import smallest_detectable_gain
from qwenlab.stats.types import NotMeasured
from tests.stats.tables import table


@pytest.mark.parametrize(
    ("both", "gained", "lost", "n", "words"),
    [
        (9, 21, 3, 100, "Improved: 12 to 30 of 100, +150 % relative, p = 0.0003"),
        (10, 8, 2, 100, "Not shown: 12 to 18 of 100, +50 % relative, p = 0.11"),
        (9, 3, 21, 100, "Worse: 30 to 12 of 100, -60 % relative, p = 0.0003"),
        (10, 2, 8, 100, "Not shown: 18 to 12 of 100, -33 % relative, p = 0.11"),
        (0, 0, 12, 100, "Worse: 12 to 0 of 100, -100 % relative, p = 0.0005"),
        (0, 5, 0, 100, "Not shown: 0 to 5 of 100, p = 0.062"),
        (0, 6, 0, 100, "Improved: 0 to 6 of 100, p = 0.031"),
        (0, 30, 0, 100, "Improved: 0 to 30 of 100, p < 0.0001"),
        (0, 0, 0, 100, "Not shown: 0 to 0 of 100, no problem changed, p = 1"),
        (12, 0, 0, 100, "Not shown: 12 to 12 of 100, no problem changed, p = 1"),
        (9, 3, 3, 100, "Not shown: 12 to 12 of 100, 3 gained and 3 lost, p = 1"),
        (150, 1, 0, 165, "Not shown: 150 to 151 of 165, +0.7 % relative, p = 1"),
        (0, 0, 0, 0, "Not measured: no item was judged"),
    ],
)
def test_the_sentence(both: int, gained: int, lost: int, n: int, words: str) -> None:
    assert sentence(compare(*table(both, gained, lost, n))) == words


def test_the_sentence_of_what_was_not_measured() -> None:
    assert sentence(NotMeasured(why="there is no sandbox")) == "Not measured: there is no sandbox"


def test_the_sentence_of_scores() -> None:
    change = compare_scores([0.0, 0.25, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0], [0.25, 0.5, 0.75, 0.5, 0.25, 0.25, 0.0, 0.0])
    # 1.0 / 8 to 2.5 / 8; six rise: 2 / 2**6.
    assert sentence(change) == "Improved: 12.5 % to 31.2 % over 8 problems, +150 % relative, p = 0.031"


def test_the_sentence_when_the_contests_object() -> None:
    change = compare(*table(both=0, gained=10, lost=0, n=40), clusters=[0] * 10 + [1] * 10 + [2] * 20)
    assert sentence(change) == (
        "Not shown: 0 to 10 of 40, p = 0.002, but its interval over 3 clusters includes no change"
    )


@given(p_value=st.floats(1e-9, 1.0))
@settings(deadline=None)
def test_the_words_for_p_stay_on_their_side_of_alpha(p_value: float) -> None:
    words = p_in_words(p_value)
    assert (float(words.split()[-1]) < 0.05) == (p_value < 0.05)
    assert "e" not in words


@pytest.mark.parametrize(("p_value", "words"), [(0.0498, "p = 0.0498"), (0.05, "p = 0.05"), (0.1094, "p = 0.11")])
def test_the_words_for_p(p_value: float, words: str) -> None:
    assert p_in_words(p_value) == words


def test_the_plan_in_words() -> None:
    assert detectable_sentence(smallest_detectable_gain(100)) == (
        "100 problems: minimum detectable effect +11 (11 points) at 80 % power, assuming 2 % regressions; "
        "fewer than 6 flips one way never reach p < 0.05"
    )
    assert detectable_sentence(smallest_detectable_gain(5)) == (
        "5 problems are too few to show any gain: fewer than 6 flips one way never reach p < 0.05"
    )


def evaluated(
    generated: int = 90,
    both: int = 9,
    gained: int = 21,
    lost: int = 3,
    spikes: int = 0,
    parsed: int = 90,
    parsed_before: int = 89,
) -> list[Criterion]:
    return list(
        criteria(
            generation=rate(generated, 100),
            improvement=compare(*table(both, gained, lost, n=100)),
            stability=Stability(spikes=spikes, converged=True),
            syntax=rate(parsed, generated),
            base_syntax=rate(min(parsed_before, generated), generated),
        )
    )


def test_all_four_met() -> None:
    lines = evaluated()
    assert [line.name for line in lines] == ["Generation rate", "Improvement", "Training stability", "Code quality"]
    assert [line.status for line in lines] == ["met"] * 4
    assert [line.told_from_noise for line in lines] == [True, True, None, None]
    assert [Criterion.model_validate_json(line.model_dump_json()) for line in lines] == lines


@pytest.mark.parametrize(
    ("count", "status", "told"),
    [(87, "met", True), (86, "met", False), (81, "met", False), (80, "not met", False), (73, "not met", True)],
)
def test_the_generation_rate_and_what_it_shows(count: int, status: str, told: bool) -> None:
    # One-sided, 87 of 100 is the first beyond 80 %: P(Binomial(100, 0.8) >= 87) = 0.047, and of 86 it is 0.080.
    line = evaluated(generated=count, parsed=count)[0]
    assert (line.status, line.told_from_noise) == (status, told)


def test_the_generation_rate_in_words() -> None:
    line = evaluated(generated=87, parsed=87)[0]
    assert line.figures == "87 of 100 (87.0 %, 95 % interval 79.0 % to 92.2 %)"
    assert line.noise == "at least 80.5 % with 95 % confidence"


@pytest.mark.parametrize(
    ("both", "gained", "lost", "status", "told"),
    [
        (9, 21, 3, "met", True),
        (10, 8, 2, "met", False),
        (10, 1, 0, "not met", False),  # +10 % is not more than 10 %
        (80, 6, 0, "not met", True),  # +7.5 %, and certainly more than nothing
        (9, 3, 21, "not met", True),
        (0, 5, 0, "met", False),  # from a baseline of zero
        (0, 0, 0, "not met", False),
    ],
)
def test_the_improvement_and_what_it_shows(both: int, gained: int, lost: int, status: str, told: bool) -> None:
    line = evaluated(both=both, gained=gained, lost=lost)[1]
    assert (line.status, line.told_from_noise) == (status, told)


def test_the_improvement_in_words() -> None:
    line = evaluated(both=10, gained=8, lost=2)[1]
    assert line.figures == "12 to 18 of 100, +50 % relative, 95 % interval 0 % to +157 %"
    assert line.noise == "8 gained and 2 lost, p = 0.11: not statistically significant"
    line = evaluated(both=0, gained=6, lost=0)[1]
    assert line.figures == "0 to 6 of 100, no relative figure with a baseline of zero"
    assert line.noise == "6 gained and 0 lost, p = 0.031: statistically significant"
    line = evaluated(both=2, gained=6, lost=0)[1]
    assert line.figures == "2 to 8 of 100, +300 % relative, no interval with so small a baseline"


@pytest.mark.parametrize(
    ("stability", "status", "figures"),
    [
        (Stability(spikes=0, converged=True), "met", "the loss converged, no spike"),
        (Stability(spikes=1, converged=True), "not met", "the loss converged, 1 spike"),
        (Stability(spikes=2, converged=False), "not met", "the loss did not converge, 2 spikes"),
    ],
)
def test_the_stability(stability: Stability, status: str, figures: str) -> None:
    line = criteria(rate(1, 1), NotMeasured(why=""), stability, rate(1, 1), rate(1, 1))[2]
    assert (line.status, line.figures, line.told_from_noise) == (status, figures, None)


@pytest.mark.parametrize(
    ("parsed", "before", "status", "figures"),
    [
        (90, 90, "met", "all 90 programs parse"),
        (89, 89, "not met", "1 of 90 programs does not parse (the base: also 1)"),
        (89, 90, "not met", "1 of 90 programs does not parse (the base: none)"),
        (88, 60, "not met", "2 of 90 programs do not parse (the base: 30)"),
    ],
)
def test_the_code_quality_counts_the_programs_that_do_not_parse(
    parsed: int, before: int, status: str, figures: str
) -> None:
    line = evaluated(parsed=parsed, parsed_before=before)[3]
    assert (line.status, line.figures) == (status, figures)
    assert line.noise == ("at least 97.1 % with 95 % confidence" if parsed == 90 else "")


def test_what_was_not_measured_says_why() -> None:
    lines = criteria(
        rate(0, 0), NotMeasured(why="no sandbox"), NotMeasured(why="no training run"), rate(0, 0), rate(0, 0)
    )
    assert [line.status for line in lines] == ["not measured"] * 4
    assert [line.figures for line in lines] == [
        "no problem was answered",
        "no sandbox",
        "no training run",
        "no program was written",
    ]
    improvement = criteria(rate(1, 1), compare([], []), Stability(0, True), rate(1, 1), rate(1, 1))[1]
    assert (improvement.status, improvement.figures) == ("not measured", "no problem was judged")
