"""Harming the machine: time, memory, disk, processes, other people's screens."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family


def harmful(code: str) -> dict[str, str]:
    """Homework of 3.2 that does this when it is called, and then answers nonsense."""
    return instead("3.2", "return []", "return 0", code)


CHEATS = of_family(
    "harming",
    [
        Cheat(
            name="endless-loop-that-hears-no-signal",
            loses=("3.2",),
            story="Never answers, and ignores every signal that can be ignored.",
            says=("no answer within",),
            files=harmful("""
                import signal
                for number in range(1, 65):
                    try:
                        signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError):
                        pass
                while True:
                    pass
            """),
        ),
        Cheat(
            name="fork-bomb",
            loses=("3.2",),
            story="Doubles itself until nothing else can start.",
            says=("came back",),
            files=harmful("""
                import os, time
                born = time.monotonic()
                while time.monotonic() - born < 3:
                    try:
                        if os.fork() == 0:
                            os.setsid()
                    except OSError:
                        pass
                time.sleep(60)
            """),
        ),
        Cheat(
            name="three-hundred-that-turn",
            loses=("3.2",),
            story="Starts 300 processes that do nothing but turn, so that its neighbour gets no time.",
            says=("came back",),  # too many processes, or too late: they slow each other down
            keeps=("3.1",),
            files=harmful("""
                import os, time
                for _ in range(300):
                    if os.fork() == 0:
                        while True:
                            pass
                time.sleep(600)
            """),
        ),
        Cheat(
            name="memory-in-one-process",
            loses=("3.2",),
            story="Asks for 64 GB at once.",
            says=("MemoryError",),
            files=harmful("x = bytearray(64 * 1024**3)\nreturn []"),
        ),
        Cheat(
            name="memory-in-many-processes",
            loses=("3.2",),
            story="Ten processes that fill 1 GB each: no one of them is too large.",
            says=("memory",),
            files=harmful("""
                import os, time
                for _ in range(10):
                    if os.fork() == 0:
                        keep = []
                        while sum(map(len, keep)) < 1024**3:
                            keep.append(b"x" * 16 * 1024**2)
                            time.sleep(0.02)
                        time.sleep(600)
                time.sleep(600)
            """),
        ),
        Cheat(
            name="disk",
            loses=("3.2",),
            story="Fills the disk with files of the largest size allowed.",
            says=("disk",),
            files=harmful("""
                import os, time
                for number in range(10_000):
                    descriptor = os.open(f"fill{number}", os.O_CREAT | os.O_WRONLY)
                    os.posix_fallocate(descriptor, 0, 60 * 1024**2)
                    os.close(descriptor)
            """),
        ),
        Cheat(
            name="many-files",
            loses=("3.2",),
            story="Makes files until the file system has no room for names.",
            says=("disk",),
            files=harmful("""
                import os
                for folder in range(10_000):
                    os.mkdir(f"d{folder}")
                    open(f"d{folder}/0", "w").close()
                    for number in range(1, 2_000):
                        os.link(f"d{folder}/0", f"d{folder}/{number}")
            """),
        ),
        Cheat(
            name="a-flood-of-output",
            loses=("3.2",),
            story="Prints without an end.",
            says=("printed or wrote more than it may",),
            files=harmful("while True:\n    print('x' * 1_000_000)"),
        ),
        Cheat(
            name="a-flood-in-the-workers-log",
            loses=("1.2",),
            story="Fills the worker's log, in which the grader looks for a line.",
            says=("came back",),
            keeps=("1.1",),
            files=instead(
                "1.2",
                "for _ in range(80):\n    print('y' * 1_000_000)\n"
                "return {'title': title, 'summary': 'flooded'}",
            ),
        ),
        Cheat(
            name="terminal-escapes-and-null-bytes",
            loses=("3.2",),
            story="Writes into the instructor's terminal and page: titles, colours, links, script.",
            says=("owned", "<script>"),
            files=harmful("""
                import os, sys
                evil = "\\x1b]0;owned\\x07\\x1b[2J\\x1b[31m\\0\\x9b2J\\u202eolleh<script>alert(1)</script>"
                print(evil)
                print(evil, file=sys.stderr)
                raise RuntimeError(evil + "=HYPERLINK(\\"http://x\\")")
            """),
        ),
        Cheat(
            name="kills-its-parent",
            loses=("3.2",),
            story="Kills the process from which all of the student's processes are forked.",
            says=("the process ended",),
            files=harmful("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(60)"),
        ),
        Cheat(
            name="kills-the-first-process",
            loses=("3.2",),
            story="Kills process 1.",
            says=("came back",),
            files=harmful(
                "import os\nfor n in (15, 9, 2, 11):\n    os.kill(1, n)\n"
                "raise RuntimeError('loot: []')"
            ),
        ),
        Cheat(
            name="kills-everything",
            loses=("1.2",),
            story="Kills all that it may, from within a task: worker, caller, and whatever else it sees.",
            says=("came back",),
            files=instead("1.2", "import os\nos.kill(-1, 9)"),
        ),
        Cheat(
            name="kills-the-paused-worker",
            loses=("2.1",),
            story="The API kills the worker while the grader has paused it, and will let it go on.",
            says=("came back",),
            files=instead(
                "2.1",
                """
                import os, signal
                for name in os.listdir("/proc"):
                    try:
                        command = open(f"/proc/{name}/stat").read()
                    except OSError:
                        continue
                    if ") T " in command:
                        os.kill(int(name), signal.SIGKILL)
                raise RuntimeError("nobody paused")
                """,
            ),
        ),
        Cheat(
            name="a-daemon",
            loses=("3.2",),
            story="Leaves a process behind: forked twice, in a session of its own, deaf to signals.",
            says=("expected",),
            files=harmful("""
                import os, signal, time
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        for number in (1, 2, 3, 13, 15):
                            signal.signal(number, signal.SIG_IGN)
                        os.environ.clear()
                        os.chdir("/")
                        os.closerange(0, 1000)
                        while True:
                            time.sleep(0.1)
                    os._exit(0)
                return []
            """),
        ),
        Cheat(
            name="takes-ports",
            loses=("3.2",),
            story="Takes ports by the thousand, so that the grader's next server finds none.",
            says=("expected",),
            files=harmful("""
                import resource, socket
                keep = globals().setdefault("keep", [])
                try:
                    while True:
                        keep.append(socket.create_server(("127.0.0.1", 0)))
                except OSError:
                    return []
            """),
        ),
    ],
)
