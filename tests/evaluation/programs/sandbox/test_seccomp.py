"""The filter, step by step as the kernel takes it, for both machines; the real kernel judges it in the self-check."""

import errno
import re
import struct
from pathlib import Path

import pytest

from qwenlab.evaluation.programs.sandbox import syscalls
from qwenlab.evaluation.programs.sandbox.seccomp import (
    ALLOW,
    ASK,
    AUDIT_ARCH,
    ERROR,
    GRANTED_REQUESTS,
    JUMP_ANY_BIT,
    JUMP_AT_LEAST,
    JUMP_EQUAL,
    KILL,
    LOAD,
    PR_SET_PDEATHSIG,
    REFUSED_COMMANDS,
    RETURN,
    ask_list,
    deny_list,
)
from qwenlab.evaluation.programs.sandbox.syscalls import Machine, Numbers

MACHINES: list[Machine] = ["x86_64", "aarch64"]
HEADERS: dict[Machine, str] = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}

# What Python itself lives by; numbers as in the tables of Linux 6.1.
NEEDED = {
    "read": Numbers(0, 63),
    "write": Numbers(1, 64),
    "close": Numbers(3, 57),
    "openat": Numbers(257, 56),
    "newfstatat": Numbers(262, 79),
    "mmap": Numbers(9, 222),
    "munmap": Numbers(11, 215),
    "mprotect": Numbers(10, 226),
    "brk": Numbers(12, 214),
    "futex": Numbers(202, 98),
    "exit_group": Numbers(231, 94),
    "getrandom": Numbers(318, 278),
    "rt_sigaction": Numbers(13, 134),
    "clock_nanosleep": Numbers(230, 115),
    "pipe2": Numbers(293, 59),
    "lseek": Numbers(8, 62),
}

CLONE_THREAD_OF_GLIBC = 0x3D0F00
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def answer(
    machine: Machine, number: int, *arguments: int, architecture: int | None = None, program: bytes | None = None
) -> int:
    """What the filter says of a call, by running it."""
    data = struct.pack("=iIQ6Q", number, architecture or AUDIT_ARCH[machine], 0, *(*arguments, *[0] * 6)[:6])
    steps = list(struct.iter_unpack("=HBBI", program or deny_list(machine)))
    position, accumulator = 0, 0
    while True:
        code, yes, no, operand = steps[position]
        position += 1
        if code == RETURN:
            return int(operand)
        if code == LOAD:
            (accumulator,) = struct.unpack_from("=I", data, operand)
            continue
        holds = {
            JUMP_EQUAL: accumulator == operand,
            JUMP_AT_LEAST: accumulator >= operand,
            JUMP_ANY_BIT: bool(accumulator & operand),
        }[code]
        position += yes if holds else no


def number_of(numbers: Numbers, machine: Machine) -> int:
    number = numbers.on(machine)
    assert number is not None
    return number


@pytest.mark.parametrize("machine", MACHINES)
def test_every_denied_call_is_denied_and_what_python_needs_is_not(machine: Machine) -> None:
    for name, numbers in syscalls.DENIED.items():
        number = numbers.on(machine)
        assert number is None or answer(machine, number) == ERROR | errno.EPERM, name
    for name, numbers in syscalls.FORK.items():
        number = numbers.on(machine)
        assert number is None or answer(machine, number) == ERROR | errno.EAGAIN, name
    for name, numbers in NEEDED.items():
        assert answer(machine, number_of(numbers, machine)) == ALLOW, name


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_are_made_and_processes_are_not(machine: Machine) -> None:
    clone = number_of(syscalls.CLONE, machine)
    assert answer(machine, clone, CLONE_THREAD_OF_GLIBC) == ALLOW
    for flags in (0, 17, 0x4111, CLONE_NEWUSER, CLONE_THREAD_OF_GLIBC | CLONE_NEWNET):
        assert answer(machine, clone, flags) == ERROR | errno.EAGAIN
    assert answer(machine, number_of(syscalls.CLONE3, machine)) == ERROR | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_and_other_programs_are_asked_for_and_nothing_else(machine: Machine) -> None:
    asked = ask_list(machine)
    assert asked.calls == (number_of(syscalls.SECCOMP, machine), number_of(syscalls.EXECVE, machine))
    for number in range(syscalls.NEWEST + 1):
        expected = ASK if number in (asked.calls[1], number_of(syscalls.CLONE, machine)) else ALLOW
        assert answer(machine, number, program=asked.seccomp) == expected
    assert answer(machine, 0, architecture=0x40000003, program=asked.seccomp) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_only_the_caller_s_own_limits(machine: Machine) -> None:
    prlimit64 = number_of(syscalls.PRLIMIT64, machine)
    assert answer(machine, prlimit64, 0, 7) == ALLOW
    assert answer(machine, prlimit64, 2**32, 7) == ALLOW  # the kernel's pid has 32 bits
    assert answer(machine, prlimit64, 1, 7) == ERROR | errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_a_file_has_no_owner_no_lock_and_no_room_that_is_not_counted(machine: Machine) -> None:
    fcntl, ioctl = number_of(syscalls.FCNTL, machine), number_of(syscalls.IOCTL, machine)
    assert answer(machine, fcntl, 1, 3) == ALLOW
    for command in (*REFUSED_COMMANDS.values(), 2**32 + 8):
        assert answer(machine, fcntl, 1, command) == ERROR | errno.EPERM
    for request in (*GRANTED_REQUESTS.values(), 2**32 + 0x5401):
        assert answer(machine, ioctl, 1, request) == ALLOW
    for request in (0, 0x40305828, 0x40086602, 0x40049409, 0x5412):  # RESVSP, SETFLAGS, CLONE, TIOCSTI
        assert answer(machine, ioctl, 1, request) == ERROR | errno.ENOTTY


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_outlives_its_launcher(machine: Machine) -> None:
    prctl = number_of(syscalls.PRCTL, machine)
    assert answer(machine, prctl, PR_SET_PDEATHSIG) == ERROR | errno.EPERM
    assert answer(machine, prctl, 15) == ALLOW  # PR_SET_NAME


@pytest.mark.parametrize("machine", MACHINES)
def test_newer_calls_and_other_interfaces_are_not_there(machine: Machine) -> None:
    assert answer(machine, syscalls.NEWEST) == ALLOW
    for number in (syscalls.NEWEST + 1, 1000, 2**30 + 41, -1):
        assert answer(machine, number) == ERROR | errno.ENOSYS
    for architecture in (0x40000003, 0x40000028, *(set(AUDIT_ARCH.values()) - {AUDIT_ARCH[machine]})):
        assert answer(machine, 0, architecture=architecture) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_is_one_that_the_kernel_takes(machine: Machine) -> None:
    steps = list(struct.iter_unpack("=HBBI", deny_list(machine)))
    assert len(steps) <= 4096
    assert steps[-1][0] == RETURN
    for position, (code, yes, no, _) in enumerate(steps):
        assert code in (LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN)
        assert position + max(yes, no) + 1 <= len(steps) or code == RETURN


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_system_s_headers(machine: Machine) -> None:
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    lines = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$", header.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name: int(number) for name, number in reversed(lines)}
    other = {
        "clone": syscalls.CLONE,
        "clone3": syscalls.CLONE3,
        "prlimit64": syscalls.PRLIMIT64,
        "fcntl": syscalls.FCNTL,
        "ioctl": syscalls.IOCTL,
        "prctl": syscalls.PRCTL,
        "execve": syscalls.EXECVE,
        "seccomp": syscalls.SECCOMP,
    }
    for name, numbers in (syscalls.DENIED | syscalls.FORK | other | NEEDED).items():
        if name != "newfstatat":  # defined by way of another name
            assert numbers.on(machine) == named.get(name), name
