"""A worker stores documents in an archive. Eight calls fail. Two functions decide about a retry."""

from collections.abc import Callable


class ArchiveError(Exception):
    """An error of our own code. Its class says whether it is transient."""

    transient = False


class TunnelDown(ArchiveError):
    """Our tunnel to the archive is down for a moment."""

    transient = True


class WrongFolder(ArchiveError):
    """The document belongs to no folder of the archive."""


class Refusal(Exception):
    """An answer of the archive: a code, and sometimes a reason."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


TRANSIENT_CODES = {"BUSY", "RESTARTING"}
FULL = "quota_used_up"
"""The reason of a BUSY that lasts until somebody pays for more storage."""


def retry_everything(error: Exception) -> bool:
    """Retry after every error."""
    return True


def retry_transient(error: Exception) -> bool:
    """Decide whether the same call may succeed later, with nothing changed."""
    match error:
        case ArchiveError():
            return error.transient
        case Refusal(reason=reason) if reason == FULL:
            return False
        case Refusal(code=code):
            return code in TRANSIENT_CODES
        case TimeoutError() | ConnectionError():
            return True
    return False  # an unknown error: an operator looks at it


ERRORS: dict[str, tuple[Exception, bool]] = {
    "busy": (Refusal("BUSY"), True),
    "restarting": (Refusal("RESTARTING"), True),
    "storage is full": (Refusal("BUSY", FULL), False),
    "forbidden": (Refusal("FORBIDDEN"), False),
    "tunnel down": (TunnelDown(), True),
    "wrong folder": (WrongFolder(), False),
    "connection cut": (ConnectionError(), True),
    "a bug": (KeyError("title"), False),
}
"""The first error of each call, and whether a second call succeeds."""
ATTEMPTS = 8
"""How often a call is attempted, if every attempt fails."""


def wasted(decide: Callable[[Exception], bool], error: Exception, passes: bool) -> int:
    """How many retries of this call are useless."""
    return ATTEMPTS - 1 if decide(error) and not passes else 0


def main() -> None:
    for decide in (retry_everything, retry_transient):
        stored = sum(passes and decide(error) for error, passes in ERRORS.values())
        useless = sum(wasted(decide, error, passes) for error, passes in ERRORS.values())
        calls = len(ERRORS) + stored + useless
        print(f"{decide.__name__ + ':':<17} {stored} stored, {calls} calls, {useless} useless")


if __name__ == "__main__":
    main()
