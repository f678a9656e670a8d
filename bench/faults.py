"""Does the judge refuse what is nearly right? Right programs, and the same with one fault each.

    python -m bench.faults problems.jsonl --column reference_solution_python3

Every problem's own solution is judged; of each that is accepted, variants are judged whose output is the right one but
for a changed token, an added line, or a missing half; that end with exit status 3 after the right output; and whose
source is cut in half. Variants that are accepted are named: they have to be looked at one by one.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from qwenlab import cli
from qwenlab.errors import UserError
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.load import load_problems
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.programs.results import JudgeSettings, count
from qwenlab.evaluation.programs.selfcheck.select import FitSandbox, fit_sandbox
from qwenlab.evaluation.programs.verdict import Verdict

UNCHANGED = """
def change(text):
    return text
"""

CHANGES = {
    "nothing, to try the wrapper": UNCHANGED,
    "a token changed": """
def change(text):
    parts = re.split(rb"(\\s+)", text.strip())  # token, space, token, ...
    middle = len(parts) // 4 * 2
    parts[middle] = b"%d" % (int(parts[middle]) + 1) if parts[middle].isdigit() else b"x" + parts[middle]
    return b"".join(parts)
""",
    "a line added": """
def change(text):
    return text.rstrip() + b"\\n0\\n"
""",
    "half of the output": """
def change(text):
    text = text.strip()
    return text[:len(text) // 2]
""",
    "exit status 3": UNCHANGED,
}

WRAPPED = """\
import atexit, os, re, sys, threading
screen = os.dup(1)
reading, writing = os.pipe()
os.dup2(writing, 1)
os.close(writing)
pieces = []
{change}
def collect():
    while piece := os.read(reading, 65536):
        pieces.append(piece)

def finish():
    for stream in (sys.stdout, sys.__stdout__):
        stream.flush()
    os.close(1)
    collector.join()
    rest = memoryview(change(b"".join(pieces)))
    while rest:
        rest = rest[os.write(screen, rest):]
    os._exit({status})

collector = threading.Thread(target=collect, daemon=True)
collector.start()
atexit.register(finish)
exec(compile({source!r}, "main.py", "exec"), {{"__name__": "__main__"}})
"""


def faulty(source: str) -> dict[str, str]:
    """A program's variants, by what is wrong with each."""
    variants = {
        fault: WRAPPED.format(change=change, source=source, status=3 if fault == "exit status 3" else 0)
        for fault, change in CHANGES.items()
    }
    return variants | {"half of the program": source[: len(source) // 2]}


def main(
    problems: Annotated[Path, typer.Argument(help="Problems with their tests: a .jsonl file.")],
    column: Annotated[str, typer.Option(help="Where each problem's solution stands.")] = "solution",
) -> None:
    """Judge every problem's own solution, and what is nearly right."""
    programs = _own_solutions(problems, column)
    with fit_sandbox() as found:
        if not isinstance(found, FitSandbox):
            raise UserError(found.reason, found.mend)
        results = judge(programs, found.sandbox, JudgeSettings())
        print(f"as they are: {_counts([result.verdict for result in results])}")
        right = [program for program, result in zip(programs, results, strict=True) if result.verdict == Verdict.AC]
        variants = {program.name: faulty(program.source) for program in right}
        for fault in variants[right[0].name]:
            wrong = [program._replace(source=variants[program.name][fault]) for program in right]
            results = judge(wrong, found.sandbox, JudgeSettings())
            print(f"{fault}: {_counts([result.verdict for result in results])}")
            if CHANGES.get(fault) != UNCHANGED or fault == "exit status 3":
                accepted = [result.name for result in results if result.verdict == Verdict.AC]
                print(*(f"    accepted: {name}" for name in accepted), sep="\n")


def _own_solutions(path: Path, column: str) -> list[Program]:
    by_name: dict[str, Problem] = {problem.name: problem for problem in load_problems(path).problems}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Program(row["name"], by_name[row["name"]], row[column]) for row in rows if row["name"] in by_name]


def _counts(verdicts: list[Verdict]) -> str:
    return ", ".join(f"{number} {verdict}" for verdict, number in count(verdicts).items())


if __name__ == "__main__":
    cli.run(main, "python -m bench.faults")
