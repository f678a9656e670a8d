"""The system call filter, as a classic BPF program: a deny list for x86-64 and aarch64, refused elsewhere.

A denied call fails with an error that programs know; nothing is killed for it, except what comes through another
machine's call interface. Argument checks look at the low 32 bits, which are all that the kernel uses of these.
"""

import errno
import platform
import struct
from typing import NamedTuple

from qwenlab.evaluation.programs.sandbox.plan import Unavailable
from qwenlab.evaluation.programs.sandbox.syscalls import CLONE, CLONE3, DENIED, FCNTL, FORK, NEWEST, PRLIMIT64, Machine

# linux/bpf_common.h
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# linux/seccomp.h: what a filter may answer, and where in struct seccomp_data it finds what
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, ARGUMENT_0, ARGUMENT_1 = 0, 4, 16, 24
# linux/audit.h
AUDIT_ARCH: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# linux/sched.h: CLONE_THREAD, and every CLONE_NEW* that clone() takes
CLONE_THREAD, CLONE_NEW = 0x00010000, 0x7E020000
# linux/fcntl.h: F_SETOWN, F_SETSIG, F_SETOWN_EX. Who owns a file is sent signals when it is ready.
OWNER_COMMANDS = (8, 10, 15)


class Instruction(NamedTuple):
    """One step: an operation, its operand, and how many steps to skip on yes and on no."""

    code: int
    operand: int
    yes: int = 0
    no: int = 0


def this_machine() -> Machine | None:
    """The machine that programs run on, if there is a table of calls for it."""
    return next((machine for machine in AUDIT_ARCH if machine == platform.machine()), None)


def unsupported() -> Unavailable:
    """Why there is no filter for this machine."""
    return Unavailable(
        f"There is no table of system calls for {platform.machine()}, only for x86-64 and aarch64.",
        "Judge on an x86-64 or aarch64 machine.",
    )


def deny_list(machine: Machine) -> bytes:
    """The filter as the kernel takes it: an array of `struct sock_filter`."""
    steps = [*_this_machine_only(machine), *_no_calls_newer_than(NEWEST)]
    for numbers in DENIED.values():
        steps += _deny(numbers.on(machine), errno.EPERM)
    for numbers in FORK.values():
        steps += _deny(numbers.on(machine), errno.EAGAIN)
    # Without clone3, whose arguments no filter can see, the C library falls back to clone.
    steps += _deny(CLONE3.on(machine), errno.ENOSYS)
    steps += _threads_only(CLONE.on(machine))
    steps += _own_limits_only(PRLIMIT64.on(machine))
    steps += _no_owners(FCNTL.on(machine))
    steps.append(Instruction(RETURN, ALLOW))
    return b"".join(struct.pack("=HBBI", step.code, step.yes, step.no, step.operand) for step in steps)


def _this_machine_only(machine: Machine) -> list[Instruction]:
    return [
        Instruction(LOAD, ARCHITECTURE),
        Instruction(JUMP_EQUAL, AUDIT_ARCH[machine], yes=1),
        Instruction(RETURN, KILL),
        Instruction(LOAD, NUMBER),
    ]


def _no_calls_newer_than(newest: int) -> list[Instruction]:
    """Also x86-64's second set of numbers, the x32 interface, which begins at 2**30."""
    return [Instruction(JUMP_AT_LEAST, newest + 1, no=1), Instruction(RETURN, ERROR | errno.ENOSYS)]


def _deny(number: int | None, error: int) -> list[Instruction]:
    if number is None:
        return []
    return [Instruction(JUMP_EQUAL, number, no=1), Instruction(RETURN, ERROR | error)]


def _only_for(number: int | None, steps: list[Instruction]) -> list[Instruction]:
    """Steps that end in an answer, for one call: the number that was loaded is lost in them."""
    if number is None:
        return []
    return [Instruction(JUMP_EQUAL, number, no=len(steps)), *steps]


def _threads_only(number: int | None) -> list[Instruction]:
    return _only_for(
        number,
        [
            Instruction(LOAD, ARGUMENT_0),
            Instruction(JUMP_ANY_BIT, CLONE_NEW, yes=1),
            Instruction(JUMP_ANY_BIT, CLONE_THREAD, yes=1),
            Instruction(RETURN, ERROR | errno.EAGAIN),
            Instruction(RETURN, ALLOW),
        ],
    )


def _own_limits_only(number: int | None) -> list[Instruction]:
    """Process 0 is the caller; naming any other could take away the judge's own limits."""
    return _only_for(
        number,
        [
            Instruction(LOAD, ARGUMENT_0),
            Instruction(JUMP_EQUAL, 0, yes=1),
            Instruction(RETURN, ERROR | errno.EPERM),
            Instruction(RETURN, ALLOW),
        ],
    )


def _no_owners(number: int | None) -> list[Instruction]:
    checks = [Instruction(JUMP_EQUAL, command, no=1) for command in OWNER_COMMANDS]
    denied = [step for check in checks for step in (check, Instruction(RETURN, ERROR | errno.EPERM))]
    return _only_for(number, [Instruction(LOAD, ARGUMENT_1), *denied, Instruction(RETURN, ALLOW)])
