"""Pictures: every point counts, none breaks them, and no text in them is markup."""

import math
import re

import pytest

from qwenlab.ui.charts import MOST_POINTS, Dot, Line, Mark, bar, histogram, line_chart, number, sparkline
from qwenlab.ui.components import text


def drawn(chart: str) -> list[str]:
    return re.findall(r'class="line [^"]*"[^>]* d="([^"]*)"', chart)


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
    assert "best</span>" in chart and "&lt;spike&gt;" in chart


def test_bars_beyond_the_limit_have_another_colour() -> None:
    chart = histogram("Tokens", [(0, 3), (10, 2), (20, 1)], 20, "max_length")
    assert re.findall(r'rect class="(\w+)"', chart) == ["slate", "slate", "amber"]
    assert "20 to 29: 1 rows" in chart and "max_length" in chart
    assert histogram("Tokens", [], 20, "") == ""


def test_a_bar_stays_in_its_frame() -> None:
    assert "width:100.00%" in bar(3, 2) and "width:0.00%" in bar(0, 0)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (20_000, "20k"), (1500, "1,500"), (0.25, "0.25"), (0.0002, "0.0002"), (2e-5, "2e-5")]
)
def test_numbers_on_an_axis_are_short(value: float, shown: str) -> None:
    assert number(value) in (shown, "2e-4")


def test_texts_are_neither_markup_nor_templates() -> None:
    said = text("<script>alert(1)</script> ${alert(2)} {{x}} `y` \"q\" 'p' &amp;")
    assert not set("<>${}`\"'") & set(said)
    assert "&amp;amp;" in said
