"""Which steps run, in which order, and what becomes of one that breaks."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.gpu.lab import Lab, StepError
from bench.gpu.results import Figures, Result, Weights
from bench.gpu.runner import PATIENCE, Step, obstacle, run_steps

ONE = Weights(gb=1)


def _step(name: str, work: Callable[[float], Figures] = lambda until: ONE, gb: float = 1, alone: bool = True) -> Step:
    return Step(name, work, seconds=10, gb=gb, alone=alone)


def _failing(error: Exception) -> Callable[[float], Figures]:
    def work(until: float) -> Figures:
        raise error

    return work


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, tmp_path, tmp_path, dry=False)


def _run(lab: Lab, steps: Sequence[Step], seconds: float = 100, free_gb: float = 8, workers: int = 4) -> list[Result]:
    results: list[Result] = []
    run_steps(steps, lab, results.append, free_gb, time.monotonic() + seconds, workers)
    return results


def test_an_obstacle_is_a_sentence() -> None:
    step = _step("it", gb=18)
    assert obstacle(step, 18, 10) == ""
    assert obstacle(step, 11.34, 10) == "It needs 18 GB of the card's memory, and 11.3 are free."
    assert obstacle(step, 18, 9.6) == "It takes about 10 s, and 10 s are left."
    assert obstacle(step, 18, -3) == "It takes about 10 s, and 0 s are left."


def test_what_does_not_fit_is_skipped_and_the_others_run(lab: Lab) -> None:
    ran = _run(lab, [_step("large", gb=9), _step("small")])
    assert [(result.step, result.ok) for result in ran] == [("large", None), ("small", True)]
    assert "9 GB" in ran[0].skipped


def test_without_time_all_is_skipped(lab: Lab) -> None:
    ran = _run(lab, [_step("it"), _step("beside", alone=False)], seconds=9)
    assert [result.ok for result in ran] == [None, None]


def test_a_failure_takes_no_other_step_with_it(lab: Lab) -> None:
    failing = [_step("told", _failing(StepError("half done", ONE))), _step("bug", _failing(KeyError("no such thing")))]
    told, bug, fine = _run(lab, [*failing, _step("fine")])
    assert (told.ok, told.error, told.figures) == (False, "half done", ONE)
    assert (bug.ok, bug.error) == (False, "KeyError: 'no such thing'")
    assert fine.ok and fine.figures == ONE


def test_a_box_ends_with_patience_or_with_the_bench(lab: Lab) -> None:
    boxes: list[float] = []

    def work(until: float) -> Figures:
        boxes.append(until - time.monotonic())
        return ONE

    _run(lab, [_step("it", work)], seconds=1000)
    _run(lab, [_step("it", work)], seconds=20)
    assert boxes == [pytest.approx(10 * PATIENCE, abs=1), pytest.approx(20, abs=1)]


def test_timed_steps_run_alone_after_the_others(lab: Lab) -> None:
    running, seen = set[str](), dict[str, set[str]]()

    def step(name: str, alone: bool) -> Step:
        def work(until: float) -> Figures:
            running.add(name)
            time.sleep(0.05)
            seen[name] = set(running)
            running.remove(name)
            return ONE

        return _step(name, work, alone=alone)

    ran = _run(lab, [step("timed 1", True), step("beside 1", False), step("timed 2", True), step("beside 2", False)])
    assert [result.step for result in ran[2:]] == ["timed 1", "timed 2"]
    assert seen["timed 1"] == {"timed 1"}
    assert seen["timed 2"] == {"timed 2"}


def test_side_by_side_steps_share_the_cards_memory(lab: Lab) -> None:
    taken, most, lock = 0.0, 0.0, threading.Lock()

    def work(until: float) -> Figures:
        nonlocal taken, most
        with lock:
            taken += 3
            most = max(most, taken)
        time.sleep(0.05)
        with lock:
            taken -= 3
        return ONE

    ran = _run(lab, [_step(str(number), work, gb=3, alone=False) for number in range(6)], free_gb=8)
    assert all(result.ok for result in ran)
    assert most == 6


def test_what_is_made_once_is_made_by_the_first(lab: Lab) -> None:
    made: list[str] = []

    def make() -> Weights:
        time.sleep(0.05)
        made.append("it")
        return ONE

    ran = _run(lab, [_step(str(number), lambda until: lab.once("it", make), alone=False) for number in range(4)])
    assert [result.figures for result in ran] == [ONE] * 4
    assert made == ["it"]


def test_a_child_that_is_not_done_in_time_is_ended(lab: Lab) -> None:
    begun = time.monotonic()
    with pytest.raises(StepError, match="not done after"):
        lab.child("timeit", ["-n", "1", "-r", "1", "import time; time.sleep(60)"], "Sleeps: long", begun + 1)
    assert time.monotonic() - begun < 20
    assert (lab.logs / "sleeps-long.txt").exists()


def test_a_child_tells_how_it_ended(lab: Lab) -> None:
    ended = lab.child("timeit", ["1/0"], "fails", time.monotonic() + 60)
    assert ended.code == 1
    assert ended.tail.endswith("ZeroDivisionError: division by zero")


def test_no_child_goes_on_when_the_bench_is_over(lab: Lab) -> None:
    lab.over.set()
    with pytest.raises(StepError, match="interrupted"):
        lab.child("timeit", ["-n", "1", "-r", "1", "import time; time.sleep(60)"], "sleeps", time.monotonic() + 60)
