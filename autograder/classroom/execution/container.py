"""The throw-away container that a class is graded in: its image, its limits, its command line.

Pure: `docker.py` runs what is written here. Nothing of the host is mounted. Submissions go in and
answers come out through pipes, so a container that was broken out of its sandbox has nothing to read
and nothing to overwrite.

Not limited is the share of CPUs: `-j` says how many submissions run, each has CPU seconds of its own,
and an engine in a virtual machine refuses a number that it does not have.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from bootcamp import bounds
from bootcamp.files import files_in

DOCKER = "docker"
"""The command. Podman's `docker` understands the same words."""
STAGE = "grader"
"""Of the Dockerfile."""
REPOSITORY = "bootcamp-grader"
SINGLE = ("Dockerfile", ".dockerignore", "requirements.lock")
COPIED = ("autograder", "bootcamp", "solutions")
LEFT_OUT = ("unlike", "wrong")
"""Folders that .dockerignore keeps out of the image."""
TAG_LETTERS = 16

TEMPORARY_BYTES = 4 * bounds.MAX_DISK_BYTES
"""Of /tmp, in memory, for each grading process. A submission may fill its home, its blob store and
its database; the fourth part is for the stack itself."""
SERVICES_PROCESSES = 256
"""Processes and threads of a grading process and its stack."""

RIGHTS = {
    "CHOWN": "give a submission the folders that it writes to",
    "DAC_OVERRIDE": "read and remove what a submission's user has closed",
    "FOWNER": "change permissions of files that a submission's user owns",
    "KILL": "end a submission's processes",
    "SETGID": "become a submission's group",
    "SETUID": "become a submission's user",
    "SYS_PTRACE": "find what a submission has left, by the environment of its processes",
}
"""What root keeps of its rights in the container, and what for. A submission's processes have none."""


def image_name(root: Path) -> str:
    """The image for the course as it is in this folder: another one as soon as a file changes.

    Raises:
        OSError: a file that the image needs is missing.
    """
    total = hashlib.sha256()
    copied = [
        Path(top) / path
        for top in COPIED
        for path in files_in(root / top)
        if not set(LEFT_OUT) & set(path.parts)
    ]
    for path in (*map(Path, SINGLE), *copied):
        content = (root / path).read_bytes()
        total.update(f"{path.as_posix()}:{len(content)}:".encode())
        total.update(content)
    return f"{REPOSITORY}:{total.hexdigest()[:TAG_LETTERS]}"


def build_words(image: str, root: Path) -> list[str]:
    """The command that makes the image."""
    return [DOCKER, "build", "--target", STAGE, "--tag", image, str(root)]


def run_words(image: str, name: str, processes: int) -> list[str]:
    """The command that starts the container.

    Args:
        name: of the container, to end it by.
        processes: grading processes in it.
    """
    temporary = processes * TEMPORARY_BYTES
    memory = str(processes * (bounds.MAX_FAMILY_BYTES + bounds.MAX_HELD_MEMORY_BYTES) + temporary)
    words = [DOCKER, "run", "--rm", "--init", "--interactive", "--name", name]
    words += ["--pull", "never", "--log-driver", "none", "--network", "none"]
    # `exec`: the program that starts the browser of week 7 is a script there. Docker's default is `noexec`.
    words += ["--read-only", "--tmpfs", f"/tmp:exec,mode=1777,size={temporary}"]  # noqa: S108
    words += ["--cap-drop", "ALL"]
    for right in RIGHTS:
        words += ["--cap-add", right]
    words += ["--security-opt", "no-new-privileges"]
    words += ["--pids-limit", str(processes * (bounds.MAX_PROCESSES + SERVICES_PROCESSES))]
    words += ["--memory", memory, "--memory-swap", memory]  # the same: no swap on top
    return [*words, image, str(processes)]
