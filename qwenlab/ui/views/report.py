"""A report as it is read: the sentence, the four criteria, rates by difficulty, transitions, what it cost."""

from collections.abc import Sequence

from qwenlab.evaluation.verdict import MEANING, Verdict
from qwenlab.report.criteria import Criterion, detectable_sentence
from qwenlab.report.plots import rates_by_difficulty
from qwenlab.report.schema import NO_PROGRAM, Metric, Report
from qwenlab.stats.types import Comparison, NotMeasured, Stratum, Transitions
from qwenlab.text import duration
from qwenlab.ui.components import card, facts, lab, no_template, text

NAMES: dict[Metric, str] = {
    "pass": "Problems solved",
    "syntax": "Programs that parse",
    "generation": "Programs written",
}
"""What each metric counts; the first that was measured is the one that matters."""

MENDS = "What mends it:"
"""What the report says before the command."""

COLOURS = {"met": "accent", "not met": "amber", "not measured": "slate"}


def report_view(report: Report) -> str:
    """All of the report but its problems."""
    return lab(
        f'<div class="card">{_headline(report)}<div class="row">{_criteria(report.criteria)}</div>'
        f'</div><div class="row wide">{_rates(report)}{_transitions(report.transitions)}</div>'
        f"{_advice(report)}{_cost(report)}"
    )


def _headline(report: Report) -> str:
    """The sentence; where no program was run, that, and below it why and the command that mends it."""
    if isinstance(report.self_check, NotMeasured):
        why = report.self_check.why.replace(MENDS, f"\n{MENDS}")
        return f'<div class="big">Not measured: no program was run</div><div class="fault"><pre>{text(why)}</pre></div>'
    answer, colon, rest = report.sentence.partition(":")
    helped = "accent" if answer == "Improved" else "amber" if answer == "Worse" else ""
    return f'<div class="big"><span class="{helped}">{text(answer)}</span>{colon}{text(rest)}</div>'


def _criteria(criteria: Sequence[Criterion]) -> str:
    return "".join(
        f'<div class="criterion"><b>{text(criterion.name)}</b> '
        f'<span class="chip {COLOURS[criterion.status]}">{criterion.status}</span>'
        f'<div class="quiet">{text(criterion.wanted)}</div><div>{text(criterion.figures)}</div>'
        f'<div class="quiet">{text(criterion.noise)}</div></div>'
        for criterion in criteria
    )


def _rates(report: Report) -> str:
    """The metric that matters by difficulty, and all metrics as numbers."""
    shown = next((name for name in NAMES if isinstance(report.metrics.get(name), Comparison)), None)
    if shown is None:
        return ""
    return card(f"<b>{NAMES[shown]}, by difficulty</b>{_picture(report.strata.get(shown, ()))}{_metrics(report)}")


def _picture(strata: Sequence[Stratum]) -> str:
    """The difficulties' names come from data; the drawing has escaped what is markup in them."""
    return no_template(rates_by_difficulty(strata)) if strata else ""


def _metrics(report: Report) -> str:
    rows = "".join(
        f"<tr><th>{name}</th>{_from_to(report.metrics[metric])}</tr>"
        for metric, name in NAMES.items()
        if metric in report.metrics
    )
    for k, scores in report.pass_at_k.items():
        if scores.before and scores.after:
            before, after = (f"{100 * side.value:.1f} %" for side in (scores.before, scores.after))
            rows += f"<tr><th>pass@{k}</th>{_cells(before, after)}</tr>"
    return f'<table class="figures"><tr><td></td><td>base</td><td>tuned</td></tr>{rows}</table>'


def _from_to(measured: Comparison | NotMeasured) -> str:
    if isinstance(measured, NotMeasured):
        return f'<td colspan="2" class="quiet">not measured: {text(measured.why)}</td>'
    return _cells(f"{measured.before.count} of {measured.n}", f"{measured.after.count} of {measured.n}")


def _cells(before: str, after: str) -> str:
    return f'<td class="slate">{before}</td><td class="accent">{after}</td>'


def _transitions(transitions: Transitions) -> str:
    """How many problems went from which verdict to which: base down, tuned across."""
    counts = transitions.matrix()
    if not counts:
        return ""
    seen = {verdict for pair in counts for verdict in pair}
    order = [
        *(verdict for verdict in [*Verdict, NO_PROGRAM] if verdict in seen),
        *sorted(seen - {*Verdict, NO_PROGRAM}),
    ]
    head = "".join(f'<th title="{_meaning(verdict)}">{text(verdict)}</th>' for verdict in order)
    rows = "".join(
        f'<tr><th title="{_meaning(before)}">{text(before)}</th>'
        + "".join(_count(before, after, counts.get((before, after), 0)) for after in order)
        + "</tr>"
        for before in order
    )
    return card(
        '<b>From verdict to verdict</b><div class="quiet">base down, <span class="accent">tuned</span> across</div>'
        f'<table class="matrix"><tr><td></td>{head}</tr>{rows}</table>'
        f'<p class="quiet">{len(transitions.gained)} gained, {len(transitions.lost)} lost. {_legend(order)}</p>'
    )


def _count(before: str, after: str, count: int) -> str:
    gained, lost = after == Verdict.AC != before, before == Verdict.AC != after
    kind = "gained" if gained else "lost" if lost else ""
    return f'<td class="{kind}">{count or ""}</td>' if count else "<td></td>"


def _meaning(verdict: str) -> str:
    return MEANING[Verdict(verdict)] if verdict in set(Verdict) else text(verdict)


def _legend(order: Sequence[str]) -> str:
    return ", ".join(f"{verdict}: {_meaning(verdict)}" for verdict in order if verdict in set(Verdict))


def _advice(report: Report) -> str:
    """What to try next, each with what it rests on."""
    lines = "".join(
        f'<li>{text(each.text)} <span class="quiet">({text(each.evidence)})</span></li>' for each in report.advice
    )
    return card(f"<b>What to try</b><ul>{lines}</ul>") if lines else ""


def _cost(report: Report) -> str:
    sides = {
        side: f"{cost.tokens:,} tokens in {duration(cost.seconds)}"
        + (f", {cost.tokens / cost.seconds:,.0f} tokens/s" if cost.seconds else "")
        for side, cost in report.cost.items()
    }
    asked = f"{report.n:,} of {report.problem_set.available:,} from {report.problem_set.source}"
    numbers = {"problems": asked, **sides, "judging": duration(report.judging_seconds)}
    told = f"{report.problem_set.contamination} {detectable_sentence(report.detectable)}."
    return card(facts({name: text(value) for name, value in numbers.items()}) + f'<p class="quiet">{text(told)}</p>')
