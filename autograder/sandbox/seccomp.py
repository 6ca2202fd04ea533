"""Seccomp: system calls that homework can do without are refused, for a process and all its children.

A network namespace does not hold what is no network to the kernel: a VSOCK socket reaches the machine
that a virtual machine runs on. And each call that is refused is a piece of the kernel that hostile
code cannot attack. The list follows what Docker's default profile refuses:
https://docs.docker.com/engine/security/seccomp/; the filter's format is `linux/filter.h`'s and
`linux/seccomp.h`'s. Standard library only: `limits.py` runs this before the student's interpreter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

LOAD, AND, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word of the call, mask it, compare it in three ways, and the verdict."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32
"""Where these words stand in `struct seccomp_data` (the lower half of an argument)."""
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
"""Verdicts. `REFUSE` carries the error that the caller sees."""
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

NEW_NAMESPACES = 0x7E020000
"""`clone` flags for any namespace of one's own."""
OTHER_ABI = 0x40000000
"""x86-64: calls from here on are those of x32, the same calls under other numbers."""
LOCAL, NETLINK, INTERNET = 1, 16, (2, 10)
"""Sockets: AF_UNIX, AF_INET and AF_INET6. No VSOCK, no netlink, no kernel crypto, no raw packets."""
KINDS, KIND_MASK = (1, 2), 0xF
"""SOCK_STREAM and SOCK_DGRAM; flags stand above the mask."""
PROTOCOLS = (0, 6, 17)
"""TCP and UDP. Landlock's rules on ports do not hold Multipath TCP (262)."""

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS: dict[str, tuple[int, int]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    # memory that belongs to no process, so that nobody who adds up processes finds it
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    # the kernel itself
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
}
"""Refused with EPERM: numbers on x86-64 and on 64-bit ARM."""
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)

Instruction = tuple[int, int, int, int]
"""Code, how far to jump if so, how far if not, and the constant."""


def program(machine: str, netlink: bool = False) -> list[Instruction]:
    """The filter for a machine, as `platform.machine()` names it.

    Args:
        netlink: allow netlink sockets too. ZeroMQ, and so a Jupyter kernel, lists the network
            interfaces with one, and aborts where it cannot.

    Raises:
        OSError: no filter is known for it.
    """
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"seccomp: no filter for {machine}")
    column = list(ARCHITECTURES).index(machine)
    words: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine == "x86_64":
        words += _refuse(AT_LEAST, OTHER_ABI, errno.EPERM)
    for numbers in CALLS.values():
        words += _refuse(EQUAL, numbers[column], errno.EPERM)
    # Its flags lie in memory, where a filter cannot look; without it the C library takes `clone`.
    words += _refuse(EQUAL, CLONE3[column], errno.ENOSYS)
    flags = [(LOAD, 0, 0, FIRST_ARGUMENT), *_refuse(ANY_BIT, NEW_NAMESPACES, errno.EPERM)]
    words += _where(CLONE[column], [*flags, (RETURN, 0, 0, ALLOW)])
    words += _where(SOCKET[column], _sockets((LOCAL, NETLINK) if netlink else (LOCAL,)))
    return [*words, (RETURN, 0, 0, ALLOW)]


def _refuse(how: int, constant: int, error: int) -> list[Instruction]:
    """The loaded word compares: refused. Else: on."""
    return [(how, 0, 1, constant), (RETURN, 0, 0, REFUSE | error)]


def _where(number: int, then: list[Instruction]) -> list[Instruction]:
    """The call has this number: `then`, which ends with a verdict. Else: on."""
    return [(EQUAL, 0, len(then), number), *then]


def _sockets(families: tuple[int, ...]) -> list[Instruction]:
    """Sockets of these families; and TCP and UDP, in the way everybody opens them."""
    refused, allowed = (RETURN, 0, 0, REFUSE | errno.EACCES), (RETURN, 0, 0, ALLOW)
    return [
        (LOAD, 0, 0, FIRST_ARGUMENT),
        *[step for family in families for step in ((EQUAL, 0, 1, family), allowed)],
        *_one_of(INTERNET),
        refused,
        (LOAD, 0, 0, SECOND_ARGUMENT),
        (AND, 0, 0, KIND_MASK),
        *_one_of(KINDS),
        refused,
        (LOAD, 0, 0, THIRD_ARGUMENT),
        *_one_of(PROTOCOLS),
        refused,
        allowed,
    ]


def _one_of(constants: tuple[int, ...]) -> list[Instruction]:
    """Jumps over the instruction behind these if the loaded word is one of them."""
    last = len(constants)
    return [(EQUAL, last - place, 0, constant) for place, constant in enumerate(constants)]


def apply(netlink: bool = False) -> None:
    """From now on, for this process and all that it starts, for good.

    Raises:
        OSError: the machine or its kernel has no such filters.
    """
    words = program(os.uname().machine, netlink)
    code = b"".join(struct.pack("HBBI", *word) for word in words)
    text = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(words), ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")
