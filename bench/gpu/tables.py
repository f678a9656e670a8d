"""results.jsonl as markdown, as docs/performance.md shows it: estimated beside measured, and what was not measured."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from bench.gpu.results import Answers, Batch, Environment, Halving, Optimisers, Repeat, Result, Trained

F = TypeVar("F")

ANSWERS = (
    "Tokens/s of the whole batch, prompts of different lengths; the median of the calls after the first, in brackets "
    "the slowest and the fastest of them."
)
OPTIMISERS = (
    "A step on an adapter of rank 16 on every linear layer of the 7B shape: milliseconds, the median of 20, in "
    "brackets the fastest and the slowest. Paged states are not counted by PyTorch."
)
MEMORY = (
    "GB (10^9 bytes). Allocated and reserved are PyTorch's peaks, measured; the CUDA context comes on top of them. "
    "Estimated is what `--dry-run` says for the same recipe, its parts to the right. The quotient counts the context."
)


class _Call(NamedTuple):
    """Calls of the bench on one card with the same software: the last result of each step, and each call's machine."""

    machines: list[Environment]
    results: dict[str, Result]


def markdown(results: Sequence[Result]) -> str:
    """The tables, one section for each card and software in the file.

    Results that follow no environment are left out. Where a step was run again, the last result counts, unless it
    was skipped.
    """
    return "\n".join(line for call in _calls(results) for line in _section(call))


def _calls(results: Sequence[Result]) -> list[_Call]:
    calls: dict[str, _Call] = {}
    current: _Call | None = None
    for result in results:
        if isinstance(result.figures, Environment):
            machine = result.figures
            key = repr((machine.hardware.gpu, machine.driver, machine.dry, machine.versions))
            current = calls.setdefault(key, _Call([], {}))
            current.machines.append(machine)
        elif current and not (result.skipped and result.step in current.results):
            current.results[result.step] = result
    return list(calls.values())


def _section(call: _Call) -> list[str]:
    results = list(call.results.values())
    return [
        *_heading(call.machines),
        *_speed(_figures(results, Trained)),
        *_memory(_figures(results, Trained)),
        # Also those that were not all done in time: each batch is timed for itself.
        *_answers([result.figures for result in results if isinstance(result.figures, Answers)]),
        *_optimisers(_figures(results, Optimisers)),
        *_repeats(_figures(results, Repeat)),
        *_halvings(_figures(results, Halving)),
        *_rest(results),
    ]


def _figures(results: Iterable[Result], kind: type[F]) -> list[tuple[str, F]]:
    """Name and figures of the steps of that kind that succeeded."""
    return [(result.step, result.figures) for result in results if result.ok and isinstance(result.figures, kind)]


def _heading(machines: list[Environment]) -> list[str]:
    one = machines[0]
    facts = [f"{one.free_gb:.1f} of {one.hardware.gpu_memory_gb:.1f} GB free"] if one.hardware.gpu else []
    facts += [f"compute capability {one.capability}"] if one.capability else []
    facts += [f"driver {one.driver}"] if one.driver else []
    facts += [f"{one.hardware.cpu}, {one.hardware.cpu_cores} cores", one.hardware.system]
    versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    without = f"; not installed: {', '.join(one.missing)}" if one.missing else ""
    title = "A dry run: very small models on a CPU, no figure of any card" if one.dry else one.hardware.gpu or "No GPU"
    commands = [f"- {machine.time:%Y-%m-%d}: `{machine.command}`" for machine in machines]
    lines = [f"- {'; '.join(facts)}", f"- {versions}{without}", *dict.fromkeys(commands)]
    return [f"## {title}", "", *lines, ""]


def _speed(trained: list[tuple[str, Trained]]) -> list[str]:
    rows = [
        [
            name,
            f"{figures.tokens_per_second:,.0f} ({figures.slowest:,.0f} to {figures.fastest:,.0f})",
            figures.dtype,
            f"{figures.attention}{', deterministic' if figures.deterministic else ''}",
            f"{figures.losses[0]:.3f} to {figures.losses[-1]:.3f}",
            f"{figures.grad_norms[0]:.3g} to {figures.grad_norms[-1]:.3g}" if figures.grad_norms else "",
            "; ".join(figures.notes),
        ]
        for name, figures in trained
        if figures.tokens_per_second
    ]
    head = ["recipe", "tokens/s", "precision", "attention", "loss", "gradient norm", "noted"]
    return _table(
        "Training",
        "Median of the steps after the third, in brackets the slowest and the fastest; padding is not counted.",
        head,
        rows,
    )


def _memory(trained: list[tuple[str, Trained]]) -> list[str]:
    parts = list(dict.fromkeys(part for _, figures in trained for part in figures.estimate))
    rows = [
        [
            name,
            *map(_gb, (figures.allocated_gb, figures.reserved_gb, figures.estimated_gb)),
            f"{figures.ratio:.2f}" if figures.ratio else "",
            *(_gb(figures.estimate.get(part)) for part in parts),
        ]
        for name, figures in trained
        if figures.reserved_gb or figures.estimate
    ]
    head = ["recipe", "allocated", "reserved", "estimated", "measured / estimated", *parts]
    return _table("Memory of a training", MEMORY, head, rows)


def _answers(answers: list[Answers]) -> list[str]:
    batches = [batch for figures in answers for batch in figures.batches]
    sizes = list(dict.fromkeys(batch.size for batch in batches))
    rows = []
    for way in dict.fromkeys(batch.way for batch in batches):
        by_size = {batch.size: batch for batch in batches if batch.way == way}
        cells = [
            f"{batch.tokens_per_second:,.0f} ({_speed_range(batch)})" if batch else ""
            for batch in map(by_size.get, sizes)
        ]
        rows.append([way, *cells, _gb(list(by_size.values())[-1].peak_gb)])
    head = ["who answers", *(f"batch {size}" for size in sizes), "peak GB, largest batch"]
    return _table("Answering", ANSWERS, head, rows)


def _speed_range(batch: Batch) -> str:
    return " to ".join(f"{batch.tokens / seconds:,.0f}" for seconds in (max(batch.again_s), min(batch.again_s)))


def _optimisers(optimisers: list[tuple[str, Optimisers]]) -> list[str]:
    rows = [
        [one.name, f"{one.step_ms:.1f} ({one.fastest_ms:.1f} to {one.slowest_ms:.1f})", _gb(one.state_gb)]
        for _, figures in optimisers
        for one in figures.timed
    ]
    return _table("Optimisers", OPTIMISERS, ["train.optim", "ms a step", "state, GB"], rows)


def _repeats(repeats: list[tuple[str, Repeat]]) -> list[str]:
    rows = [
        [
            name,
            f"{figures.dtype}{', deterministic' if figures.deterministic else ''}",
            "the same" if figures.same_losses else f"apart by up to {figures.largest_difference:.2g}",
            "the same" if figures.same_adapter else "another",
        ]
        for name, figures in repeats
    ]
    about = "Four layers of the 7B shape; a training against the same one, run again or killed and resumed."
    return _table("Does it come out the same?", about, ["what", "precision", "losses", "adapter"], rows)


def _halvings(halvings: list[tuple[str, Halving]]) -> list[str]:
    rows = [[name, f"{one.cap_gb:g} GB", " to ".join(map(str, one.micro_batches))] for name, one in halvings]
    return _table("When memory runs out", "Four layers of the 7B shape.", ["what", "limit", "micro-batch"], rows)


def _rest(results: list[Result]) -> list[str]:
    """What has no figures, and why."""
    lines = [f"- {' '.join(result.sentence.split())}" for result in results if not result.ok]
    return ["### Not measured", "", *lines, ""] if lines else []


def _gb(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _table(title: str, about: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A heading, a sentence and a table; nothing without rows."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    cells = [" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines]
    return [f"### {title}", "", about, "", *(f"| {line} |" for line in cells), ""]
