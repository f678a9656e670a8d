"""The programs of the self-check: some that are right, some that are wrong, and some that try to get out.

A hostile program tries everything that it can think of, and prints what it got away with, or "contained". It reads from
standard input where there is something to get at: a file with a secret, listening sockets. If it were not contained it
would still do no harm: it takes little, for a short time, and only what was put there for it.
"""

from typing import NamedTuple

from qwenlab.evaluation.programs.verdict import Verdict

CONTAINED = "contained"
PRIVATE_FILES = "this machine's private files"


class Trial(NamedTuple):
    """A program, and what must become of it."""

    name: str
    program: str
    verdict: Verdict
    output: str = CONTAINED
    time_s: float = 5.0
    assertions: str = ""
    """Of a function, which is judged by them instead of its output."""


HOSTILE = """\
import ctypes, errno, json, os, sys
targets = json.load(sys.stdin)
escaped = []

def attempt(what, action, *arguments):
    try:
        escaped.append(f"{what}: {action(*arguments)!r}"[:200])
    except (OSError, ValueError):  # setrlimit refuses with a ValueError
        pass

def finish():
    print("; ".join(escaped) or "contained")

"""

PROCESSES = """
import subprocess, time

def fork(work):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child

attempt("memory by many processes", lambda: [fork(lambda: (bytearray(2**24), time.sleep(0.2))) for _ in range(8)])
attempt("a command", subprocess.run, ["/usr/bin/true"])
attempt("posix_spawn", os.posix_spawn, "/usr/bin/true", ["true"], {})
finish()
"""

DAEMON = """
import time

def leave():
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(2)
        os._exit(0)
    return child

attempt("a daemon", leave)
finish()
"""

NETWORK = """
import socket

def tcp():
    return socket.create_connection(("127.0.0.1", targets["tcp"]), timeout=1)

def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"out", ("127.0.0.1", targets["udp"]))

def unix(address):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    return connection

def datagram_pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

def listen():
    return socket.create_server(("127.0.0.1", 0))

attempt("TCP to this machine", tcp)
attempt("UDP to this machine", udp)
attempt("an abstract socket", unix, "\\0" + targets["abstract"])
attempt("a socket file", unix, targets["socket"])
attempt("a pair of sockets", datagram_pair)
attempt("listening", listen)
attempt("names", socket.create_connection, ("localhost", targets["tcp"]), 1)
finish()
"""

READING = """
def read(path):
    return os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 80)

for path in (targets["secret"], "/etc/passwd", "/etc/hostname", "/proc/self/status", "/proc/1/cmdline", "/proc/cpuinfo",
             "/sys/kernel/uevent_seqnum", "/dev/kmsg", "/dev/mem", "/dev/tty", "/dev/ptmx"):
    attempt(path, read, path)
for folder in targets["folders"]:
    attempt(folder, lambda: os.listdir(folder)[:3])
finish()
"""

PRIVATE = """
def read(path):
    return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)

for path in targets["private"]:
    try:
        read(path)
        escaped.append(path)
    except OSError:
        pass
finish()
"""

WRITING = """
import tempfile

def file(path):
    open(path, "x").close()
    os.remove(path)
    return path

def folder(path):
    os.mkdir(path)
    os.rmdir(path)
    return path

def link(path):
    os.symlink("/usr", path)
    os.remove(path)
    return path

def temporary():
    return file(tempfile.mktemp())

def overwrite():
    with open(targets["secret"], "w") as secret:
        return secret.write("changed")

for place in ("/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/usr", "/usr/lib", "/etc", "/home", "/box", ".",
               os.path.dirname(os.path.abspath(__file__)), targets["folder"]):
    for make in (file, folder, link):
        attempt(make.__name__ + " in " + place, make, os.path.join(place, "qwenlab-out"))
attempt("its own source", open, __file__, "r+")
attempt("its own input", open, "/dev/stdin", "r+")
attempt("another's file", overwrite)
attempt("truncating", os.truncate, targets["secret"], 0)
attempt("moving", os.rename, targets["secret"], targets["secret"] + "2")
attempt("removing", os.remove, targets["secret"])
attempt("modes", os.chmod, targets["secret"], 0o777)
attempt("times", os.utime, targets["secret"], (0, 0))
attempt("attributes", os.setxattr, targets["secret"], "user.out", b"1")
attempt("a temporary file", temporary)
finish()
"""

SHARED_MEMORY = """
from multiprocessing import shared_memory

libc = ctypes.CDLL(None, use_errno=True)

def checked(answer):
    if answer == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return answer

def file(path):
    open(path, "x").close()
    os.remove(path)
    return path

def posix():
    block = shared_memory.SharedMemory(None, True, 2**20)
    block.unlink()
    return block

def system_v():
    block = checked(libc.shmget(0, 2**20, 0o1600))
    libc.shmctl(block, 0, None)
    return block

attempt("memfd", os.memfd_create, "out")
attempt("/dev/shm", file, "/dev/shm/qwenlab-out")
attempt("POSIX", posix)
attempt("System V", system_v)
finish()
"""

ENVIRONMENTS = """
import re

for name in os.environ.keys() - set(targets["environment"]):
    escaped.append(f"{name}={os.environ[name]}"[:200])
for process in ("self", "thread-self", os.getppid(), *range(1, 65), *range(os.getpid() - 32, os.getpid() + 32)):
    attempt(f"environment of {process}", lambda: open(f"/proc/{process}/environ", "rb").read(80))
finish()
"""

SETTINGS = """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger",
             "/proc/self/oom_score_adj", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup/cgroup.procs"):
    attempt(path, os.open, path, os.O_WRONLY)
    attempt(path, os.open, path, os.O_RDONLY)
attempt("host name", lambda: __import__("socket").sethostname("out"))
attempt("priority", os.setpriority, os.PRIO_PROCESS, 0, -1)
attempt("root", os.setuid, 0)
finish()
"""

OTHERS = """
import resource

libc = ctypes.CDLL(None, use_errno=True)

def outlive_the_launcher():
    if libc.prctl(1, 0) == -1:
        raise OSError(ctypes.get_errno(), "refused")

for process in (1, os.getppid(), os.getpid() - 1):
    attempt(f"a signal to {process}", os.kill, process, 0)
    attempt(f"limits of {process}", resource.prlimit, process, resource.RLIMIT_NOFILE)
    attempt(f"priority of {process}", os.setpriority, os.PRIO_PROCESS, process, 19)
attempt("a signal to all", os.kill, -1, 0)
attempt("the signal that ends it", outlive_the_launcher)
attempt("more memory", resource.setrlimit, resource.RLIMIT_CORE, (1, 1))
finish()
"""

DESCRIPTORS = """
for descriptor in range(3, 4096):
    attempt(f"descriptor {descriptor}", os.fstat, descriptor)
for descriptor in range(3):
    if os.isatty(descriptor):
        escaped.append(f"terminal {descriptor}")
finish()
"""

CALLS = """
libc = ctypes.CDLL(None, use_errno=True)
nothing = [ctypes.c_long(-1)] * 6
for name, number, refusal in targets["calls"]:
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(number), *nothing) != -1 or ctypes.get_errno() != refusal:
        escaped.append(f"{name}: {errno.errorcode.get(ctypes.get_errno(), 'allowed')}")
finish()
"""

THREADS = """\
import sys, threading
sys.setrecursionlimit(10**6)
threading.stack_size(2**26)

def depth(n):
    return n and 1 + depth(n - 1)

found = []
threads = [threading.Thread(target=lambda: found.append(depth(20000))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(found))
"""

MEMORY = """\
taken = []
for _ in range(64):
    taken.append(bytearray(2**24))
print("1 GiB")
"""

FLOOD = """\
import os
for _ in range(64):
    try:
        os.write({descriptor}, b"x" * 2**20)
    except OSError:
        pass
"""

DEAF = """\
import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass
"""

VERDICT_TRIALS = (  # those that take long first
    Trial("a loop", "while True:\n    pass", Verdict.TLE, "", time_s=0.5),
    Trial("a loop that ignores signals", DEAF, Verdict.TLE, "", time_s=0.5),
    Trial("sleep", "import time\ntime.sleep(60)", Verdict.TLE, "", time_s=0.1),
    Trial("a right answer", "print(40 + 2)", Verdict.AC, "42"),
    Trial(
        "integers of any length", "print(int('9' * 20000) + 1 == 10**20000, str(2**20000)[:4])", Verdict.AC, "True 3980"
    ),
    Trial("threads, and deep recursion", THREADS, Verdict.AC, "80000"),
    Trial("a wrong answer", "print(40 + 3)", Verdict.WA, "42"),
    Trial("a right answer, exit status 3", "print(42)\nraise SystemExit(3)", Verdict.RE, "42"),
    Trial("a right answer, then an exception", "print(42)\n1 / 0", Verdict.RE, "42"),
    Trial("a right answer, then a crash", "import os\nprint(42, flush=True)\nos.abort()", Verdict.RE, "42"),
    Trial("memory by one process", MEMORY, Verdict.MLE, ""),
    Trial("a flood of output", FLOOD.format(descriptor=1), Verdict.OLE, ""),
    Trial("a flood of errors", FLOOD.format(descriptor=2), Verdict.OLE, ""),
)

FUNCTION_TRIALS = tuple(
    Trial(f"a {name}", program, verdict, "", assertions="assert add(2, 2) == 4")
    for name, program, verdict in (
        ("right function", "def add(x, y):\n    print(x)\n    return x + y", Verdict.AC),
        ("wrong function", "def add(x, y):\n    return x - y", Verdict.WA),
        ("function that exits before its assertion", "import sys\nsys.exit(0)", Verdict.WA),
        ("function that ends the process in it", "def add(x, y):\n    import os\n    os._exit(0)", Verdict.WA),
    )
)

HOSTILE_TRIALS = tuple(
    Trial(name, HOSTILE + program, Verdict.AC)
    for name, program in (
        ("processes, and memory by many", PROCESSES),
        ("daemons", DAEMON),
        ("network", NETWORK),
        ("reading outside", READING),
        (PRIVATE_FILES, PRIVATE),
        ("writing outside", WRITING),
        ("shared memory", SHARED_MEMORY),
        ("the judge's environment", ENVIRONMENTS),
        ("the host's settings", SETTINGS),
        ("other processes", OTHERS),
        ("open files", DESCRIPTORS),
        ("system calls", CALLS),
    )
)

TRIALS = VERDICT_TRIALS + FUNCTION_TRIALS + HOSTILE_TRIALS
