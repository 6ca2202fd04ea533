"""A small file that unpacks to a large one, and a child process that it cannot hurt anybody from."""

import io
import resource
import signal
import subprocess
import sys
import zipfile

MIB = 1024 * 1024
UNPACKED = 256 * MIB
MEMORY = 128 * MIB
CPU_SECONDS = 1


def bomb() -> bytes:
    """An archive with one member: spaces, and nothing else."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w") as member,
    ):
        for _ in range(UNPACKED // MIB):
            member.write(b" " * MIB)
    return file.getvalue()


def letter() -> bytes:
    """An honest archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "Dear Ada, the light is lit.")
    return file.getvalue()


def unpack(data: bytes) -> str:
    """Read the whole file inside the archive into memory, as a careless library does."""
    return zipfile.ZipFile(io.BytesIO(data)).read("a").decode()


def child() -> None:
    """Set the limits first, and only then read the bytes of the client."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    data = sys.stdin.buffer.read()
    if data == b"loop":
        while True:
            pass
    try:
        print(f"{len(unpack(data).split())} words")
    except MemoryError:
        print("refused: it needs too much memory")


def in_child(data: bytes) -> str:
    """Hand the bytes to a fresh Python with an empty environment, and wait for its one line."""
    done = subprocess.run(
        [sys.executable, __file__, "child"],
        input=data,
        stdout=subprocess.PIPE,
        env={},
        timeout=60,
        check=False,
    )
    if done.returncode < 0:
        return f"ended by {signal.Signals(-done.returncode).name}"
    return done.stdout.decode().strip()


def main() -> None:
    data = bomb()
    print(f"bomb: {len(data) // 1024:,} KiB packed, {UNPACKED // MIB:,} MiB unpacked")
    print("a letter:    ", in_child(letter()))
    print("the bomb:    ", in_child(data))
    print("a loop:      ", in_child(b"loop"))
    print("a letter:    ", in_child(letter()))


if __name__ == "__main__":
    child() if sys.argv[1:] == ["child"] else main()
