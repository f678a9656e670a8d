"""Charts: every point counts, none breaks them, and no text in them is markup."""

import math
from xml.etree import ElementTree

import pytest

from qwenlab.report.charts import (
    MOST_POINTS,
    Dot,
    Line,
    Mark,
    bar,
    histogram,
    line_chart,
    loss_chart,
    number,
    rates_chart,
    sparkline,
)
from qwenlab.stats.intervals import rate
from qwenlab.stats.types import Stratum

STRATA = (
    Stratum(name="easy", before=rate(2, 10), after=rate(8, 10)),
    Stratum(name="<b>&$x^2$", before=rate(0, 5), after=rate(1, 5)),
)
TRAINING = [(step, 2 - step / 100) for step in range(1, 101)]
VALIDATION = [(0, 1.0), (50, 1.25), (75, math.nan), (100, 1.5)]


def elements(chart: str, of_class: str) -> list[ElementTree.Element]:
    """Those of a class, in the order of the page."""
    return [found for found in ElementTree.fromstring(chart).iter() if of_class in found.get("class", "").split()]


def drawn(chart: str) -> list[str]:
    return [line.get("d", "") for line in elements(chart, "line")]


def said(chart: str, of_class: str) -> list[str]:
    return ["".join(found.itertext()) for found in elements(chart, of_class)]


def test_lines_are_drawn_from_zero_to_the_end() -> None:
    chart = line_chart("Loss", [Line("training", [(1, 4.0), (10, 2.0)], "slate")], x_name="step", x_end=20)
    (path,) = drawn(chart)
    assert path.startswith("M5.0 ") and "L50.0 " in path
    assert "Loss: training 2" in chart, "for those who cannot see it"
    assert "step 10: training 2" in chart, "under the pointer"


def test_many_points_are_averaged_and_the_last_one_stands_at_its_place() -> None:
    points = [(step, float(step % 2)) for step in range(20_000)]
    (path,) = drawn(line_chart("", [Line("", points, "slate")], x_name="step"))
    assert path.count("L") < MOST_POINTS
    assert path.rsplit("L", 1)[1].startswith("100")


def test_what_is_no_number_breaks_the_line_and_nothing_else() -> None:
    points = [(1, 1.0), (2, math.nan), (3, math.inf), (4, 2.0)]
    (path,) = drawn(line_chart("", [Line("", points, "slate")], x_name="step"))
    assert path.count("M") == 2 and "nan" not in path and "inf" not in path


@pytest.mark.parametrize("points", [[], [(1, 0.0)], [(1, 5.0), (2, 5.0)]])
def test_a_line_of_little_is_drawn_all_the_same(points: list[tuple[float, float]]) -> None:
    assert "<svg" in line_chart("Loss", [Line("training", points, "slate")], x_name="step")
    sparkline(points)


def test_dots_and_marks_carry_their_words() -> None:
    chart = line_chart(
        "", [Line("", [(0, 1), (9, 2)], "slate")], x_name="", dots=[Dot(9, 2, "best")], marks=[Mark(3, "<spike>")]
    )
    assert said(chart, "dotlabel") == ["best"] and said(chart, "mark") == ["<spike>"]


def test_bars_beyond_the_limit_have_another_colour() -> None:
    chart = histogram("Tokens", [(0, 3), (10, 2), (20, 1)], 20, "max_length")
    assert [found.get("class") for found in ElementTree.fromstring(chart).iter("rect")] == ["slate", "slate", "amber"]
    assert "20 to 29: 1 rows" in chart and "max_length" in chart
    assert histogram("Tokens", [], 20, "") == ""


def test_a_bar_stays_in_its_frame() -> None:
    assert "width:100.00%" in bar(3, 2) and "width:0.00%" in bar(0, 0)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (20_000, "20k"), (1500, "1,500"), (0.25, "0.25"), (0.0002, "0.0002"), (2e-5, "2e-5")]
)
def test_numbers_on_an_axis_are_short(value: float, shown: str) -> None:
    assert number(value) in (shown, "2e-4")


def test_the_lowest_validation_loss_of_the_training_is_a_dot_with_its_number() -> None:
    chart = loss_chart(TRAINING, VALIDATION)
    assert said(chart, "dotlabel") == ["best 1.250 at step 50"]
    assert said(loss_chart(TRAINING, VALIDATION[:1]), "dotlabel") == []


def test_only_losses_that_there_are_have_a_key() -> None:
    assert said(loss_chart(TRAINING, VALIDATION), "key") == ["training", "validation"]
    assert said(loss_chart(TRAINING, []), "key") == ["training"]
    assert said(loss_chart([], VALIDATION), "key") == ["validation"]


def test_each_difficulty_has_two_bars_with_their_intervals_on_an_axis_to_100_percent() -> None:
    chart = rates_chart("Solved", STRATA)
    assert said(chart, "x") == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert [float(found.get("width", "")) for found in ElementTree.fromstring(chart).iter("rect")] == [20, 80, 0, 20]
    expected = [side.interval for stratum in STRATA for side in (stratum.before, stratum.after)]
    for found, wanted in zip(elements(chart, "interval"), expected, strict=True):
        low, high = (float(end) for end in found.get("d", "M")[1:].partition("M")[0].replace("H", " ").split()[::2])
        assert wanted is not None and (low, high) == pytest.approx([100 * bound for bound in wanted], abs=0.01)


def test_difficulties_have_their_names_whatever_stands_in_them() -> None:
    names = [
        "\N{CJK UNIFIED IDEOGRAPH-96BE}",
        "<b>&$x^2$",
        *(f"rating {100 * n} to {100 * n + 99}" for n in range(8, 20)),
    ]
    strata = [Stratum(name=name, before=rate(1, 3), after=rate(0, 0)) for name in names]
    shown = [found.get("aria-label") for found in ElementTree.fromstring(rates_chart("", strata)).iter("svg")]
    assert shown == [f"{name}: base 1 of 3, tuned 0 of 0" for name in names]
