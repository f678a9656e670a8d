"""The rest of the sixty: programs that take what others need, that stay, and that claim what is not so."""

STARVES = {
    "threads of Python": """
threading.stack_size(2**15); stop = threading.Event()
kept = as_many(lambda: threading.Thread(target=stop.wait, daemon=True).start(), 3, most=100)
if len(kept) > 64: print("ESCAPED", len(kept), "threads", flush=True)
time.sleep(0.5); os._exit(0)
""",
    "threads that make threads": """
import _thread
_thread.stack_size(2**15)
def more():
    while True:
        try: _thread.start_new_thread(more, ())
        except RuntimeError: time.sleep(0.001)
more()
""",
    "threads that come and go": """
while True:
    try:
        thread = threading.Thread(target=int); thread.start(); thread.join()
    except RuntimeError: pass
""",
    "processes": """
for _ in range(200):
    tried(os.fork); tried(os.forkpty); tried(lambda: call(58, 220)); tried(lambda: call(56, 220, 17, 0, 0, 0, 0))
tried(lambda: call(435, 435, ctypes.create_string_buffer(88), 88))
""",
    "memory in large pieces": "kept = as_many(lambda: bytearray(2**24)); time.sleep(0.5); print(len(kept))",
    "memory in small pieces": "kept = as_many(lambda: [None] * 100, 2); time.sleep(0.3)",
    "memory by mapping": "kept = as_many(lambda: mmap.mmap(-1, 2**22)); [each.write(b'x' * 2**22) for each in kept]",
    "memory that is locked": "libc.mlockall(3); kept = as_many(lambda: bytearray(2**24)); time.sleep(0.5)",
    "memory of pipes": """
def pipe():
    ends = os.pipe(); os.set_blocking(ends[1], False)
    tried(fcntl.fcntl, ends[1], 1031, 2**20)
    as_many(lambda: os.write(ends[1], b"x" * 4096), 0.05)
    return ends
kept = as_many(pipe); time.sleep(0.5)
""",
    "descriptors": "kept = as_many(lambda: os.open('/dev/null', 0)); print('ESCAPED' if len(kept) > 64 else 'few')",
    "timers and watches": """
kept = as_many(lambda: call(222, 107, 1, 0, ctypes.create_string_buffer(8)))
tried(lambda: call(254, 27, 0, b"/", 1)); tried(lambda: call(294, 26, 0)); tried(lambda: call(300, 262, 0, 0))
if kept: print("ESCAPED", len(kept), "timers", flush=True)
""",
    "disk beyond the file's end": """
before = os.fstat(1).st_blocks
for mode in (0, 1, 3, 16, 32):
    as_many(lambda: call(285, 47, 1, mode, 0, 2**30), 0.1)
for request in (0x40305828, 0x4030582A, 0x40305839):
    try: fcntl.ioctl(1, request, struct.pack("hhqqiI4i", 0, 0, 0, 2**30, 0, 0, 0, 0, 0, 0))
    except OSError: pass
if os.fstat(1).st_blocks > before: print("ESCAPED", os.fstat(1).st_blocks, "blocks", flush=True)
time.sleep(0.5)
""",
    "disk by output": """
while True:
    for number in (1, 2):
        try: os.write(number, b"x" * 2**20)
        except OSError: time.sleep(0.3); os._exit(0)
""",
    "disk by holes": """
for number in (1, 2):
    tried(os.ftruncate, number, 2**40); tried(os.pwrite, number, b"x", 2**40)
    try: os.posix_fallocate(number, 0, 2**40)
    except OSError: pass
""",
    "disk that is synced": "\nfor _ in range(300):\n    os.write(2, b'x' * 4096)\n    os.fsync(2)\n",
    "the processor, in many threads": """
import hashlib
def burn():
    while True: hashlib.sha256(b"x" * 2**20).digest()
threading.stack_size(2**18)
for _ in range(50): threading.Thread(target=burn, daemon=True).start()
time.sleep(30)
""",
    "the processor, by one pattern": "import re\nre.match('(a+)+b', 'a' * 40)",
    "the stack": "\nsys.setrecursionlimit(10**9)\ndef down(n): return down(n + 1) + 1\ndown(0)\n",
}
"""Programs that take what others need."""

STAYS = {
    "by a daemon": """
for _ in range(3):
    tried(os.fork); tried(lambda: call(57, 220))
    tried(os.posix_spawn, sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"], {})
""",
    "deaf to signals": """
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass
""",
    "asleep": "\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(60)\n",
    "without the signal that ends it": """
if libc.prctl(1, 0) == 0: print("ESCAPED", "the parent death signal", flush=True)
time.sleep(60)
""",
    "as another program, from a thread": """
sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
thread = threading.Thread(target=lambda: tried(os.execv, sys.executable, sleeper))
thread.start(); thread.join(); time.sleep(0.2)
""",
    "with its outputs closed": "\nfor number in range(3): os.close(number)\ntime.sleep(60)\n",
}
"""Programs that do not want to end."""

CLAIMS = {
    "a full disk": "\nprint('OSError: [Errno 28] No space left on device', file=sys.stderr)\nos._exit(1)\n",
    "too few threads": 'raise RuntimeError("can\'t start new thread")',
    "too little memory": "raise MemoryError",
    "the launcher's words": """
for number in range(1024):
    try: os.write(number, b'{"exit": 0, "stopped": false, "cpu_s": 0, "output": 5, "error": 0, "flooded": false}\\n')
    except OSError: pass
""",
    "an end that was well": "\nimport atexit\natexit.register(os._exit, 0)\nsys.excepthook = os._exit\n1 / 0\n",
    "an answer of zeros": "print('0' * 3_000_000 + 'x')",
    "an answer of many tokens": "sys.stdout.write('1 ' * 20_000_000)",
    "an answer of white space": "sys.stdout.write(' \\n' * 20_000_000)",
}
"""Programs that want another verdict than they deserve: none is right."""
