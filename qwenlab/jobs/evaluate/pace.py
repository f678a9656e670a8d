"""How long the judging will take, as far as is known before it begins: time left means all that is left."""

from qwenlab.errors import UserError
from qwenlab.evaluation.item import Program
from qwenlab.files import whole_lines
from qwenlab.jobs.evaluate.items import Suites
from qwenlab.runs import Evaluation, Run, list_evaluations
from qwenlab.runs.evaluation import EvaluationRecord

A_PROGRAM_S = 0.1
"""Seconds to run a program on its tests, before this machine has shown what it needs. Other answers take none."""


def judging_seconds(run: Run, suites: Suites, record: EvaluationRecord) -> float:
    """For all answers to the items, as long as the run's newest evaluation took for each; else a guess."""
    items = sum(len(asked) for asked in suites.values() if isinstance(asked[0].task, Program))
    answers = items * record.settings.samples * (3 if record.noise_floor else 2)
    known = filter(None, map(_seconds_a_program, reversed(list_evaluations(run))))
    return answers * next(known, A_PROGRAM_S) if answers else 0.0


def _seconds_a_program(evaluation: Evaluation) -> float | None:
    """None where it has not judged to the end, or cannot be read."""
    try:
        record = evaluation.read()
        if not record.finished or record.status.claims_life:
            return None
        answers = sum(len(whole_lines(evaluation.suite(name).judged_file)) for name in record.suites)
    except (UserError, OSError):
        return None
    return record.judging_seconds / answers if answers and record.judging_seconds else None
