"""Landlock: a process gives up rights on files and ports, and no child gets them back.

Numbers are those of `linux/landlock.h`; https://docs.kernel.org/userspace-api/landlock.html.
Standard library only: `limits.py` runs this before the student's interpreter starts.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls; the same numbers on x86-64 and ARM."""
VERSION_FLAG = 1
PATH_BENEATH, NET_PORT = 1, 2
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
READ = EXECUTE | READ_FILE | READ_DIR
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | (1 << 14) | (1 << 15)
"""The rights that make sense on a file that is no folder."""
RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 5: 16}
"""From which version on how many file rights there are."""
PORTS_ABI = 4
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
SCOPE_ABI = 6
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1 << 0, 1 << 1


def _call(number: int, *arguments: object) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock: {os.strerror(error)}")
    return result


def version() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    except OSError:
        return 0


def apply(read: Sequence[str], write: Sequence[str], ports: Sequence[int]) -> None:
    """From now on: these files and folders, read or written; TCP to and from these ports; and no
    signals to processes outside.

    Below version 4 of Landlock ports are free, below version 6 every process of the same user can be
    signalled. UDP it does not know.

    Raises:
        OSError: the kernel has no Landlock.
    """
    abi = version()
    every = (1 << max(count for known, count in RIGHTS_OF_ABI.items() if known <= max(abi, 1))) - 1
    handled = [every]
    if abi >= PORTS_ABI:
        handled.append(BIND_TCP | CONNECT_TCP)
    if abi >= SCOPE_ABI:
        handled.append(SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS)
    rules = struct.pack(f"{len(handled)}Q", *handled)
    ruleset = _call(CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    for paths, rights in ((read, READ), (write, every)):
        for path in paths:
            _allow_path(ruleset, path, rights)
    if abi >= PORTS_ABI:
        for port in ports:
            rule = struct.pack("QQ", BIND_TCP | CONNECT_TCP, port)
            _call(ADD_RULE, ruleset, NET_PORT, rule, 0)
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):  # noqa: PTH112 - few imports
        rights &= FILE_RIGHTS
    _call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    os.close(descriptor)
