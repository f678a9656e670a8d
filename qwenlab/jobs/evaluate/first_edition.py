"""An evaluation that the first edition began: its one set of contest problems becomes a suite of today."""

from typing import Any

from qwenlab.evaluation.programs import Problem
from qwenlab.evaluation.samples import Sample
from qwenlab.evaluation.suites import find_suite
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.files import read_lines, rewrite_lines
from qwenlab.runs import Evaluation

NAME = "code_contests"


class _Sample(Sample):
    """Its item was called a problem."""

    item: str = ""
    problem: str


def move_into_suites(evaluation: Evaluation) -> None:
    """Move the problems and the answers to where a suite has them; what was judged is judged again."""
    old, new = evaluation.folder, evaluation.suite(NAME)
    if not (old / "problems.jsonl").exists():
        return
    new.folder.mkdir(parents=True, exist_ok=True)
    items = [contest_item(problem) for problem in read_lines(old / "problems.jsonl", Problem)]
    rewrite_lines(new.items_file, items)
    samples = [
        Sample.model_validate(one.model_dump(exclude={"problem"}) | {"item": one.problem})
        for one in read_lines(old / "samples.jsonl", _Sample)
    ]
    rewrite_lines(new.samples_file, samples)
    suite = find_suite(NAME)
    facts: dict[str, Any] = {"title": suite.title, "aim": suite.aim, "licence": suite.licence}
    evaluation.update(suites={NAME: facts | evaluation.read().problem_set})
    for name in ("problems.jsonl", "samples.jsonl", "judged.jsonl"):  # once all of it is in its new place
        (old / name).unlink(missing_ok=True)
