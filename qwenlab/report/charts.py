"""Charts as HTML and SVG, for the browser and for reports: they need no script, and fit any width, light and dark.

Lines are drawn in a square that is stretched to the space there is; labels are HTML beside it, so that their letters
are not stretched with it. A page that shows charts has `CSS` in its style sheet, and gives the colours that it names a
value: those of `LIGHT` or `DARK`, and `--ink` and `--line` for letters and frames.
"""

import html
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from qwenlab.stats.types import Rate, Stratum

LIGHT = {"accent": "#0f766e", "slate": "#5b6779", "amber": "#b45309", "red": "#b91c1c"}
"""Colours that mean the same everywhere. Accent: the tuned model, validation, the one button to press. Slate: the base
model, training loss, context. Amber: a note. Red: a broken promise: failed, lost, will not fit."""
DARK = {"accent": "#2dd4bf", "slate": "#94a3b8", "amber": "#fbbf24", "red": "#f87171"}
"""Their shades on a dark page."""

CSS = """
.chart { margin: 10px 0 0; font-variant-numeric: tabular-nums; }
.chart figcaption { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: .85rem; color: var(--ink); }
.chart .accent { color: var(--accent); } .chart .slate { color: var(--slate); } .chart .amber { color: var(--amber); }
.chart .key::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 5px;
  vertical-align: middle; background: currentColor; }
.chart svg { display: block; width: 100%; }
.chart svg path { fill: none; vector-effect: non-scaling-stroke; }
.chart rect { fill: currentColor; }
.chart .area { position: relative; margin: 16px 8px 22px 44px; }
.chart .area svg { position: absolute; inset: 0; height: 100%; overflow: visible; }
.chart .area span { position: absolute; font-size: 11px; color: var(--slate); white-space: nowrap; line-height: 1;
  pointer-events: none; }
.chart .area .y { right: 100%; margin-right: 6px; transform: translateY(-50%); }
.chart .area .x { top: 100%; margin-top: 6px; transform: translateX(-50%); }
.chart .area .dotlabel { color: var(--accent); font-weight: 600; margin-top: 10px; }
.chart .area .above { margin-top: -20px; }
.chart .area .right { transform: translate(6px, 0); }
.chart .area .left { transform: translate(calc(-100% - 6px), 0); }
.chart .area .limit { top: -14px; color: var(--ink); }
.chart .axis { font-size: 11px; color: var(--slate); text-align: right; margin-top: -6px; padding-right: 8px; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .line { stroke: currentColor; stroke-linejoin: round; }
.chart .mark { stroke: var(--amber); stroke-width: 1.5; stroke-dasharray: 3 3; }
.chart .limit { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
.chart .dot { stroke: var(--accent); stroke-width: 9; stroke-linecap: round; }
.chart .hit { fill: transparent; } .chart .hit:hover { fill: var(--slate); fill-opacity: .12; }
.chart .rates { display: grid; grid-template-columns: fit-content(40%) 1fr; column-gap: 10px; align-items: center;
  font-size: .8rem; overflow-wrap: anywhere; }
.chart .rates svg { padding-right: 14px; } .chart .rates rect { fill-opacity: .7; }
.chart .rates .area { margin: 0 14px 28px 0; grid-column: 2; }
.chart .interval { stroke: var(--ink); stroke-width: 1.5; }
"""

MOST_POINTS = 300
"""Points of a line that are drawn; more of them are averaged in groups."""
HIT_COLUMNS = 60
"""Columns of a chart that tell their values when the pointer rests on them."""

Point = tuple[float, float]
Place = Callable[[float], float]


class Line(NamedTuple):
    """One line of a chart."""

    name: str
    points: Sequence[Point]
    colour: str
    """A colour that the style sheet names: accent, slate, amber."""
    width: float = 1.5


class Dot(NamedTuple):
    """A point worth a number."""

    x: float
    y: float
    label: str


class Mark(NamedTuple):
    """A moment on the x axis that something is said about."""

    x: float
    label: str


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_name: str,
    x_end: float = 0,
    height: int = 240,
    dots: Sequence[Dot] = (),
    marks: Sequence[Mark] = (),
) -> str:
    """Lines over a common x axis that begins at 0 and reaches at least to `x_end`; the y axis fits the values."""
    lines = [line._replace(points=thinned(line.points)) for line in lines]
    values = [y for line in lines for _, y in line.points if math.isfinite(y)]
    low, high = _range(values)
    end = max([x_end, 1e-9, *(x for line in lines for x, _ in line.points)])

    def left(x: float) -> float:
        return round(100 * x / end, 2)

    def top(y: float) -> float:
        return round(100 * (high - y) / (high - low), 2)

    ticks = [tick for tick in _ticks(low, high) if low <= tick <= high]
    grid = "".join(f'<path class="grid" d="M0 {top(tick)}H100"/>' for tick in ticks)
    paths = "".join(
        f'<path class="line {line.colour}" style="stroke-width:{line.width}" d="{_path(line.points, left, top)}"/>'
        for line in lines
    )
    noted = "".join(
        f'<path class="mark" d="M{left(mark.x)} 0V100"><title>{_text(mark.label)}</title></path>' for mark in marks
    )
    # A line of no length with round ends is a dot that is not stretched.
    dotted = "".join(f'<path class="dot" d="M{left(dot.x)} {top(dot.y)}h0"/>' for dot in dots)
    labels = "".join(_dot_label(dot, left(dot.x), top(dot.y)) for dot in dots)
    labels += "".join(f'<span class="y" style="top:{top(tick)}%">{number(tick)}</span>' for tick in ticks)
    labels += "".join(
        f'<span class="x" style="left:{left(tick)}%">{number(tick)}</span>' for tick in _ticks(0, end) if tick <= end
    )
    svg = (
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{_text(_spoken(title, lines))}">'
        f"{grid}{noted}{paths}{dotted}{_hits(lines, end, x_name)}</svg>"
    )
    return _figure(title, lines, f'<div class="area" style="height:{height}px">{svg}{labels}</div>', x_name)


def loss_chart(
    training: Sequence[Point], validation: Sequence[Point], *, x_end: float = 0, marks: Sequence[Mark] = ()
) -> str:
    """Loss by step: training thin and grey, validation in the accent, its best step a dot with its number."""
    lines = [Line("training", training, "slate", 1), Line("validation", validation, "accent", 2)]
    trained = [point for point in validation if point[0] > 0 and math.isfinite(point[1])]
    best = min(trained, key=lambda point: point[1], default=None)
    return line_chart(
        "Loss (nats/token)",
        [line for line in lines if line.points],
        x_name="step",
        x_end=x_end,
        dots=[Dot(*best, f"best {best[1]:.3f} at step {best[0]:.0f}")] if best else [],
        marks=marks,
    )


def rates_chart(title: str, strata: Sequence[Stratum]) -> str:
    """Two bars a difficulty, base and tuned, each with its Wilson interval, over an axis from 0 to 100 %."""
    ticks = range(0, 101, 20)
    height = max(34, min(70, 210 // max(len(strata), 1)))
    grid = "".join(f'<path class="grid" d="M{tick} 0V34"/>' for tick in ticks)
    rows = "".join(
        f'<span>{_text(stratum.name)} <span class="slate">({stratum.before.n})</span></span>'
        f'<svg viewBox="0 0 100 34" preserveAspectRatio="none" style="height:{height}px" role="img" '
        f'aria-label="{_rates_spoken(stratum)}">'
        f"{grid}{_rate_bar(stratum.before, 'base', 'slate', 4)}{_rate_bar(stratum.after, 'tuned', 'accent', 18)}</svg>"
        for stratum in strata
    )
    labels = "".join(f'<span class="x" style="left:{tick}%">{tick} %</span>' for tick in ticks)
    key = (Line("base", (), "slate"), Line("tuned", (), "accent"))
    content = f'<div class="rates">{rows}<div class="area">{labels}</div></div>'
    return _figure(title, key, content, "(problems); lines are 95 % intervals")


def histogram(title: str, bars: Sequence[tuple[float, int]], limit: float, limit_label: str) -> str:
    """Bars of (lower edge, count), with a line at `limit`; bars beyond it are amber."""
    if not bars:
        return ""
    width = bars[1][0] - bars[0][0] if len(bars) > 1 else 1
    start, stop = bars[0][0], bars[-1][0] + width
    most = max(count for _, count in bars)

    def left(x: float) -> float:
        return 100 * (x - start) / (stop - start)

    drawn = "".join(
        f'<rect class="{"amber" if edge >= limit else "slate"}" x="{left(edge):.2f}" width="{left(start + width):.2f}" '
        f'y="{100 - 100 * count / most:.2f}" height="{100 * count / most:.2f}">'
        f"<title>{edge:,.0f} to {edge + width - 1:,.0f}: {count:,} rows</title></rect>"
        for edge, count in bars
    )
    labels = "".join(
        f'<span class="x" style="left:{left(tick):.2f}%">{number(tick)}</span>'
        for tick in _ticks(start, stop)
        if start <= tick <= stop
    )
    if start <= limit <= stop:
        drawn += f'<path class="limit" d="M{left(limit):.2f} 0V100"/>'
        side = "left" if left(limit) > 70 else "right"
        labels += f'<span class="limit {side}" style="left:{left(limit):.2f}%">{_text(limit_label)}</span>'
    svg = f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{_text(title)}">{drawn}</svg>'
    return _figure(title, (), f'<div class="area" style="height:140px">{svg}{labels}</div>', "tokens")


def sparkline(points: Sequence[Point]) -> str:
    """A line without axes, as wide as a word."""
    finite = [point for point in thinned(points, 60) if math.isfinite(point[1])]
    if len(finite) < 2:
        return ""
    low, high = _range([y for _, y in finite])
    end = finite[-1][0] or 1
    path = _path(finite, lambda x: round(100 * x / end, 1), lambda y: round(100 * (high - y) / (high - low), 1))
    return (
        '<svg class="spark" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="line accent" d="{path}"/></svg>'
    )


def bar(part: float, whole: float, colour: str = "accent", name: str = "Progress") -> str:
    """A progress bar; `name` is what those hear who do not see it."""
    share = max(0.0, min(100.0, 100 * part / whole if whole else 0.0))
    return (
        f'<div class="bar" role="progressbar" aria-label="{_text(name)}" aria-valuenow="{share:.0f}" '
        'aria-valuemin="0" aria-valuemax="100">'
        f'<i class="{colour}" style="width:{share:.2f}%"></i></div>'
    )


def number(value: float) -> str:
    """`20k`, `1,500`, `0.25`, `2e-4`: short enough for an axis."""
    if value == 0:
        return "0"
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    if abs(value) < 0.001:
        return f"{value:.2g}".replace("e-0", "e-")
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def variables(colours: Mapping[str, str]) -> str:
    """The colours as declarations of a style sheet."""
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def _text(value: object) -> str:
    return html.escape(str(value))


def _rate_bar(rate: Rate, side: str, colour: str, top: int) -> str:
    if rate.value is None or rate.interval is None:
        return ""
    low, high = (round(100 * bound, 2) for bound in rate.interval)
    told = f"{side}: {rate.count} of {rate.n}, 95 % interval {low:.0f} to {high:.0f} %"
    bar = f'<rect class="{colour}" x="0" y="{top}" width="{100 * rate.value:.2f}" height="12">'
    interval = f"M{low} {top + 6}H{high}M{low} {top + 3}v6M{high} {top + 3}v6"
    return f'{bar}<title>{told}</title></rect><path class="interval" d="{interval}"/>'


def _rates_spoken(stratum: Stratum) -> str:
    """For those who hear the page."""
    sides = {"base": stratum.before, "tuned": stratum.after}
    return _text(f"{stratum.name}: {', '.join(f'{side} {rate.count} of {rate.n}' for side, rate in sides.items())}")


def _figure(title: str, lines: Sequence[Line], content: str, x_name: str) -> str:
    legend = "".join(f'<span class="key {line.colour}">{_text(line.name)}</span>' for line in lines if line.name)
    return (
        f'<figure class="chart"><figcaption><b>{_text(title)}</b>{legend}</figcaption>{content}'
        f'<div class="axis">{_text(x_name)}</div></figure>'
    )


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Groups of neighbours become their mean, at the place of the last of them."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / most)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest, with a little air; never empty."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    air = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low < 0.3 * high else low - air), high + air


def _ticks(low: float, high: float) -> list[float]:
    """About four round numbers."""
    raw = (high - low) / 4
    power = 10 ** math.floor(math.log10(raw))
    step = min((factor * power for factor in (1, 2, 2.5, 5, 10)), key=lambda size: abs(size - raw))
    first = math.ceil(low / step)
    return [round(index * step, 12) for index in range(first, math.floor(high / step) + 1)]


def _path(points: Sequence[Point], left: Place, top: Place) -> str:
    """Broken where a value is not a number."""
    parts, pen = [], "M"
    for x, y in points:
        if math.isfinite(y):
            parts.append(f"{pen}{left(x)} {top(y)}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)


def _dot_label(dot: Dot, left: float, top: float) -> str:
    side = "left" if left > 70 else "right"
    side += " above" if top > 85 else ""  # a falling line leaves room below
    return f'<span class="dotlabel {side}" style="left:{left}%;top:{top}%">{_text(dot.label)}</span>'


def _hits(lines: Sequence[Line], end: float, x_name: str) -> str:
    """Columns that tell, when the pointer rests on them, the values nearest to them."""
    told = []
    places = [(line, [x for x, _ in line.points]) for line in lines if line.points]
    for column in range(HIT_COLUMNS):
        middle = end * (column + 0.5) / HIT_COLUMNS
        near = [(line.name, line.points[_nearest(xs, middle)]) for line, xs in places]
        near = [(name, point) for name, point in near if abs(point[0] - middle) <= end / HIT_COLUMNS]
        if near:
            values = ", ".join(f"{name} {point[1]:.4g}" for name, point in near)
            title = _text(f"{x_name} {near[0][1][0]:g}: {values}")
            told.append(
                f'<rect class="hit" x="{100 * column / HIT_COLUMNS:.2f}" y="0" width="{100 / HIT_COLUMNS:.2f}" '
                f'height="100"><title>{title}</title></rect>'
            )
    return "".join(told)


def _nearest(ascending: Sequence[float], value: float) -> int:
    """The index of what lies closest."""
    right = bisect_left(ascending, value)
    neighbours = range(max(right - 1, 0), min(right + 1, len(ascending)))
    return min(neighbours, key=lambda index: abs(ascending[index] - value))


def _spoken(title: str, lines: Sequence[Line]) -> str:
    """For those who hear the page: each line's last value."""
    ends = [f"{line.name} {line.points[-1][1]:.4g}" for line in lines if line.points]
    return f"{title}: {', '.join(ends)}" if ends else title
