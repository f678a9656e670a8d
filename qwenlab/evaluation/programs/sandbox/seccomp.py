"""The system call filter, as a classic BPF program: a deny list for x86-64 and aarch64, refused elsewhere.

A denied call fails with an error that programs know; nothing is killed for it, except what comes through another
machine's call interface. Argument checks look at the low 32 bits, which are all that the kernel uses of these.
"""

import errno
import platform
import struct
from collections.abc import Iterable
from typing import NamedTuple

from qwenlab.evaluation.programs.sandbox.plan import Asked, Unavailable
from qwenlab.evaluation.programs.sandbox.syscalls import (
    CLONE,
    CLONE3,
    DENIED,
    EXECVE,
    FCNTL,
    FORK,
    IOCTL,
    NEWEST,
    PRCTL,
    PRLIMIT64,
    SECCOMP,
    Machine,
)

# linux/bpf_common.h
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# linux/seccomp.h: what a filter may answer, and where in struct seccomp_data it finds what
ALLOW, KILL, ERROR, ASK = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
NUMBER, ARCHITECTURE, ARGUMENT_0, ARGUMENT_1 = 0, 4, 16, 24
# linux/audit.h
AUDIT_ARCH: dict[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# linux/sched.h: CLONE_THREAD, and every CLONE_NEW* that clone() takes
CLONE_THREAD, CLONE_NEW = 0x00010000, 0x7E020000
# linux/fcntl.h
REFUSED_COMMANDS = {
    "F_SETLK": 6,
    "F_SETLKW": 7,
    "F_SETOWN": 8,
    "F_SETSIG": 10,
    "F_SETOWN_EX": 15,
    "F_OFD_SETLK": 37,
    "F_OFD_SETLKW": 38,
    "F_SETLEASE": 1024,
    "F_NOTIFY": 1026,
    "F_SETPIPE_SZ": 1031,
}
"""Who owns a file is sent signals when it is ready. Locks hold up others; pipes' memory is counted by the user."""
# asm-generic/ioctls.h
GRANTED_REQUESTS = {
    "TCGETS": 0x5401,
    "TIOCGWINSZ": 0x5413,
    "FIONREAD": 0x541B,
    "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450,
    "FIOCLEX": 0x5451,
}
"""What Python asks of files. Others reserve disk (FS_IOC_RESVSP), change a file's flags, or reach a driver."""
# linux/prctl.h: with it a program would clear the signal that ends it with its launcher
PR_SET_PDEATHSIG = 1


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
    steps += _refuse(FCNTL.on(machine), ARGUMENT_1, REFUSED_COMMANDS.values())
    steps += _refuse(PRCTL.on(machine), ARGUMENT_0, [PR_SET_PDEATHSIG])
    steps += _grant(IOCTL.on(machine), ARGUMENT_1, GRANTED_REQUESTS.values())
    return _packed(steps)


def ask_list(machine: Machine) -> Asked:
    """A second filter, for where no namespace counts threads: making one, and becoming another program, is asked for.

    Where the first filter denies a call, nobody is asked.
    """
    steps = _this_machine_only(machine)
    for numbers in (CLONE, EXECVE):
        steps += _only_for(numbers.on(machine), [Instruction(RETURN, ASK)])
    install, execve = SECCOMP.on(machine), EXECVE.on(machine)
    assert install is not None and execve is not None
    return Asked(_packed(steps), (install, execve))


def _packed(steps: list[Instruction]) -> bytes:
    """Whatever no step has answered is allowed."""
    whole = [*steps, Instruction(RETURN, ALLOW)]
    return b"".join(struct.pack("=HBBI", step.code, step.yes, step.no, step.operand) for step in whole)


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


def _refuse(number: int | None, argument: int, values: Iterable[int]) -> list[Instruction]:
    """A call is refused with these values of an argument."""
    checks = [Instruction(JUMP_EQUAL, value, no=1) for value in values]
    refused = [step for check in checks for step in (check, Instruction(RETURN, ERROR | errno.EPERM))]
    return _only_for(number, [Instruction(LOAD, argument), *refused, Instruction(RETURN, ALLOW)])


def _grant(number: int | None, argument: int, values: Iterable[int]) -> list[Instruction]:
    """A call is granted with these values of an argument alone; with others it is as if the file did not know them."""
    checks = [Instruction(JUMP_EQUAL, value, no=1) for value in values]
    granted = [step for check in checks for step in (check, Instruction(RETURN, ALLOW))]
    return _only_for(number, [Instruction(LOAD, argument), *granted, Instruction(RETURN, ERROR | errno.ENOTTY)])
