"""The pictures: parts of a page, with the page's colours, the same each time."""

import re
from xml.etree import ElementTree

from qwenlab.report.plots import losses, rates_by_difficulty
from qwenlab.report.schema import Curve, Point
from qwenlab.stats.intervals import rate
from qwenlab.stats.types import Stratum

STRATA = (
    Stratum(name="easy", before=rate(2, 10), after=rate(8, 10)),
    Stratum(name="<b>&$x^2$", before=rate(0, 5), after=rate(1, 5)),
)
CURVE = Curve(
    train=tuple(Point(step, 2 - step / 100) for step in range(1, 101)),
    validation=(Point(0, 2.0), Point(50, 1.25), Point(100, 1.5)),
    best_step=50,
)


def _texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter("text")]


def test_bars_by_difficulty_on_an_axis_from_0() -> None:
    svg = rates_by_difficulty(STRATA)
    texts = _texts(svg)
    assert [text for text in texts if text.endswith("%")] == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert {"easy", "<b>&$x^2$", "10", "5", "base", "tuned"} <= set(texts)
    assert svg.count("fill: var(--slate)") == svg.count("fill: var(--accent)") == 3  # two bars, and the key's


def test_names_of_any_script_and_any_number() -> None:
    names = ["\N{CJK UNIFIED IDEOGRAPH-96BE}", *(f"rating {100 * n} to {100 * n + 99}" for n in range(8, 20))]
    svg = rates_by_difficulty([Stratum(name=name, before=rate(1, 3), after=rate(2, 3)) for name in names])
    assert set(names) <= set(_texts(svg))
    assert svg.count("rotate(-40)") >= len(names)
    assert "rotate(-40)" not in rates_by_difficulty(STRATA)


def test_each_bar_has_its_interval() -> None:
    """Told from where the grid's lines for 0 and 100 % are drawn."""
    svg = rates_by_difficulty(STRATA[:1])
    grid = [float(height) for height in re.findall(r'd="M [\d.]+ ([\d.]+) \nL [\d.]+ \1 \n"', svg)]
    zero, whole = max(grid), min(grid)
    lines = re.findall(r'd="M [\d.]+ ([\d.]+) \nL [\d.]+ ([\d.]+) \n"[^>]*style="fill: none; stroke: var\(--ink\)', svg)
    found = sorted(tuple((zero - float(end)) / (zero - whole) for end in line) for line in lines)
    expected = [rate(2, 10).interval, rate(8, 10).interval]
    assert len(found) == 2
    for got, wanted in zip(found, expected, strict=True):
        assert wanted is not None
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) < 0.001


def test_the_best_step_is_a_dot_with_its_number() -> None:
    svg = losses(CURVE)
    assert "1.25 at step 50" in _texts(svg)
    assert "at step" not in losses(CURVE.model_copy(update={"best_step": None}))
    assert {"training", "validation"} <= set(_texts(svg))


def test_a_curve_without_validation_or_without_training() -> None:
    assert "validation" not in _texts(losses(CURVE.model_copy(update={"validation": (), "best_step": None})))
    assert "training" not in _texts(losses(CURVE.model_copy(update={"train": ()})))


def test_no_address_no_font_no_day_and_the_same_each_time() -> None:
    for svg in (rates_by_difficulty(STRATA), losses(CURVE)):
        assert re.findall(r"//|font-family|\b20\d\d\b|xmlns|metadata|#0[1-4]0", svg) == []
    assert losses(CURVE) == losses(CURVE)
    assert rates_by_difficulty(STRATA) == rates_by_difficulty(STRATA)
