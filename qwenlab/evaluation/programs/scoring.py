"""Scoring answers that are programs: what program an answer holds, whether it parses, and its verdict.

A program that both sides wrote is run once and has one verdict. Judging goes in portions that are written down, so
that a killed one goes on where it stopped; judging the same answers again gives the same lines.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from qwenlab.evaluation.programs.extract import Extraction, extract
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.programs.results import JudgeSettings, ProgramResult
from qwenlab.evaluation.programs.sandbox.protocol import Sandbox
from qwenlab.evaluation.programs.syntax import Parser
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.samples import Sample
from qwenlab.evaluation.scored import Scored
from qwenlab.files import append_lines, read_lines, rewrite_lines

PORTION = 32
"""Answers between two writes."""


def score_samples(
    samples: Sequence[Sample],
    problems: Mapping[str, Problem],
    parser: Parser,
    sandbox: Sandbox | None,
    settings: JudgeSettings,
    path: Path,
    progress: Callable[[int], None],
) -> list[Scored]:
    """Judge every answer that is not in the file yet, in the order of `samples`, and append each portion.

    Without a sandbox programs are found and parsed, and none is run. `progress` is told how many are done in all.
    """
    # What is written is a beginning of this order; anything else is of other answers, or of another order.
    found = read_lines(path, Scored)
    order = [(sample.item, sample.model, sample.sample) for sample in samples]
    if [(line.item, line.model, line.sample) for line in found] != order[: len(found)]:
        found = []
    # Found without a sandbox, before there was one.
    if sandbox and any(line.found and not line.result for line in found):
        found = []
    # Where the sandbox failed, it is tried again; what is known after that is not.
    done = list(takewhile(lambda line: not _failed(line.result), found))
    rewrite_lines(path, done)
    known = {(line.item, line.found): line.result for line in found if line.result and not _failed(line.result)}
    while len(done) < len(samples):
        progress(len(done))
        portion = samples[len(done) : len(done) + PORTION]
        extractions = [extract(sample.answer, parser.parses) for sample in portion]
        results = known | (_run(portion, extractions, problems, known, sandbox, settings) if sandbox else {})
        lines = [
            _scored(sample, extraction, results.get((sample.item, extraction.code)))
            for sample, extraction in zip(portion, extractions, strict=True)
        ]
        known = {program: result for program, result in results.items() if not _failed(result)}
        append_lines(path, lines)
        done = done + lines
    progress(len(done))
    return done


def _run(
    portion: Sequence[Sample],
    extractions: Sequence[Extraction],
    problems: Mapping[str, Problem],
    known: Mapping[tuple[str, str], ProgramResult],
    sandbox: Sandbox,
    settings: JudgeSettings,
) -> dict[tuple[str, str], ProgramResult]:
    """Results by problem and program, of those that are not known yet."""
    wanted = dict.fromkeys(
        (sample.item, extraction.code)
        for sample, extraction in zip(portion, extractions, strict=True)
        if extraction.code and (sample.item, extraction.code) not in known
    )
    programs = [Program(name, problems[name], code) for name, code in wanted]
    return dict(zip(wanted, judge(programs, sandbox, settings), strict=True))


def _scored(sample: Sample, extraction: Extraction, result: ProgramResult | None) -> Scored:
    return Scored(
        item=sample.item,
        model=sample.model,
        sample=sample.sample,
        found=extraction.code,
        rule=extraction.rule,
        right=_right(extraction.code, result),
        parses=extraction.parses,
        result=result,
    )


def _failed(result: ProgramResult | None) -> bool:
    return result is not None and result.verdict is Verdict.SE


def _right(code: str, result: ProgramResult | None) -> bool | None:
    """No program is a failure; one that was not run, or whose sandbox failed, is not known to be."""
    if result is None:
        return None if code else False
    return None if result.verdict is Verdict.SE else result.verdict is Verdict.AC
