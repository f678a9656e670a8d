"""The line at the GPU: one owner, first come first served, and the dead hold nobody up."""

import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from qwenlab.runs import gpu_lock, gpu_waiting
from qwenlab.runs.gpu_queue import leave, move_first

TAKE_TURN = """
import sys
from pathlib import Path
from qwenlab.runs import gpu_lock
with gpu_lock(Path(sys.argv[1]), sys.argv[2], lambda ahead: print("waits", *ahead, flush=True)):
    print("has it", flush=True)
    sys.stdin.read()
"""


class Taker:
    """A process that waits for its turn and keeps it until it is told to leave."""

    def __init__(self, runs: Path, who: str) -> None:
        command = [sys.executable, "-c", TAKE_TURN, str(runs), who]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._patience = threading.Timer(30, self.process.kill)  # so that a broken line fails and does not hang
        self._patience.start()

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self._patience.cancel()
        self.process.kill()
        self.process.communicate()

    def leave(self) -> None:
        self._patience.cancel()
        self.process.communicate()
        assert self.process.returncode == 0


def test_turns_are_taken_in_the_order_of_coming(tmp_path: Path) -> None:
    first = Taker(tmp_path, "first-run")
    assert first.says() == "has it"
    second = Taker(tmp_path, "second-run")
    assert second.says() == "waits first-run"
    third = Taker(tmp_path, "third-run")
    assert third.says() == "waits first-run second-run"
    assert gpu_waiting(tmp_path) == ["first-run", "second-run", "third-run"]
    first.leave()
    assert second.says() == "has it"
    assert third.says() == "waits second-run"
    second.leave()
    assert third.says() == "has it"
    third.leave()
    assert gpu_waiting(tmp_path) == []


def test_who_is_moved_to_the_front_is_the_next_and_the_owner_stays(tmp_path: Path) -> None:
    owner = Taker(tmp_path, "owner")
    assert owner.says() == "has it"
    second = Taker(tmp_path, "second")
    assert second.says() == "waits owner"
    third = Taker(tmp_path, "third")
    assert third.says() == "waits owner second"
    move_first(tmp_path, "third")
    move_first(tmp_path, "owner")
    assert gpu_waiting(tmp_path) == ["owner", "third", "second"]
    assert second.says() == "waits owner third"
    assert third.says() == "waits owner"
    owner.leave()
    assert third.says() == "has it"
    third.leave()
    assert second.says() == "waits third"
    second.leave()


def test_who_leaves_the_line_ends_and_the_owner_cannot_be_made_to(tmp_path: Path) -> None:
    owner = Taker(tmp_path, "owner")
    assert owner.says() == "has it"
    waiting = Taker(tmp_path, "waiting")
    assert waiting.says() == "waits owner"
    leave(tmp_path, "owner")
    leave(tmp_path, "waiting")
    assert waiting.process.wait(30) != 0
    assert gpu_waiting(tmp_path) == ["owner"]
    waiting.kill()
    owner.leave()


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_frees_its_place(tmp_path: Path, victim: int) -> None:
    takers = []
    for who in ("a", "b", "c"):
        takers.append(Taker(tmp_path, who))
        assert takers[-1].says()
    killed = takers.pop(victim)
    killed.kill()
    if victim == 1:
        takers[0].leave()
    while (said := takers[-1].says()) != "has it":
        assert said.startswith("waits"), "it never had its turn"
        if said == "waits b":
            takers[-2].leave()
    takers[-1].leave()


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """Many at once: each notes when it had the GPU, and no two of these times overlap."""
    code = """
import sys, time
from pathlib import Path
from qwenlab.runs import gpu_lock
with gpu_lock(Path(sys.argv[1]), sys.argv[2]):
    begun = time.monotonic()
    time.sleep(0.05)
    print(begun, time.monotonic())
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(6)
    ]
    times = sorted(tuple(map(float, process.communicate()[0].split())) for process in processes)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def test_leaving_by_an_error_frees_the_place(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), gpu_lock(tmp_path, "broken"):
        raise ZeroDivisionError
    begun = time.monotonic()
    with gpu_lock(tmp_path, "next"):
        assert gpu_waiting(tmp_path) == ["next"]
    assert time.monotonic() - begun < 1
