"""The small disk: it is really full, and nothing of it is left when its process has ended."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp import paths

PROGRAM = """
import sys
from pathlib import Path
from bootcamp.bench.chaos import namespace
from bootcamp.bench.chaos.faults import fill
namespace.enter()
folder = Path(sys.argv[1])
if not namespace.small_disk(folder, 1024**2):
    sys.exit(3)
print(fill(folder / "filler"))
try:
    (folder / "document").write_bytes(b"x" * 5000)
except OSError as error:
    print(error.errno)
(folder / "filler").unlink()
(folder / "document").write_bytes(b"x" * 5000)
"""


def test_a_full_disk_has_no_room_and_is_gone_with_its_process(tmp_path: Path) -> None:
    program, disk = tmp_path / "program.py", tmp_path / "disk"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(disk)]
    done = subprocess.run(
        command,
        cwd=paths.ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(paths.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        pytest.skip("this system allows no mount namespace")
    assert done.stdout.split() == [str(1024**2), str(errno.ENOSPC)], done.stderr
    assert not list(disk.iterdir())
    disk.rmdir()  # it is no mount point any more
