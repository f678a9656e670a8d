"""Sixty programs that mean harm. Each prints a line that begins with ESCAPED for whatever it got away with.

They read from standard input what there is to get at: `secret` is a file that every user may read and write, in
`folder`, beside a `socket`; `tcp` and `udp` are ports that somebody listens at; `judge` is the judging process.
Those that starve others take what they can get, and hold it for a while.
"""

PRELUDE = '''\
import ctypes, errno, fcntl, glob, json, mmap, os, resource, signal, socket, struct, sys, threading, time
aim = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)
SECRET = aim["secret"]
X86 = os.uname().machine == "x86_64"

def tried(action, *arguments):
    try:
        got = action(*arguments)
    except (Exception, SystemExit):
        return
    print("ESCAPED", getattr(action, "__name__", action), arguments, repr(got)[:300], flush=True)

def call(x86, arm, *arguments):
    """A system call by its numbers."""
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    answer = libc.syscall(ctypes.c_long(x86 if X86 else arm), *given)
    if answer == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return answer

def read(path):
    with open(path, "rb") as file:
        return file.read(200)

def as_many(action, seconds=0.7, most=10**6):
    """As often as it goes."""
    kept, end = [], time.monotonic() + seconds
    try:
        while time.monotonic() < end and len(kept) < most:
            kept.append(action())
    except Exception:
        pass
    return kept
'''

READS = {
    "the secret by its name": "tried(read, SECRET)",
    "the secret by a link": "tried(os.symlink, SECRET, 'link'); tried(os.link, SECRET, 'hard'); tried(read, 'link')",
    "the secret by way of /proc": """
for root in ("self", "1", aim["judge"], os.getppid(), "thread-self"):
    tried(read, f"/proc/{root}/root{SECRET}"); tried(read, f"/proc/{root}/cwd/{os.path.basename(SECRET)}")
""",
    "environments of all processes": """
for process in [*range(1, 300), os.getppid(), aim["judge"], *range(os.getpid() - 50, os.getpid() + 50)]:
    tried(read, f"/proc/{process}/environ")
for name, value in os.environ.items():
    if "CANARY" in name: print("ESCAPED", name, value)
""",
    "the judge's memory": """
for process in (aim["judge"], os.getppid()):
    tried(read, f"/proc/{process}/mem"); tried(read, f"/proc/{process}/maps")
    tried(lambda: call(101, 117, 16, process, 0, 0))
    data = ctypes.create_string_buffer(64)
    part = struct.pack("PN", ctypes.addressof(data), 64)
    tried(lambda: call(310, 270, process, part, 1, part, 1, 0))
""",
    "the judge's open files": """
for process in (aim["judge"], os.getppid(), 1):
    for number in range(12):
        tried(read, f"/proc/{process}/fd/{number}")
    tried(lambda: call(438, 438, call(434, 434, process, 0), 0, 0))
""",
    "by a descriptor that was left": """
for number in range(3, 1024):
    tried(os.fstat, number); tried(os.read, number, 10); tried(os.write, number, b'{"exit": 0}\\n')
""",
    "by climbing out of the box": """
for depth in range(1, 12):
    tried(read, "../" * depth + SECRET.lstrip("/"))
    tried(lambda: os.open(SECRET.lstrip("/"), os.O_RDONLY, dir_fd=os.open("../" * depth, os.O_RDONLY)))
    tried(lambda: os.open(SECRET.lstrip("/"), os.O_RDONLY, dir_fd=os.open("/", os.O_PATH)))
""",
    "by handle, mount and new root": """
tried(lambda: call(303, 264, -100, SECRET.encode(), 0, 0, 0)); tried(lambda: call(304, 265, -100, 0, 0))
tried(lambda: call(161, 51, b"/")); tried(lambda: call(155, 41, b"/", b"/"))
tried(lambda: call(428, 428, -100, b"/", 1))
tried(lambda: call(165, 40, b"none", b"/tmp", b"tmpfs", 0, 0)); tried(lambda: call(272, 97, 0x10000000))
""",
    "by another program": """
for command in (["/bin/cat", SECRET], ["/usr/bin/env"], ["/bin/sh", "-c", f"cat {SECRET}"]):
    tried(os.posix_spawn, command[0], command, {}); tried(os.execv, command[0], command)
""",
    "by a queue of the kernel": """
room = ctypes.create_string_buffer(128)
tried(lambda: call(425, 425, 8, room)); tried(lambda: call(206, 0, 8, room))
tried(lambda: call(321, 280, 0, room, 72)); tried(lambda: call(298, 241, room, 0, -1, -1, 0))
tried(lambda: call(248, 217, b"user", b"k", b"v", 1, -3)); tried(lambda: call(250, 219, 0, -3, 0, 0, 0))
""",
    "folders that hold what is private": """
for folder in ("/home", "/root", "/var", "/opt", "/srv", "/usr/src", "/mnt", "/etc/ssl", aim["folder"], aim["package"]):
    tried(os.listdir, folder)
""",
    "the tests themselves": """
for path in (aim["package"] + "/tiny/test.jsonl", aim["package"] + "/__init__.py", "/proc/self/cwd/../problems.jsonl"):
    tried(read, path)
for pattern in ("/*/*.jsonl", "/*/*/*.jsonl", "/tmp/*", "/var/tmp/*", "../../*/secret"):
    for path in glob.glob(pattern): tried(read, path)
""",
    "devices": """
known = [f"/dev/{name}" for name in ("mem", "kmsg", "sda", "vda", "tty", "ptmx", "fuse", "kvm", "zero")]
for path in glob.glob("/dev/*") + known:
    if path not in ("/dev/null", "/dev/stdin"): tried(os.open, path, os.O_RDONLY | os.O_NONBLOCK)
""",
    "memory of others that is shared": """
tried(lambda: call(29, 194, 0, 4096, 0o1600)); tried(lambda: call(68, 186, 0, 0o1600))
tried(lambda: call(64, 190, 0, 1, 0o1600)); tried(lambda: call(240, 180, b"q", 0o102, 0o600, 0))
tried(os.memfd_create, "m"); tried(lambda: call(447, 447, 0))
tried(os.listdir, "/dev/shm"); tried(lambda: call(323, 282, 0))
""",
}
"""Programs that read what is not theirs."""

REACHES = {
    "the network by TCP": "tried(socket.create_connection, ('127.0.0.1', aim['tcp']), 1)",
    "the network by UDP": "tried(lambda: socket.socket(2, 2).sendto(b'out', ('127.0.0.1', aim['udp'])))",
    "a socket's file": "tried(lambda: socket.socket(socket.AF_UNIX).connect(aim['folder'] + '/socket'))",
    "an abstract socket": "tried(lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + aim['abstract']))",
    "sockets of every family": """
for family in range(50):
    for kind in (1, 2, 3, 5):
        tried(lambda: call(41, 198, family, kind, 0))
        tried(lambda: call(53, 199, family, kind, 0, ctypes.create_string_buffer(8)))
""",
    "signals to everybody": """
for process in (-1, 0, 1, os.getppid(), aim["judge"], os.getpid()):
    tried(os.kill, process, signal.SIGKILL); tried(lambda: call(129, 138, process, 9, ctypes.create_string_buffer(128)))
tried(lambda: call(200, 130, aim["judge"], 9)); tried(lambda: call(424, 424, 3, 9, 0, 0))
tried(fcntl.fcntl, 1, 8, aim["judge"]); tried(fcntl.fcntl, 1, 10, 9)
""",
    "others' limits and priorities": """
for process in (aim["judge"], os.getppid(), 1):
    tried(resource.prlimit, process, resource.RLIMIT_CPU, (0, 0)); tried(os.setpriority, os.PRIO_PROCESS, process, 19)
    tried(os.sched_setaffinity, process, {0}); tried(lambda: call(251, 30, 1, process, 3 << 13))
tried(os.setpriority, os.PRIO_USER, 0, 19); tried(os.nice, -5)
""",
    "the machine's settings": """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/sys/power/state"):
    tried(os.open, path, os.O_WRONLY)
tried(socket.sethostname, "mine"); tried(time.clock_settime, time.CLOCK_REALTIME, 0)
tried(lambda: call(169, 142, 0, 0, 0, 0)); tried(lambda: call(162, 81))
tried(os.setuid, 0); tried(os.setgroups, [0])
""",
}
"""Programs that reach somebody."""

CHANGES = {
    "the secret": """
tried(open, SECRET, "w"); tried(os.truncate, SECRET, 0); tried(os.remove, SECRET)
tried(os.rename, SECRET, SECRET + "2"); tried(os.chmod, SECRET, 0); tried(os.utime, SECRET, (0, 0))
tried(os.chown, SECRET, -1, -1); tried(os.setxattr, SECRET, "user.x", b"1"); tried(os.mkdir, aim["folder"] + "/mine")
""",
    "its own source and input, for who comes after": """
for path in ("main.py", "stdin", __file__, "/dev/stdin", "/proc/self/fd/0"):
    tried(open, path, "r+"); tried(os.chmod, path, 0o777); tried(os.remove, path); tried(os.truncate, path, 0)
tried(os.ftruncate, 0, 0); tried(os.write, 0, b"x"); tried(os.fchmod, 0, 0); tried(os.utime, 0)
""",
    "what the next interpreter loads": """
for folder in [*sys.path, ".", os.path.dirname(os.__file__), "/usr/lib/python3/dist-packages", "/"]:
    for name in ("sitecustomize.py", "usercustomize.py", "json.py", "evil.pth", "__pycache__"):
        tried(open, os.path.join(folder, name), "w"); tried(os.mkdir, os.path.join(folder, "__pycache__"))
""",
    "anywhere": """
folders = "/ /tmp /var/tmp /dev /dev/shm /run /box /usr /lib .. ../..".split()
for folder in [*folders, aim["folder"]]:
    tried(open, folder + "/mine", "w"); tried(os.mkdir, folder + "/mine"); tried(os.symlink, "/", folder + "/mine")
    tried(os.open, folder, os.O_TMPFILE | os.O_RDWR); tried(os.mkfifo, folder + "/mine")
""",
    "flags and locks of files": """
for number in (0, 1, 2):
    tried(fcntl.ioctl, number, 0x40086602, struct.pack("q", 0x80)); tried(fcntl.ioctl, number, 0x40049409, 0)
    tried(fcntl.flock, number, fcntl.LOCK_EX | fcntl.LOCK_NB); tried(fcntl.fcntl, number, 1024, 1)
with open(sys.executable, "rb") as python:
    tried(fcntl.flock, python, fcntl.LOCK_EX | fcntl.LOCK_NB); tried(fcntl.lockf, python, fcntl.LOCK_SH | fcntl.LOCK_NB)
    tried(fcntl.fcntl, python, 1026, 4)
""",
}
"""Programs that change what stays."""
