"""The pictures of a report, as SVG that stands inline in a page: base is slate, tuned is the accent.

Colours are the page's CSS variables, so that one picture serves a light page and a dark one. The same report gives the
same text.
"""

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qwenlab.report.schema import Curve, Point
from qwenlab.stats.types import Rate, Stratum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LINE, BASE, TUNED = "#010101", "#020202", "#030303", "#040404"
VARIABLES = {INK: "var(--ink)", LINE: "var(--line)", BASE: "var(--slate)", TUNED: "var(--accent)"}
"""What a colour is drawn with, so that it can be told from others, and what the page calls it."""

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "qwenlab",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}

WIDTH, HEIGHT = 4.9, 2.5
"""Inches; the page scales the picture to its column, which is a little wider, or as wide as a telephone."""
ROOM = 60
"""Letters that stand beside each other below the axis; more are slanted."""
SLANTED: dict[str, Any] = {"rotation": 40, "rotation_mode": "anchor", "ha": "right"}
BAR = 0.36
"""Of the room for one difficulty."""
OF_A_FILE = re.compile(
    r'(?<=<g) id="[^"]*"|<defs>\s*<style[^>]*>.*?</style>\s*</defs>|xlink:(?=href)|font-family:[^;"]*;\s*', re.DOTALL
)
"""What makes a file of it, and not a part of a page: ids that every picture has, a style, a namespace, fonts."""


def rates_by_difficulty(strata: Sequence[Stratum]) -> str:
    """Bars of the rate before and after, each with its Wilson interval, on an axis from 0 to 100 %."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        _bars(axes, [stratum.before for stratum in strata], -BAR / 2, BASE, "base")
        _bars(axes, [stratum.after for stratum in strata], BAR / 2, TUNED, "tuned")
        names = [f"{stratum.name}\n{stratum.before.n}" for stratum in strata]
        crowded = sum(len(stratum.name) + 2 for stratum in strata) > ROOM
        axes.set_xticks(range(len(strata)), names, **(SLANTED if crowded else {}))
        axes.set_xlabel("difficulty, with its number of problems")
        axes.set_xlim(-0.6, max(len(strata), 3) - 0.4)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        figure.legend(loc="outside upper right", ncols=2)
        return _svg(figure, "Rate by difficulty, base and tuned, with 95 % intervals")


def losses(curve: Curve) -> str:
    """Training and validation loss by step; the best step is a dot with its number."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        if curve.train:
            axes.plot(*_columns(curve.train), color=BASE, linewidth=0.9, label="training")
        if curve.validation:
            axes.plot(*_columns(curve.validation), color=TUNED, linewidth=1.8, label="validation")
        for point in curve.validation:
            if point.step == curve.best_step:
                axes.plot([point.step], [point.loss], "o", color=TUNED, markersize=6)
                axes.annotate(
                    f"{point.loss:.3g} at step {point.step:,}",
                    (point.step, point.loss),
                    xytext=(0, 9),
                    textcoords="offset points",
                    ha="right" if point.step > _middle(curve) else "left",
                )
        axes.set_ylim(bottom=0)
        axes.set_xlabel("step")
        axes.set_ylabel("loss, nats a token")
        figure.legend(loc="outside upper right", ncols=2)
        return _svg(figure, "Training and validation loss by step")


def _bars(axes: "Axes", rates: Sequence[Rate], offset: float, colour: str, label: str) -> None:
    places = [place + offset for place in range(len(rates))]
    values = [rate.value or 0.0 for rate in rates]
    axes.bar(places, values, BAR, color=colour, label=label)
    for place, rate in zip(places, rates, strict=True):
        if rate.interval:
            axes.vlines(place, *rate.interval, color=INK, linewidth=1)


def _columns(points: Sequence[Point]) -> tuple[list[int], list[float]]:
    return [point.step for point in points], [point.loss for point in points]


def _middle(curve: Curve) -> float:
    return max(point.step for point in (*curve.train, *curve.validation)) / 2


def _svg(figure: "Figure", title: str) -> str:
    """The element alone, with a title for those who hear it, and without what speaks of a file or a day."""
    file = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings():
        # The reader's browser draws the letters; that matplotlib's own font has none for a name matters to nobody.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = OF_A_FILE.sub("", file.getvalue().partition("<svg ")[2])
    for drawn, variable in VARIABLES.items():
        svg = svg.replace(drawn, variable)
    attributes, _, content = svg.partition(">")
    size = re.search(r'viewBox="[^"]*"', attributes)
    assert size is not None, "matplotlib writes one"
    return f'<svg {size[0]} role="img"><title>{title}</title>{content}'.strip()
