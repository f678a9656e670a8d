"""Programs that mean harm, for what the self-check does not look at. Each is bounded, should it get out."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from qwenlab.evaluation.programs.sandbox.plan import Plan
from tests.evaluation.programs.sandbox.conftest import LIMITS, Run

WRITE_EVERYWHERE = """
import os
found = []
for folder, _, _ in os.walk("/"):
    try:
        open(os.path.join(folder, "out"), "wb").close()
        found.append(folder)
    except OSError:
        pass
    if folder.count("/") > 2 or folder.startswith("/usr/"):
        break
print(found)
"""

MAKE_THREADS = """
import threading
threading.stack_size(2**15)
stop = threading.Event()
made = 0
try:
    while made < {enough}:
        threading.Thread(target=stop.wait).start()
        made += 1
except RuntimeError:
    pass
stop.set()
print(made)
"""

BECOME_ANOTHER = """
import os, sys, threading
if len(sys.argv) > 1:
    print("second", flush=True)
    sys.exit()
print("first", flush=True)
for _ in range(2):
    thread = threading.Thread(target=os.execv, args=(sys.executable, [sys.executable, __file__, "x"]))
    thread.start()
    thread.join()
"""

MANY_PROCESSES = """
import os, time
children = 0
for _ in range(8):
    try:
        if os.fork() == 0:
            held = bytearray(2**25)
            time.sleep(0.5)
            os._exit(0)
        children += 1
    except OSError:
        pass
print(children)
"""

TAKE_DISK = """
import ctypes, fcntl, os, struct
libc = ctypes.CDLL(None)
size = 2**24
libc.fallocate(1, 1, ctypes.c_long(0), ctypes.c_long(size))
for request in (0x40305828, 0x4030582A, 0x40305839):  # FS_IOC_RESVSP, FS_IOC_RESVSP64, FS_IOC_ZERO_RANGE
    try:
        fcntl.ioctl(1, request, struct.pack("hhqqiI4i", 0, 0, 0, size, 0, 0, 0, 0, 0, 0))
    except OSError:
        pass
print(os.fstat(1).st_blocks, flush=True)
"""

FLOOD = """
import sys
for _ in range(200):
    sys.stdout.buffer.write(b"x" * 2**20)
"""


def test_nothing_at_all_can_be_written(run: Run) -> None:
    assert run(WRITE_EVERYWHERE).output == b"[]\n"


def test_threads_come_to_an_end(run: Run) -> None:
    made = int(run(MAKE_THREADS.format(enough=200)).output)
    assert 32 <= made <= 64


def test_threads_that_have_ended_do_not_count(run: Run) -> None:
    again = (
        "import threading\nfor _ in range(500):\n    t = threading.Thread(target=int); t.start(); t.join()\nprint(1)"
    )
    assert run(again).output == b"1\n"


def test_one_program_s_threads_take_none_from_another(run: Run) -> None:
    hold = MAKE_THREADS.format(enough=200).replace("stop.set()", "import time; time.sleep(2); stop.set()")
    with ThreadPoolExecutor() as pool:
        bombs = [pool.submit(run, hold) for _ in range(3)]
        time.sleep(1)
        assert (
            run("import threading\nt = threading.Thread(target=print, args=(1,)); t.start(); t.join()").output == b"1\n"
        )
        assert all(32 <= int(bomb.result().output) <= 64 for bomb in bombs)


def test_it_stays_under_the_launcher_s_hand(run: Run, plan: Plan) -> None:
    """Of a thread that becomes another program the kernel forgets that it dies with its launcher."""
    if plan.backend == "bubblewrap":
        pytest.skip("what is in the box dies with the box")
    result = run(BECOME_ANOTHER)
    assert result.output == b"first\n"
    assert b"PermissionError" in result.error


def test_there_is_one_process_so_memory_is_limited_once(run: Run) -> None:
    assert run(MANY_PROCESSES).output == b"0\n"


def test_memory_is_limited(run: Run) -> None:
    hog = "held = []\nfor _ in range(64): held.append(bytearray(2**24))\nprint('got', len(held))"
    result = run(hog, limits=LIMITS._replace(memory_bytes=2**28))
    assert result.exit_status == 1
    assert result.error.rstrip().endswith(b"MemoryError")
    assert result.peak_bytes < 2**28


def test_a_flood_ends_at_the_cap(run: Run) -> None:
    result = run(FLOOD)
    assert result.flooded
    assert len(result.output) == LIMITS.output_bytes
    assert b"File too large" in result.error


def test_no_disk_is_taken_but_by_writing(run: Run) -> None:
    assert run(TAKE_DISK).output == b"0\n"


def test_signals_that_should_end_a_program_do(run: Run) -> None:
    assert run("while True: pass", limits=LIMITS._replace(cpu_s=1)).exit_status == 128 + signal.SIGXCPU


def test_what_one_used_that_the_wall_clock_ended_is_counted(run: Run) -> None:
    burn = "import threading\nfor _ in range(3): threading.Thread(target=lambda: [x for x in iter(int, 1)]).start()"
    result = run(burn, limits=LIMITS._replace(wall_s=2.0, memory_bytes=2**30))
    assert result.exit_status is None
    assert result.cpu_s > 0.3


def test_the_wall_clock_ends_one_that_sleeps(run: Run) -> None:
    began = time.monotonic()
    result = run("import time\nprint('begun', flush=True)\ntime.sleep(20)", limits=LIMITS._replace(wall_s=1.0))
    assert time.monotonic() - began < 10
    assert result.exit_status is None
    assert result.output == b"begun\n"
    assert result.wall_s >= 1.0
