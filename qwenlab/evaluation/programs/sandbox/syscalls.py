"""System calls that programs are denied, by name, with their numbers on each machine.

Numbers are those of Linux 6.1's `asm/unistd_64.h` (x86-64) and `asm-generic/unistd.h` (aarch64); they never change.
None: the machine does not have the call.
"""

from typing import Literal, NamedTuple

Machine = Literal["x86_64", "aarch64"]


class Numbers(NamedTuple):
    """A system call's number on each machine."""

    x86_64: int | None
    aarch64: int | None

    def on(self, machine: Machine) -> int | None:
        return self.x86_64 if machine == "x86_64" else self.aarch64


NETWORK = {
    "accept": Numbers(43, 202),
    "accept4": Numbers(288, 242),
    "bind": Numbers(49, 200),
    "connect": Numbers(42, 203),
    "listen": Numbers(50, 201),
    "recvfrom": Numbers(45, 207),
    "recvmmsg": Numbers(299, 243),
    "recvmsg": Numbers(47, 212),
    "sendmmsg": Numbers(307, 269),
    "sendmsg": Numbers(46, 211),
    "sendto": Numbers(44, 206),
    "socket": Numbers(41, 198),
    "socketpair": Numbers(53, 199),
}
"""No sockets of any family: Landlock knows TCP alone, and only from ABI 4; a datagram pair could be sent anywhere."""

PROCESSES = {
    "execveat": Numbers(322, 281),
    "ioprio_set": Numbers(251, 30),
    "kcmp": Numbers(312, 272),
    "kill": Numbers(62, 129),
    "migrate_pages": Numbers(256, 238),
    "move_pages": Numbers(279, 239),
    "pidfd_getfd": Numbers(438, 438),
    "pidfd_open": Numbers(434, 434),
    "pidfd_send_signal": Numbers(424, 424),
    "process_madvise": Numbers(440, 440),
    "process_mrelease": Numbers(448, 448),
    "process_vm_readv": Numbers(310, 270),
    "process_vm_writev": Numbers(311, 271),
    "ptrace": Numbers(101, 117),
    "rt_sigqueueinfo": Numbers(129, 138),
    "rt_tgsigqueueinfo": Numbers(297, 240),
    "sched_setaffinity": Numbers(203, 122),
    "sched_setattr": Numbers(314, 274),
    "sched_setparam": Numbers(142, 118),
    "sched_setscheduler": Numbers(144, 119),
    "setns": Numbers(308, 268),
    "setpriority": Numbers(141, 140),
    "tgkill": Numbers(234, 131),
    "tkill": Numbers(200, 130),
    "unshare": Numbers(272, 97),
}
"""Other processes of the same user: signals, memory, priorities, limits. Landlock has no namespace that hides them.
And a way to another program that `execve` does not see.
"""

MEMORY = {
    "fallocate": Numbers(285, 47),
    "io_setup": Numbers(206, 0),
    "memfd_create": Numbers(319, 279),
    "memfd_secret": Numbers(447, 447),
    "mq_open": Numbers(240, 180),
    "mq_unlink": Numbers(241, 181),
    "msgctl": Numbers(71, 187),
    "msgget": Numbers(68, 186),
    "msgrcv": Numbers(70, 188),
    "msgsnd": Numbers(69, 189),
    "semctl": Numbers(66, 191),
    "semget": Numbers(64, 190),
    "semop": Numbers(65, 193),
    "semtimedop": Numbers(220, 192),
    "shmat": Numbers(30, 196),
    "shmctl": Numbers(31, 195),
    "shmget": Numbers(29, 194),
    "timer_create": Numbers(222, 107),
    "userfaultfd": Numbers(323, 282),
}
"""Memory, disk and queues that no limit of the process counts, or that outlive it.

fallocate() takes blocks beyond a file's end, which no limit on its length sees; timers are counted by the user.
"""

KERNEL = {
    "acct": Numbers(163, 89),
    "add_key": Numbers(248, 217),
    "adjtimex": Numbers(159, 171),
    "bpf": Numbers(321, 280),
    "clock_adjtime": Numbers(305, 266),
    "clock_settime": Numbers(227, 112),
    "delete_module": Numbers(176, 106),
    "finit_module": Numbers(313, 273),
    "init_module": Numbers(175, 105),
    "io_uring_enter": Numbers(426, 426),
    "io_uring_register": Numbers(427, 427),
    "io_uring_setup": Numbers(425, 425),
    "ioperm": Numbers(173, None),
    "iopl": Numbers(172, None),
    "kexec_file_load": Numbers(320, 294),
    "kexec_load": Numbers(246, 104),
    "keyctl": Numbers(250, 219),
    "lookup_dcookie": Numbers(212, 18),
    "modify_ldt": Numbers(154, None),
    "nfsservctl": Numbers(180, 42),
    "perf_event_open": Numbers(298, 241),
    "personality": Numbers(135, 92),
    "quotactl": Numbers(179, 60),
    "quotactl_fd": Numbers(443, 443),
    "reboot": Numbers(169, 142),
    "request_key": Numbers(249, 218),
    "setdomainname": Numbers(171, 162),
    "sethostname": Numbers(170, 161),
    "settimeofday": Numbers(164, 170),
    "swapoff": Numbers(168, 225),
    "swapon": Numbers(167, 224),
    "syslog": Numbers(103, 116),
    "vhangup": Numbers(153, 58),
}
"""Doors into the kernel that no contest program needs, and that have a history."""

FILES = {
    "chroot": Numbers(161, 51),
    "fanotify_init": Numbers(300, 262),
    "fanotify_mark": Numbers(301, 263),
    "flock": Numbers(73, 32),
    "fsconfig": Numbers(431, 431),
    "fsmount": Numbers(432, 432),
    "fsopen": Numbers(430, 430),
    "fspick": Numbers(433, 433),
    "inotify_add_watch": Numbers(254, 27),
    "inotify_init": Numbers(253, None),
    "inotify_init1": Numbers(294, 26),
    "mount": Numbers(165, 40),
    "mount_setattr": Numbers(442, 442),
    "move_mount": Numbers(429, 429),
    "name_to_handle_at": Numbers(303, 264),
    "open_by_handle_at": Numbers(304, 265),
    "open_tree": Numbers(428, 428),
    "pivot_root": Numbers(155, 41),
    "sync": Numbers(162, 81),
    "syncfs": Numbers(306, 267),
    "umount2": Numbers(166, 39),
}
"""Mounts, handles, watches and locks, which reach beyond paths, and beyond a file that can only be read."""

GAPS = {
    "chmod": Numbers(90, None),
    "chown": Numbers(92, None),
    "fchmod": Numbers(91, 52),
    "fchmodat": Numbers(268, 53),
    "fchown": Numbers(93, 55),
    "fchownat": Numbers(260, 54),
    "fgetxattr": Numbers(193, 10),
    "flistxattr": Numbers(196, 13),
    "fremovexattr": Numbers(199, 16),
    "fsetxattr": Numbers(190, 7),
    "futimesat": Numbers(261, None),
    "getxattr": Numbers(191, 8),
    "lchown": Numbers(94, None),
    "lgetxattr": Numbers(192, 9),
    "listxattr": Numbers(194, 11),
    "llistxattr": Numbers(195, 12),
    "lremovexattr": Numbers(198, 15),
    "lsetxattr": Numbers(189, 6),
    "removexattr": Numbers(197, 14),
    "setxattr": Numbers(188, 5),
    "truncate": Numbers(76, 45),
    "utime": Numbers(132, None),
    "utimensat": Numbers(280, 88),
    "utimes": Numbers(235, None),
}
"""What Landlock does not cover: modes, owners, times, attributes. And truncation, which it does from ABI 3."""

FORK = {"fork": Numbers(57, None), "vfork": Numbers(58, None)}
"""Each memory limit is per process, so there is one process. Threads are made by `clone`."""

CLONE = Numbers(56, 220)
CLONE3 = Numbers(435, 435)
EXECVE = Numbers(59, 221)
PRLIMIT64 = Numbers(302, 261)
FCNTL = Numbers(72, 25)
IOCTL = Numbers(16, 29)
PRCTL = Numbers(157, 167)
SECCOMP = Numbers(317, 277)

NEWEST = 450
"""The last call of Linux 6.1. Later ones are not judged here, and C libraries get along without them."""

DENIED = NETWORK | PROCESSES | MEMORY | KERNEL | FILES | GAPS
"""Fail with EPERM, whatever their arguments."""
