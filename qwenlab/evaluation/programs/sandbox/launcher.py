"""Starts programs, one at a time, under limits, and tells how each ended.

A program of its own, run by the judging interpreter from its source text: it imports nothing but the standard library,
and works for Python 3.9 and later. It is small, has one thread and an empty environment, so that starting a program
from it is quick and safe, whatever the judge's own process looks like; and where the judge is root, it is not.

On standard input come a line of JSON and the bytes that it counts: the program and what it reads. On standard output go
a line of JSON and the bytes that it counts: what the program wrote. When the input ends, because the judge is done or
dead, whatever runs is killed and the folder is removed. On an error that is not foreseen here this process ends, and
with it, by their own settings, whatever it started; the judge sees that, and starts another.
"""

import base64
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

STATUS_FD, FILTER_FD, HOLD_FD = 40, 41, 42  # as plan.py has them

# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SECCOMP_MODE_FILTER = 2
# linux/seccomp.h
SET_MODE_FILTER, NEW_LISTENER, CONTINUE = 1, 8, 1
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101
NOTIF, QUESTION, ANSWER = 80, "=Q8xi", "=QqiI"  # struct seccomp_notif: its size, its id and call; seccomp_notif_resp
# linux/landlock.h; the numbers are the same on every machine
CREATE_RULESET, ADD_RULE, RESTRICT_SELF, PATH_BENEATH = 444, 445, 446, 1

IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""By every Python, and what is ignored stays so in what it starts."""

STACK_BYTES = 64 << 20
"""Of the main thread, and of others by default: room for deep recursion, and, as address space, for some threads."""

END_S = 2.0
"""How long what is left of a run may take to end once its program is killed."""

CHUNK = 1 << 20
libc = ctypes.CDLL(None, use_errno=True)


class Filter(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h, from instructions as they are packed."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    def __init__(self, packed: bytes) -> None:
        super().__init__(len(packed) // 8, packed)


class InNamespaces:
    """bwrap contains the program, and holds it back until this process has set its limits from outside.

    So nothing is forked from this process, whose pages would have to be copied; and processes are counted inside, where
    a limit that is set before bwrap has made its namespaces would count all that the user runs.
    """

    def __init__(self, plan: dict[str, Any], box: Path) -> None:
        self.command = [_in_box(word, box) for word in plan["command"]]
        self.environment: dict[str, str] = plan["environment"]
        self.filter = base64.b64decode(plan["seccomp"])
        self.questions: int | None = None

    def start(self, request: dict[str, Any], files: dict[int, int]) -> int:
        """Start it, limit it, let it go. Files are this process's by the numbers that they get."""
        self.status, status = os.pipe()
        held, hold = os.pipe()
        program = _filled_pipe(self.filter)
        given = {**files, STATUS_FD: status, FILTER_FD: program, HOLD_FD: held}
        child = os.posix_spawn(
            self.command[0],
            self.command,
            self.environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, own, number) for number, own in given.items()],
            setsid=True,
            setsigdef=IGNORED,
        )
        for descriptor in (status, held, program):
            os.close(descriptor)
        self.told = _first_line(self.status)
        if self.told:
            self.inside: int = json.loads(self.told)["child-pid"]
            for limit, value in _limits(request).items():
                resource.prlimit(self.inside, limit, value)
            os.write(hold, b"go")
        os.close(hold)
        return child

    def stop(self) -> None:
        """Kill the program alone. What its PID 1 does not wait for, because it is killed too, nobody counts."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if _parent_and_threads(int(folder.name))[0] == self.inside:
                    os.kill(int(folder.name), signal.SIGKILL)

    def exit_status(self, status: int) -> dict[str, Any]:
        """As bwrap tells it; its own says nothing of the program's. Nothing, if the program did not start or end."""
        del status
        with os.fdopen(self.status, "rb") as rest:
            lines = rest.read().splitlines()
        with contextlib.suppress(ValueError):  # bwrap was killed while it wrote the line
            for line in lines:
                told = json.loads(line)
                if "exit-code" in told:
                    return {"exit": told["exit-code"]}
        return {}


class Restricted:
    """The child restricts itself with Landlock, limits and the filter, and then becomes the program."""

    def __init__(self, plan: dict[str, Any], box: Path) -> None:
        self.command = [_in_box(word, box) for word in plan["command"]]
        self.environment: dict[str, str] = plan["environment"]
        self.filter = Filter(base64.b64decode(plan["seccomp"]))
        self.asking = Filter(base64.b64decode(plan["asked"]["seccomp"]))
        self.seccomp, self.execve = plan["asked"]["calls"]
        self.questions: int | None = None  # where the kernel asks, while a program runs
        self.box = box
        handled = plan["landlock"]["handled"]
        fields = struct.pack(f"={len(handled)}Q", *handled)
        self.ruleset = _checked(libc.syscall(CREATE_RULESET, fields, ctypes.c_size_t(len(fields)), 0))
        os.set_inheritable(self.ruleset, False)
        for path, granted in plan["landlock"]["rules"]:
            beneath = os.open(_in_box(path, box), os.O_PATH | os.O_CLOEXEC)
            _checked(libc.syscall(ADD_RULE, self.ruleset, PATH_BENEATH, struct.pack("=Qi", granted, beneath), 0))
            os.close(beneath)

    def start(self, request: dict[str, Any], files: dict[int, int]) -> int:
        """Start it. Files are this process's by the numbers that they get."""
        self.status, status = os.pipe()
        receiving, sending = socket.socketpair()
        child = os.fork()
        if child == 0:
            self._become_program(request, files, status, sending)
        os.close(status)
        sending.close()
        with receiving:  # nothing comes if the program could not be started
            self.questions = next(iter(socket.recv_fds(receiving, 1, 1)[1]), None)
        self.threads: int = request["threads"]
        self.begun = False
        return child

    def answer(self, child: int) -> None:
        """Grant the start of the program and so many threads, and nothing more."""
        assert self.questions is not None
        question = bytearray(NOTIF)
        with contextlib.suppress(FileNotFoundError):  # who asked is gone
            fcntl.ioctl(self.questions, NOTIF_RECV, question)
            (asked, call) = struct.unpack_from(QUESTION, question)
            if call == self.execve:
                error, self.begun = (-errno.EPERM if self.begun else 0), True
            else:
                error = -errno.EAGAIN if _parent_and_threads(child)[1] >= self.threads else 0
            fcntl.ioctl(self.questions, NOTIF_SEND, struct.pack(ANSWER, asked, 0, error, 0 if error else CONTINUE))

    def exit_status(self, status: int) -> dict[str, Any]:
        """As a shell tells it, or why the program was not started."""
        if self.questions is not None:
            os.close(self.questions)
            self.questions = None
        with os.fdopen(self.status, "rb") as told:
            failure = told.read().decode()
        if failure:
            return {"failed": failure}
        return {"exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)}

    def _become_program(
        self, request: dict[str, Any], files: dict[int, int], status: int, sending: socket.socket
    ) -> NoReturn:
        failure = "an error before the program was started"
        try:
            os.setsid()
            _checked(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
            for ignored in IGNORED:
                signal.signal(ignored, signal.SIG_DFL)
            for number, own in files.items():
                os.dup2(own, number)
            os.chdir(self.box)
            for limit, value in _limits({**request, "threads": None}).items():
                resource.setrlimit(limit, value)
            _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
            _checked(libc.syscall(RESTRICT_SELF, self.ruleset, 0))
            asking = ctypes.byref(self.asking)
            asked = _checked(libc.syscall(self.seccomp, SET_MODE_FILTER, NEW_LISTENER, asking))
            socket.send_fds(sending, [b"."], [asked])
            os.close(asked)
            _checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(self.filter), 0, 0))
            os.execve(self.command[0], self.command, self.environment)
        except (OSError, ValueError) as error:
            failure = str(error)
        finally:  # only reached when the program was not started
            os.write(status, failure.encode())
            os._exit(127)


def serve(plan: dict[str, Any], folder: Path) -> None:
    """Run what comes in, until nothing does."""
    box = folder / "box"
    box.mkdir()
    way = Restricted(plan, box) if plan["landlock"] else InNamespaces(plan, box)
    _tell({"folder": str(folder)})
    while line := sys.stdin.buffer.readline():
        request = {**json.loads(line), "threads": plan["threads"]}
        _receive(box / "main.py", request["program"])
        _receive(box / "stdin", request["stdin"])
        with (
            (box / "stdin").open("rb") as stdin,
            tempfile.TemporaryFile(dir=folder) as output,
            tempfile.TemporaryFile(dir=folder) as errors,
        ):
            answer = run(way, request, {0: stdin.fileno(), 1: output.fileno(), 2: errors.fileno()})
            if _is_full(folder):  # whatever became of the program, it may be for that
                answer["failed"] = f"the disk of {folder} is full"
            cap, tail = request["output_bytes"], request["error_bytes"]
            written, said = os.fstat(output.fileno()).st_size, os.fstat(errors.fileno()).st_size
            answer.update(output=min(written, cap), error=min(said, tail), flooded=max(written, said) >= cap)
            _tell(answer)
            _send(output, 0, answer["output"])
            _send(errors, said - answer["error"], answer["error"])


def run(way: "InNamespaces | Restricted", request: dict[str, Any], files: dict[int, int]) -> dict[str, Any]:
    """Start the program, wait for it or stop it, and see to it that nothing of it is left."""
    began = time.monotonic()
    child = way.start(request, files)
    try:
        stopped = not _ends_within(child, request["wall_s"], way)
        if stopped and isinstance(way, InNamespaces) and way.told:
            way.stop()
            _ends_within(child, END_S, way)
    finally:
        wall_s = time.monotonic() - began
        status, used = _kill_and_reap(child)
    return {"stopped": stopped, "wall_s": wall_s, **used, **way.exit_status(status)}


def _limits(request: dict[str, Any]) -> dict[int, tuple[int, int]]:
    """Soft and hard. They are the same, but for CPU time: first a signal that says why, a second later the end.

    Where the system's own limits are lower, a program does without; but not without memory and output, which would
    change its verdict: then setting them fails.
    """
    exactly = {resource.RLIMIT_AS: request["memory_bytes"], resource.RLIMIT_FSIZE: request["output_bytes"]}
    at_most = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 64, resource.RLIMIT_STACK: STACK_BYTES}
    if request["threads"] is not None:
        at_most[resource.RLIMIT_NPROC] = request["threads"]
    for limit, value in at_most.items():
        _, hard = resource.getrlimit(limit)
        exactly[limit] = value if hard == resource.RLIM_INFINITY else min(value, hard)
    limits = {limit: (value, value) for limit, value in exactly.items()}
    return {**limits, resource.RLIMIT_CPU: (request["cpu_s"], request["cpu_s"] + 1)}


def _ends_within(child: int, seconds: float, way: "InNamespaces | Restricted") -> bool:
    """Wait for a process, but no longer than that, and answer what is asked meanwhile.

    Raises:
        EOFError: the judge is gone.
    """
    deadline = time.monotonic() + seconds
    waiting = select.poll()
    process = os.pidfd_open(child)
    try:
        waiting.register(process, select.POLLIN)
        waiting.register(0, 0)  # only for its end
        if way.questions is not None:
            waiting.register(way.questions, select.POLLIN)
        while left := max(0.0, deadline - time.monotonic()):
            ready = dict(waiting.poll(left * 1000))
            if process in ready:
                return True
            if 0 in ready:
                raise EOFError
            if isinstance(way, Restricted) and way.questions in ready:
                if ready[way.questions] & select.POLLIN:
                    way.answer(child)
                else:  # nobody is left to ask
                    waiting.unregister(way.questions)
        return False
    finally:
        os.close(process)


def _kill_and_reap(child: int) -> tuple[int, dict[str, Any]]:
    """End whatever is left of a run, wait until all of it is gone, and add up what it used.

    This process is a subreaper: what bwrap leaves behind becomes its child, and with bwrap's PID 1 all that is in its
    namespace ends. So when there are no children left, there is nothing left.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    child_status, cpu_s, peak = 0, 0.0, 0
    while True:
        try:
            ended, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return child_status, {"cpu_s": cpu_s, "peak": peak}
        if ended == child:
            child_status = status
        cpu_s += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss * 1024)


def _is_full(folder: Path) -> bool:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < CHUNK


def _parent_and_threads(process: int) -> tuple[int, int]:
    """As /proc tells; what stands before the last bracket is a name of the process's own choice."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), int(fields[17])


def _in_box(word: str, box: Path) -> str:
    return word.replace("{box}", str(box))


def _filled_pipe(data: bytes) -> int:
    """A pipe's reading end, with some kB to read; it holds 64."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def _first_line(descriptor: int) -> bytes:
    """A line, or nothing if the other end is closed before there is one."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 1)
        if not piece:
            return b""
        line += piece
    return line


def _checked(answer: int) -> int:
    """What a call to libc returned, unless it failed."""
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _receive(path: Path, size: int) -> None:
    """From standard input to a file, a piece at a time: this process's own memory counts in its children's peak."""
    with path.open("wb") as file:
        while size:
            piece = sys.stdin.buffer.read(min(size, CHUNK))
            if not piece:
                raise EOFError
            file.write(piece)
            size -= len(piece)


def _send(file: BinaryIO, offset: int, size: int) -> None:
    while size:
        sent = os.sendfile(1, file.fileno(), offset, size)
        offset += sent
        size -= sent


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Serve until the input ends, and remove the folder."""
    _checked(libc.prctl(PR_SET_CHILD_SUBREAPER, 1))
    folder = Path(tempfile.mkdtemp(prefix="qwenlab-box-"))
    try:
        serve(json.loads(sys.argv[1]), folder)
    except (EOFError, BrokenPipeError):
        pass  # the judge is gone
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
