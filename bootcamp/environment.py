"""Which of the shell's variables reach the local stack, the graders and the pipeline.

Client libraries read many variables by themselves: a proxy, an AWS profile, `PGSSLMODE`. A process
of ours gets an environment that is built: the names of `PASSED_ON`, and what the stack sets.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

LOCAL_KEY = "sk-local-"
"""How a key of the OpenAI stand-in begins: any other one is the user's own."""
LOOPBACK_HOSTS = "127.0.0.1,localhost,::1"

PASSED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLORTERM|NO_COLOR|FORCE_COLOR"
    r"|COLUMNS|LINES|TMPDIR|TMP|TEMP|XDG_\w+|VIRTUAL_ENV|SYSTEMROOT|CI"
    r"|PYTHONDONTWRITEBYTECODE|PYTHONUNBUFFERED|BOOTCAMP_\w+"
)
"""Names that any process of ours gets from the shell. None of them leads a client elsewhere."""
NETWORK = re.compile(
    r"(https?|all|ftp|no)_proxy|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE", re.IGNORECASE
)
"""Names that say how the internet is reached: for the real OpenAI service and for git alone."""
OPENAI = re.compile(r"OPENAI_\w+")
INTERFERING = re.compile(
    rf"{NETWORK.pattern}|{OPENAI.pattern}|AWS_\w+|BOTO_\w+|PG[A-Z]+|CELERY_\w+|FLOWER_\w+|UVICORN_\w+"
    r"|WEB_CONCURRENCY|PYTHON(PATH|HOME|STARTUP|OPTIMIZE|WARNINGS)|PYTEST_(ADDOPTS|PLUGINS)"
    r"|REDIS_URL|DATABASE_URL|BLOB_STORE_URL|WEBHOOK_\w+|SMTP_URL|NEWS_\w+|APP_ENV",
    re.IGNORECASE,
)
"""Names that the libraries of the pipeline, or the pipeline itself, read without being told."""

NO_AWS_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""boto3 reads `~/.aws` unless these name other files. A setting there, such as
`ignore_configured_endpoint_urls`, would lead clients away from the local stack.
"""

INITIAL = Path("/proc/self/environ")
"""On Linux: what the process was started with, whatever it has set since."""


def started_with() -> dict[str, str]:
    """Return the environment that this process was started with, as far as the system tells it."""
    try:
        lines = os.fsdecode(INITIAL.read_bytes()).split("\0")
    except OSError:
        return dict(os.environ)
    return {name: value for name, _, value in (line.partition("=") for line in lines) if name}


SHELL: Mapping[str, str] = started_with()
"""The shell's part in this process's environment."""


def has_own_key(environ: Mapping[str, str] | None = None) -> bool:
    """Whether `OPENAI_API_KEY` is a key of the real service."""
    key = (os.environ if environ is None else environ).get("OPENAI_API_KEY", "")
    return bool(key) and not key.startswith(LOCAL_KEY)


def network(environ: Mapping[str, str] = SHELL) -> dict[str, str]:
    """Return the shell's proxies and certificates, with loopback excepted from the proxies."""
    found = {name: value for name, value in environ.items() if NETWORK.fullmatch(name)}
    if not found:
        return {}
    direct = ",".join(
        filter(None, (environ.get("NO_PROXY") or environ.get("no_proxy"), LOOPBACK_HOSTS))
    )
    return found | {"NO_PROXY": direct, "no_proxy": direct}


def built(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Build the part of an environment that any process of ours may have.

    What a program has set in its own environment since it was started is passed on: a notebook's
    first cell sets the pipeline's settings in this way.

    A user with an OpenAI key of their own wants the real service, so the key, its `OPENAI_*`
    settings and the way to the internet are in it.

    Args:
        environ: this process's environment if left out.
    """
    own = dict(os.environ) if environ is None else dict(environ)
    kept = {
        name: value
        for name, value in own.items()
        if PASSED_ON.fullmatch(name) or (environ is None and SHELL.get(name) != value)
    }
    if has_own_key(own):
        kept |= {name: value for name, value in own.items() if OPENAI.fullmatch(name)}
        kept |= network(own)
    return NO_AWS_FILES | kept


def isolate() -> None:
    """Remove from this process what would lead its clients away from the local stack.

    Only what came from the shell goes. What a program has set since, such as the addresses of a run,
    stays.
    """
    kept = built()
    for name, value in SHELL.items():
        if INTERFERING.fullmatch(name) and name not in kept and os.environ.get(name) == value:
            del os.environ[name]
    os.environ.update({name: kept[name] for name in kept if NETWORK.fullmatch(name)})
    os.environ.update(NO_AWS_FILES)


def interfering(environ: Mapping[str, str] = SHELL, settings: Iterable[str] = ()) -> list[str]:
    """List the shell's variables that the local stack ignores because they would interfere.

    Args:
        environ: the shell's variables.
        settings: names of the pipeline's own settings.
    """
    own, kept = {name.upper() for name in settings}, built(environ)
    found = (n for n in environ if INTERFERING.fullmatch(n) or n.upper() in own)
    return sorted(name for name in found if name not in kept)


def setting_names(files: Iterable[Path]) -> list[str]:
    """List the variables that the settings classes in these files read (pydantic-settings)."""
    names: list[str] = []
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            bases = (
                [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
            )
            if isinstance(node, ast.ClassDef) and any("Settings" in base for base in bases):
                fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
                names += [field.id.upper() for field in fields if isinstance(field, ast.Name)]
    return names
