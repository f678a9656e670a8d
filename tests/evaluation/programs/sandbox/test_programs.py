"""Programs that mean no harm run as they would outside: real input and output, nothing rewritten."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from qwenlab.evaluation.programs.sandbox import Spec
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from tests.evaluation.programs.sandbox.conftest import LIMITS, Run

ECHO = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())"


@pytest.mark.parametrize(
    ("program", "stdin", "output"),
    [
        ("print(int(input()) + 1)", b"41\n", b"42\n"),
        ("print('before')\nexit()\nprint('after')", b"", b"before\n"),
        ("print(open(0).read().split())", b"a b\n", b"['a', 'b']\n"),
        ("print(open('/dev/stdin').read(), file=open('/dev/null', 'w'))\nprint(1)", b"x", b"1\n"),
        ("print(open('/dev/stdin').read(), end='')", b"again", b"again"),
        ("import sys\nprint(sys.stdin.buffer.readline(), sys.stdin.readline())", b"1\n2\n", b"b'1\\n' 2\n\n"),
        ("import os\nos.write(1, os.read(0, 100))", b"raw\xff\x00", b"raw\xff\x00"),
        ("print('žluť')", b"", "žluť\n".encode()),
        ("import sys\nprint(len(sys.argv), __name__)", b"", b"1 __main__\n"),
        ("import atexit\natexit.register(print, 'bye')", b"", b"bye\n"),
        ("import os\nprint(os.cpu_count() > 0, len(os.urandom(8)))", b"", b"True 8\n"),
        ("import time\ntime.sleep(0.01)\nprint('slept')", b"", b"slept\n"),
        ("print(int(input()) + 1)", b"9" * 6000, b"1" + b"0" * 6000 + b"\n"),
    ],
)
def test_the_usual_ways_to_read_and_write(run: Run, program: str, stdin: bytes, output: bytes) -> None:
    result = run(program, stdin)
    assert (result.exit_status, result.output) == (0, output), result.error


def test_megabytes_go_through_unharmed(run: Run) -> None:
    data = bytes(range(256)) * 40_000
    result = run(ECHO, data, LIMITS._replace(output_bytes=2**24))
    assert result.output == data
    assert not result.flooded


def test_deep_recursion_in_the_main_thread_and_in_one_with_a_stack_of_its_own(run: Run) -> None:
    deep = "import sys, threading\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\n"
    assert run(deep + "print(f(50000))").output == b"50000\n"
    threaded = (
        "threading.stack_size(1 << 27)\nthread = threading.Thread(target=lambda: print(f(50000)))\nthread.start()\n"
    )
    assert run(deep + threaded).output == b"50000\n"


def test_the_order_of_a_set_is_the_same_every_time(run: Run) -> None:
    program = "print({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})"
    assert run(program).output == run(program).output


def test_nothing_is_left_from_one_run_to_the_next(run: Run) -> None:
    assert run("print(len(open(__file__).read()), len(input()))", b"x" * 1000).exit_status == 0
    assert run("print(open('/dev/stdin').read())", b"y").output == b"y\n"
    assert run("print(1)").output == b"1\n"


@pytest.mark.parametrize(
    ("program", "exit_status"),
    [
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("import ctypes\nctypes.string_at(0)", 128 + 11),
        ("def f(:", 1),
    ],
)
def test_how_a_program_ended_is_told_as_a_shell_does(run: Run, program: str, exit_status: int) -> None:
    assert run(program).exit_status == exit_status


def test_what_it_said_last_is_kept(run: Run) -> None:
    result = run("import sys\nsys.stderr.write('x' * 100000)\nraise KeyError('here')")
    assert result.error.endswith(b"KeyError: 'here'\n")
    assert 4000 < len(result.error) <= 4096


def test_an_error_names_the_program_alike_wherever_its_box_lies(run: Run) -> None:
    assert b'File "/box/main.py", line 2' in run("import sys\n1 / 0").error


def test_cpu_time_and_memory_are_measured(run: Run) -> None:
    result = run(
        "import time\nbegan = time.process_time()\nwhile time.process_time() < began + 0.3: pass\nx = bytearray(10**8)"
    )
    assert 0.3 < result.cpu_s < 1.0
    assert result.peak_bytes > 10**8
    idle = run("import time\ntime.sleep(0.3)")
    assert idle.cpu_s < 0.2
    assert idle.wall_s > 0.3


def test_many_at_a_time_keep_to_themselves(sandbox: LaunchedSandbox) -> None:
    def double(number: int) -> bytes:
        return sandbox.run(Spec(b"print(2 * int(input()))", b"%d\n" % number, LIMITS)).output

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(double, range(30))) == [b"%d\n" % (2 * number) for number in range(30)]
