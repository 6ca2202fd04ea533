"""Runs in a sandbox, and says of everything that it tried whether it could: JSON on standard output.

`python walled.py PLAN` where the plan has the ports, files and the process that it shall try.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

NETLINK, ALGORITHMS, VSOCK, MULTIPATH_TCP = 16, 38, 40, 262
COLUMN = ["x86_64", "aarch64"].index(platform.machine())
UNSHARE, PTRACE, IO_URING = (272, 97)[COLUMN], (101, 117)[COLUMN], 425
NEW_USER = 0x10000000


def tries(plan: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """What is tried, by name."""
    return {
        "own port": lambda: socket.create_connection(("127.0.0.1", plan["own_port"]), 2.0).close(),
        "listen on an own port": lambda: listen(plan["free_port"]),
        "other port": lambda: socket.create_connection(
            ("127.0.0.1", plan["other_port"]), 2.0
        ).close(),
        "listen on another port": lambda: listen(plan["other_free_port"]),
        "local socket": socket.socketpair,
        "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "netlink": lambda: socket.socket(NETLINK, socket.SOCK_RAW),
        "kernel crypto": lambda: socket.socket(ALGORITHMS, socket.SOCK_SEQPACKET),
        "virtual machine's host": lambda: socket.socket(VSOCK, socket.SOCK_STREAM),
        "Multipath TCP": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, MULTIPATH_TCP),
        "raw packets": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "a namespace": lambda: call(UNSHARE, NEW_USER),
        "tracing": lambda: call(PTRACE, 0, 0, 0, 0),
        "io_uring": lambda: call(IO_URING, 1, 0),
        "read own file": lambda: Path(plan["own_file"]).read_text(),
        "write own folder": lambda: Path(plan["own_folder"], "new").write_text("x"),
        "read other file": lambda: Path(plan["other_file"]).read_text(),
        "write other folder": lambda: Path(plan["other_folder"], "new").write_text("x"),
        "users": lambda: Path("/etc/passwd").read_text(),
        "a grader": lambda: Path(plan["grader"]).read_text(),
        "signal": lambda: os.kill(plan["process"], signal.SIGUSR1),
        "thread": thread,
        "program": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    }


def listen(port: int) -> None:
    socket.create_server(("127.0.0.1", port)).close()


def call(number: int, *arguments: int) -> None:
    if ctypes.CDLL(None, use_errno=True).syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def thread() -> None:
    one = threading.Thread(target=int)
    one.start()
    one.join()


def main() -> None:
    could = {}
    for name, attempt in tries(json.loads(sys.argv[1])).items():
        try:
            attempt()
            could[name] = True
        except (OSError, subprocess.SubprocessError):
            could[name] = False
    print(json.dumps(could))


if __name__ == "__main__":
    main()
