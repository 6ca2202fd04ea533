"""What a cheat could reach if nothing held it, and who notices if one does."""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

SECRET_VARIABLE = "BAIT_SECRET"
MARK = "keeper-was-here"
PLACES = ("/", "/etc", "/tmp", "/dev/shm", "/var/tmp", "/usr/local", "/root")


class Baits:
    """A file that everybody may write to, a folder, a secret in the environment of this process and
    its children, and a port in the machine's own network that counts who calls.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "bait.txt"
        self.folder = folder / "bait-folder"
        self.text = f"bait-{secrets.token_hex(16)}"
        self.secret = f"bait-{secrets.token_hex(16)}"
        self.callers: list[str] = []
        self._server = socket.create_server(("0.0.0.0", 0))  # noqa: S104 - all of its addresses

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.file.write_text(self.text)
        self.file.chmod(0o666)
        for parent in (self.file.parent, *self.file.parent.parents):
            if os.access(parent, os.W_OK):  # nothing but the sandbox is in the way
                parent.chmod(parent.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
            if parent.name.startswith("pytest-of-"):
                break
        os.environ[SECRET_VARIABLE] = self.secret
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del os.environ[SECRET_VARIABLE]
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _listen(self) -> None:
        while True:
            try:
                line, caller = self._server.accept()
            except OSError:
                return
            self.callers.append(str(caller))
            line.close()

    @property
    def marks(self) -> Mapping[str, object]:
        """What cheats call them, and what they are."""
        return {
            "BAIT_FILE": self.file,
            "BAIT_FOLDER": self.folder,
            "BAIT_PORT": self._server.getsockname()[1],
            "BAIT_HOST": _own_address(),
            "BAIT_MARK": MARK,
        }

    def taken(self, report: object) -> list[str]:
        """What a cheat got at, or into a report: in words."""
        text = json.dumps(report, default=str)
        found = [name for name in ("secret", "text") if getattr(self, name) in text]
        found += [f"called from {one}" for one in self.callers]
        if self.file.read_text() != self.text:
            found.append("the file outside was written to")
        strays = [*self.folder.iterdir(), *(Path(place, MARK) for place in PLACES)]
        found += [f"a file outside: {one}" for one in strays if one.exists()]
        self._tidy(strays)
        return found

    def _tidy(self, strays: list[Path]) -> None:
        """For the next cheat. (One that was graded at the same time may be named in its place.)"""
        self.callers.clear()
        self.file.write_text(self.text)
        for one in strays:
            one.unlink(missing_ok=True)


def _own_address() -> str:
    """An address of this machine that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks only by which way it would go
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
