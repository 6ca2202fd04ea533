"""A network of one's own, in which there is loopback and nothing else (Linux).

A grading process enters it before it starts a stack. The stack's servers and the student's processes
are in it then, and beyond it there is no address, no name and no neighbour.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1
REQUEST = struct.Struct("16sh14x")
"""`struct ifreq`: an interface's name and its flags."""


def enter_private_network() -> bool:
    """Move this process to a network of its own. False where that is not allowed: nothing changed.

    Call it before any thread is started. Who is not root becomes one in a user namespace, with no
    right that reaches out of it.
    """
    if sys.platform != "linux":
        return False
    uid, gid = os.geteuid(), os.getegid()
    spaces = CLONE_NEWNET if uid == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(spaces) != 0:
        return False
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _loopback_up()
    return True


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = fcntl.ioctl(control, SIOCGIFFLAGS, REQUEST.pack(b"lo", 0))
        flags = REQUEST.unpack(asked)[1] | IFF_UP
        fcntl.ioctl(control, SIOCSIFFLAGS, REQUEST.pack(b"lo", flags))


def is_possible() -> bool:
    """Whether `enter_private_network` works here: tried, in a process that ends with it."""
    code = (
        "from autograder.sandbox.network import enter_private_network as enter; exit(not enter())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    return done.returncode == 0
