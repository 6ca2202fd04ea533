"""`bootcamp doctor`: each check on machines good and bad, and the command as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp.errors import StackError
from bootcamp.stack import doctor
from bootcamp.stack.doctor import Finding, Status

HERE = Path("/home/student/bootcamp")


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_supported_pythons(version):
    assert doctor.python_version(version).status is Status.OK


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 14), (4, 0)])
def test_other_pythons_fail_and_name_the_cure(version):
    finding = doctor.python_version(version)
    assert finding.status is Status.FAILED and "3.13" in finding.advice


@pytest.mark.parametrize(
    ("megabytes", "status"), [(100, Status.FAILED), (900, Status.WARNING), (9000, Status.OK)]
)
def test_disk_space(megabytes, status):
    finding = doctor.disk_space(megabytes * 1024**2, HERE)
    assert finding.status is status
    assert bool(finding.advice) == (status is not Status.OK)


def test_line_endings(tmp_path):
    good, bad = tmp_path / "good.py", tmp_path / "bad.sh"
    good.write_bytes(b"a = 1\n")
    bad.write_bytes(b"#!/bin/sh\r\necho\r\n")
    assert doctor.line_endings([good]).status is Status.OK
    finding = doctor.line_endings([good, bad])
    assert finding.status is Status.FAILED and "bad.sh" in finding.found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/home/student/bootcamp", Status.OK),
        ("/home/student/my bootcamp", Status.WARNING),
        ("/home/" + "x" * 220, Status.WARNING),
    ],
)
def test_paths(path, status):
    assert doctor.checkout_path(Path(path)).status is status


@pytest.mark.parametrize(
    ("kind", "mount", "ignores_case", "status"),
    [
        ("ext4", "/", False, Status.OK),
        ("apfs", "/", True, Status.OK),
        ("9p", "/mnt/c", True, Status.WARNING),
        ("fuse.sshfs", "/home/student/remote", False, Status.WARNING),
        ("nfs4", "/home", False, Status.WARNING),
        ("", "", False, Status.OK),
    ],
)
def test_file_systems(kind, mount, ignores_case, status):
    assert doctor.file_system(kind, mount, ignores_case).status is status


def test_the_innermost_mount_counts():
    mounts = [("/", "ext4"), ("/home", "nfs4"), ("/home/student/bootcamp2", "9p")]
    assert doctor.mount_of(HERE, mounts) == ("nfs4", "/home")
    assert doctor.mount_of(HERE, []) == ("", "")


def test_loopback_ports():
    def refuse() -> int:
        raise StackError("No free port.")

    assert doctor.loopback_ports(lambda: 20_000).status is Status.OK
    assert doctor.loopback_ports(refuse).status is Status.FAILED


def test_server_binaries(tmp_path):
    broken = tmp_path / "server"
    broken.write_text("#!/bin/sh\necho 'libc is too old' >&2\nexit 1\n")
    broken.chmod(0o755)
    finding = doctor.program("PostgreSQL", broken, "Reinstall.")
    assert finding == Finding("PostgreSQL", Status.FAILED, "libc is too old", "Reinstall.")
    missing = tmp_path / "missing"
    assert doctor.program("PostgreSQL", missing, "Reinstall.").status is Status.FAILED
    assert doctor.program("PostgreSQL", None, "Reinstall.").status is Status.FAILED
    assert doctor.program("Python", Path(sys.executable), "").status is Status.OK


def test_optional_tools_never_fail():
    assert doctor.optional_tool("git", None, "versions").status is Status.OPTIONAL
    assert "versions" in doctor.optional_tool("git", None, "versions").advice
    assert doctor.redis_server(None).status is Status.OPTIONAL
    assert doctor.is_fit([doctor.optional_tool("git", None, ""), doctor.redis_server(None)])
    assert not doctor.is_fit([doctor.python_version((3, 10))])


def test_the_command_in_json():
    done = subprocess.run(
        [sys.executable, "-m", "bootcamp", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert (done.returncode == 0) == answer["ok"], done.stderr
    names = [check["name"] for check in answer["checks"]]
    assert len(names) == len(set(names)) and {"Python", "PostgreSQL", "Disk"} <= set(names)
    for check in answer["checks"]:
        assert check["status"] in set(Status) and check["found"]
        assert check["advice"] or check["status"] in (Status.OK, Status.OPTIONAL)
