"""Which problems base and tuned are compared on: from a file or the hub, drawn by seed, with a cap on their tests."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.draw import draw
from qwenlab.evaluation.programs.codecontests import fetch_test_split, load_parquet
from qwenlab.evaluation.programs.load import Problems, load_problems
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.recipe.settings import TINY
from qwenlab.tiny import TEST_FILE

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

OF_TINY = "The mini contest's test split shares no program and no sentence with what the tiny Qwen saw."

LATE_2021 = range(1575, 1624)
"""Codeforces' contests in Code Contests' test split."""


class Benchmark(NamedTuple):
    """The problems that were drawn, and what a report says of them."""

    problems: tuple[Problem, ...]
    source: str
    version: str
    """The file's SHA-256, or the hub's commit."""
    available: int
    """Problems that could have been drawn: those that can be judged."""
    left_out: dict[str, tuple[str, ...]]
    """Names of problems that cannot be judged, by reason."""
    tests_cut: int
    """Tests of the drawn problems that the cap left away."""
    contamination: str
    """Whether the models may have seen the problems before: a sentence."""

    def facts(self) -> dict[str, Any]:
        """All but the problems themselves."""
        return {key: value for key, value in self._asdict().items() if key != "problems"}


def load_benchmark(source: str, limit: int, max_tests: int, seed: int) -> Benchmark:
    """Problems of a .jsonl file, a .parquet file of Code Contests' shape, a hub data set of that shape, or `tiny`.

    `limit` are drawn by their difficulty, as `draw` does it. Of each, the first `max_tests` tests are kept, 0: all; the
    visible ones stand first in these files.

    Raises:
        UserError: there is no such source, it cannot be read, or none of its problems can be judged.
    """
    found, version, contamination = _load(source)
    if not found.problems:
        reasons = ", ".join(f"{len(names)} {reason}" for reason, names in found.left_out.items())
        raise UserError(f"No problem of {source} can be judged: {reasons}.", "Choose other problems.")
    drawn = draw(found.problems, limit, seed, lambda problem: problem.difficulty)
    capped = tuple(problem.model_copy(update={"tests": problem.tests[: max_tests or None]}) for problem in drawn)
    return Benchmark(
        problems=capped,
        source=source,
        version=version,
        available=len(found.problems),
        left_out=found.left_out,
        tests_cut=sum(len(problem.tests) for problem in drawn) - sum(len(problem.tests) for problem in capped),
        contamination=contamination,
    )


def is_at_hand(source: str) -> bool:
    """Whether the hub need not be asked for it: what comes along, or a file that is here."""
    path = _file(source)
    return source == TINY or (path is not None and path.exists())


def _load(source: str) -> tuple[Problems, str, str]:
    """The problems, their version, and the sentence on contamination."""
    if source == TINY:
        return load_problems(TEST_FILE), _sha256(TEST_FILE), OF_TINY
    path, version = _file(source), ""
    if path:
        found = load_parquet(path) if path.suffix == ".parquet" else load_problems(path)
        version = _sha256(path)
    elif HUB_ID.fullmatch(source):
        file, version = fetch_test_split(source)
        found = load_parquet(file)
    else:
        raise UserError(
            f"{source!r} is neither a file here nor the name of a hub data set.",
            f"evaluate.problems is a .jsonl or .parquet file, a hub data set owner/name or {TINY}.",
        )
    return found, version, _contamination(found.problems)


def _file(source: str) -> Path | None:
    """The file that a source names, whether it is there or not; None for what only the hub can have."""
    path = Path(source).expanduser()
    is_file = path.exists() or path.suffix in (".jsonl", ".parquet") or source.startswith((".", "/", "~"))
    return path if is_file else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _contamination(problems: Sequence[Problem]) -> str:
    contests = {problem.contest for problem in problems}
    if all(contest and contest.isdecimal() and int(contest) in LATE_2021 for contest in contests):
        return (
            "These are Codeforces problems of late 2021 (Code Contests' test split), public before the models' "
            "training data ended: the base may have seen them and their solutions, so its rate may be too high."
        )
    return (
        "Whether the base has seen these problems in its own training is not known; only problems that are younger "
        "than its training data are surely new to it."
    )
