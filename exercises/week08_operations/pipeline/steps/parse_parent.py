"""The preloaded parent: a process that has imported the parsers, and forks a child for each document.

Given to students complete. `parse_client.py` starts it with one end of a socket pair as its standard input.
It has no environment of the worker and no connection, and it never reads a document itself. For each
request it forks one child, waits for it, kills what is left of it, and answers with its exit code.

It ends when the other end of the socket is closed, which the kernel does when the worker process dies.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback

from pipeline.steps.limits import ParseLimits

PRELOADED = ("pypdfium2", "pypdf", "docx.oxml", "pipeline.steps.word", "pipeline.steps.fast_parse")
"""What a child needs. It is imported once, before the first fork, and only in this process."""
WARM_UP = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 32>>stream
BT /F 9 Tf 9 9 Td (warm up) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>"""
"""A document of our own. PDFium searches the fonts, and Python loads codecs, when the first text is read."""
REQUEST_BYTES = 4096
FILES = 3
"""A request comes with the child's standard input, output and error."""
TOO_SLOW = 256
"""In place of an exit code: the child was killed at its deadline."""
UNWRITTEN = 96
"""The exit code of a child that met a blank of item 8.7 which nobody has filled in yet."""


def serve(requests: socket.socket, wake_up: int) -> None:
    """Answer requests, one after another, until the worker process has gone."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES, FILES)
        if not message:
            return
        content_type, fields = json.loads(message)
        limits = ParseLimits(**fields)
        child = fork_child(content_type, limits, files)
        for file in files:
            os.close(file)
        code = wait_for(child, limits.wall_seconds, requests, wake_up)
        try:
            requests.send(b"%d" % code)
        except OSError:  # the worker process has gone
            return


def fork_child(content_type: str, limits: ParseLimits, files: list[int]) -> int:
    """Fork the child of one document, and return its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()  # a process group of its own, which can be killed as a whole
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(FILES, os.sysconf("SC_OPEN_MAX"))  # the socket too
        from pipeline.steps.fast_parse import child_main  # it is loaded already

        child_main(content_type, limits)
        code = 0
    except NotImplementedError:
        code = UNWRITTEN
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # not `sys.exit`: what the parent wants to do at its end is not the child's


def wait_for(child: int, seconds: float, requests: socket.socket, wake_up: int) -> int:
    """Wait until the child ends, and return its exit code. Kill it at the deadline.

    If the worker process dies in the meantime, this process kills the child and ends.
    """
    deadline = time.monotonic() + seconds
    late = False
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        left = deadline - time.monotonic()
        readable, _, _ = select.select([wake_up, requests.fileno()], [], [], max(left, 0))
        if wake_up in readable:
            os.read(wake_up, 512)
        late = left <= 0
        # The worker sends nothing now. If there is something to read, its end is closed.
        if late or requests.fileno() in readable:
            break
    # The child is not reaped yet, so its id cannot belong to another process or group.
    for kill in (os.killpg, os.kill):  # a child that was just forked is not in its group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return TOO_SLOW if late else os.waitstatus_to_exitcode(status)


def main() -> None:
    """`python -m pipeline.steps.parse_parent`, with a socket as standard input."""
    requests = socket.socket(fileno=os.dup(0))
    # From here on the socket has one number only, which children close.
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for module in PRELOADED:
        importlib.import_module(module)
    warm_up()
    gc.freeze()  # the garbage collector of a child does not touch the libraries, so they stay shared
    serve(requests, listen_for_children())


def warm_up() -> None:
    """Read one trusted page, so that no child has to prepare what all of them need."""
    import pypdfium2

    with contextlib.suppress(
        pypdfium2.PdfiumError
    ):  # then the first page of each child takes longer
        document = pypdfium2.PdfDocument(WARM_UP)
        document[0].get_textpage().get_text_range()


def listen_for_children() -> int:
    """Return a file that becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


if __name__ == "__main__":
    main()
