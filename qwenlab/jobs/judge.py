"""Judging programs as a job: every one is run on its problem's tests, in a sandbox that was self-tested first."""

import re
from collections.abc import Set
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

from qwenlab.errors import UserError
from qwenlab.evaluation.programs import judge as judging
from qwenlab.evaluation.programs.judge import Program
from qwenlab.evaluation.programs.load import load_problems, load_solutions
from qwenlab.evaluation.programs.results import JudgeReport, JudgeSettings, ProgramResult, SelfCheck
from qwenlab.evaluation.programs.selfcheck.select import FitSandbox, NoSandbox, fit_sandbox
from qwenlab.evaluation.programs.verdict import MEANING, Verdict
from qwenlab.files import make_parent
from qwenlab.runs.output import Output
from qwenlab.runs.progress import Progress
from qwenlab.text import time_left

SHOWN = 40
"""Programs that are listed on the screen; the report has all."""

FENCE = re.compile(r"^\s*```", re.MULTILINE)


def judge(
    problems: Path, solutions: Path, report: Path | None = None, *, all_tests: bool = False, limit: int | None = None
) -> JudgeReport:
    """Run every program on every test of its problem, contained; print the verdicts and return them.

    Args:
        problems: a .jsonl file of problems with their tests.
        solutions: a .jsonl file of programs, lines of `{"name", "solution"}`.
        report: where all results are written, as JSON.
        all_tests: go on after a test that was not accepted.
        limit: judge only the first programs.

    Raises:
        UserError: a file cannot be read, or this machine has no sandbox that passed its self-test.
    """
    console = Console(highlight=False, soft_wrap=True)
    work = _work(problems, solutions, limit)
    with fit_sandbox(private=[problems, solutions]) as found:
        fit = _fit(found)
        _tell_sandbox(console, fit)
        result = _judge(work, fit, JudgeSettings(all_tests=all_tests))
    _show(console, result)
    _tell_fences(console, work, result)
    if report:
        make_parent(report)
        result.write(report)
    return result


def show_self_check() -> None:
    """Self-test every sandbox that this machine has, and print what each check found.

    Raises:
        UserError: none of them is fit to judge.
    """
    console = Console(highlight=False, soft_wrap=True)
    with fit_sandbox() as found:
        checks = (*found.failed, found.self_check) if isinstance(found, FitSandbox) else found.attempts
        for check in checks:
            console.print(_self_check_table(check))
            if not check.fit:
                console.print(f"{check.backend} is not fit to judge. {check.reason}", markup=False)
                console.print(f"To fix this: {check.mend}\n", markup=False)
        _tell_sandbox(console, _fit(found))


class Work(NamedTuple):
    """What is to be judged, where it is from, and the problems that are not, by reason."""

    programs: list[Program]
    problems: str
    solutions: str
    left_out: dict[str, tuple[str, ...]]


def _fit(found: FitSandbox | NoSandbox) -> FitSandbox:
    if isinstance(found, NoSandbox):
        raise UserError(f"Nothing was judged. {found.reason}", f"To fix this:\n{found.mend}")
    return found


def _work(problems: Path, solutions: Path, limit: int | None) -> Work:
    """The programs, each with its problem; those of problems that cannot be judged are left out."""
    loaded = load_problems(problems)
    by_name = {problem.name: problem for problem in loaded.problems}
    skipped = {name for names in loaded.left_out.values() for name in names}
    given = load_solutions(solutions)
    _check_names([solution.name for solution in given], by_name.keys() | skipped, solutions)
    programs = [
        Program(solution.name, by_name[solution.name], solution.source)
        for solution in given[:limit]
        if solution.name in by_name
    ]
    missing = tuple(name for name in by_name if name not in {solution.name for solution in given})
    left_out = loaded.left_out | ({"no solution": missing} if missing else {})
    if not programs:
        raise UserError(f"{solutions} holds no program for a problem that can be judged.")
    return Work(programs, str(problems), str(solutions), left_out)


def _check_names(names: list[str], known: Set[str], solutions: Path) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        near = get_close_matches(unknown[0], known, n=1)
        raise UserError(
            f"{solutions}: {len(unknown)} of {len(names)} solutions name no problem: {', '.join(unknown[:5])}.",
            f"Did you mean {near[0]}?" if near else "A solution's name is its problem's, letter by letter.",
        )


def _tell_sandbox(console: Console, fit: FitSandbox) -> None:
    check = fit.self_check
    for failed in fit.failed:
        console.print(f"{failed.backend} is not fit to judge here: {failed.reason}", style="yellow", markup=False)
    console.print(
        f"Judge verified: {len(check.checks)} of {len(check.checks)} checks in {check.seconds:.1f} s. "
        f"{check.backend} {check.version}, {check.interpreter}.",
        markup=False,
    )


def _judge(work: Work, fit: FitSandbox, settings: JudgeSettings) -> JudgeReport:
    with Progress(Output()) as progress:
        progress.start("judging", len(work.programs))

        def told(done: int) -> None:
            progress.reach(done, time_left(progress.seconds_left(done)))

        judged = judging.report(work.programs, fit.sandbox, fit.self_check, settings, told)
    return judged.model_copy(update={"problems": work.problems, "solutions": work.solutions, "left_out": work.left_out})


def _show(console: Console, result: JudgeReport) -> None:

    table = Table("verdict", "", "programs", "", box=HORIZONTALS)
    table.columns[2].justify = table.columns[3].justify = "right"
    for verdict, number in result.counts.items():
        table.add_row(verdict, MEANING[verdict], str(number), f"{number / len(result.results):.1%}")
    refused = [row for row in result.results if row.verdict != Verdict.AC]
    for row in refused[:SHOWN]:
        console.print(_line(row), markup=False)
    if len(refused) > SHOWN:
        console.print(f"and {len(refused) - SHOWN} more, which --report has")
    console.print(table)
    for reason, names in result.left_out.items():
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        console.print(f"Not judged, {reason}: {len(names)} ({shown})", markup=False)
    console.print(
        f"Accepted: {result.accepted} of {result.judged}; strictly compared {result.strict_accepted}, "
        f"by DeepMind's rule {result.deepmind_accepted}. {result.seconds:.1f} s."
    )


def _tell_fences(console: Console, work: Work, result: JudgeReport) -> None:
    """Programs in Markdown's fences do not run, and the verdict alone does not say why."""
    refused = {row.name for row in result.results if row.verdict != Verdict.AC}
    fenced = [one.name for one in work.programs if one.name in refused and FENCE.search(one.source)]
    if fenced:
        shown = ", ".join(fenced[:3]) + (", …" if len(fenced) > 3 else "")
        console.print(
            f"Not accepted, and with a Markdown fence (```) in them, which is no Python: {len(fenced)} ({shown}). "
            "Give the programs alone, without it.",
            style="yellow",
            markup=False,
        )


def _line(row: ProgramResult) -> str:
    """One program that was not accepted: on which test, and why as far as one line can say."""
    test = row.failing_test
    if test is None:
        return f"{row.verdict:4}{row.name}"
    said = test.error.strip().rpartition("\n")[2][:80] if test.exit_status else ""
    return f"{row.verdict:4}{row.name}, test {test.number} of {row.tests}, {test.seconds:.2f} s  {said}".rstrip()


def _self_check_table(check: SelfCheck) -> Table:
    title = f"{check.backend} {check.version}, {check.interpreter}, Linux {check.kernel} {check.machine}, {check.user}"
    table = Table("", "program", "expected", "found", box=HORIZONTALS, title=title, title_justify="left")
    for line in check.checks:
        mark = "[green]✓[/]" if line.passed else "[red]✗[/]"
        table.add_row(mark, *(text.replace("[", r"\[") for text in (line.name, line.expected, line.found)))
    return table
