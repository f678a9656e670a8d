"""Which problems base and tuned are compared on: from a file or the hub, drawn by seed, with a cap on their tests."""

import hashlib
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.errors import UserError
from qwenlab.evaluation.programs.codecontests import fetch_test_split, load_parquet
from qwenlab.evaluation.programs.load import Problems, load_problems
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.suites import load_suite, suite_names

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

LATE_2021 = range(1575, 1624)
"""Codeforces' contests in Code Contests' test split."""


class Benchmark(NamedTuple):
    """The problems that were drawn, and what a report says of them."""

    problems: tuple[Problem, ...]
    source: str
    version: str
    """The file's SHA-256, or that of a suite's problems, or the hub's commit."""
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
    """Problems of a .jsonl file, a .parquet file of Code Contests' shape, a hub data set of that shape, or a suite.

    `limit` are drawn as `draw` does it. Of each, the first `max_tests` tests are kept, 0: all; the visible ones stand
    first in these files.

    Raises:
        UserError: there is no such source, it cannot be read, or none of its problems can be judged.
    """
    found, version, contamination = _load(source)
    if not found.problems:
        reasons = ", ".join(f"{len(names)} {reason}" for reason, names in found.left_out.items())
        raise UserError(f"No problem of {source} can be judged: {reasons}.", "Choose other problems.")
    drawn = draw(found.problems, limit, seed)
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
    """Whether the hub need not be asked for it: a suite that comes along, or a file that is here."""
    path = _file(source)
    return source in suite_names() or (path is not None and path.exists())


def _load(source: str) -> tuple[Problems, str, str]:
    """The problems, their version, and the sentence on contamination."""
    if source in suite_names():
        suite = load_suite(source)
        content = "\n".join(problem.model_dump_json() for problem in suite.found.problems)
        return suite.found, hashlib.sha256(content.encode()).hexdigest(), suite.contamination
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
            f"evaluate.problems is a .jsonl or .parquet file, a hub data set owner/name or {', '.join(suite_names())}.",
        )
    return found, version, _contamination(found.problems)


def _file(source: str) -> Path | None:
    """The file that a source names, whether it is there or not; None for what only the hub can have."""
    path = Path(source).expanduser()
    is_file = path.exists() or path.suffix in (".jsonl", ".parquet") or source.startswith((".", "/", "~"))
    return path if is_file else None


def draw(problems: Sequence[Problem], limit: int, seed: int) -> tuple[Problem, ...]:
    """`limit` problems, each difficulty with its share (by largest remainder), in the order in which they came.

    0, or more than there are: all. What is drawn of one difficulty depends on the seed and on that difficulty's
    problems alone.
    """
    if limit == 0 or limit >= len(problems):
        return tuple(problems)
    places: dict[str, list[int]] = {}
    for place, problem in enumerate(problems):
        places.setdefault(problem.difficulty, []).append(place)
    counts = _shares({difficulty: len(of_it) for difficulty, of_it in places.items()}, limit)
    drawn: list[int] = []
    for difficulty, of_it in places.items():
        shuffled = random.Random(f"{seed} {difficulty}").sample(of_it, len(of_it))
        drawn += shuffled[: counts[difficulty]]
    return tuple(problems[place] for place in sorted(drawn))


def _shares(sizes: dict[str, int], limit: int) -> dict[str, int]:
    """How many of each, `limit` in all: the whole part of each one's share, the rest to the largest remainders."""
    total = sum(sizes.values())
    counts = {name: limit * size // total for name, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda name: (-(limit * sizes[name] % total), name))
    for name in by_remainder[: limit - sum(counts.values())]:
        counts[name] += 1
    return counts


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
