"""What in homework an instructor should look at: libraries that are patched, processes that are ended.

Read from the code alone, which is never run here. Nothing of it decides about points.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from autograder.classroom.intake.names import shown

MAX_FLAGS = 10
OWN_PACKAGE = "pipeline"
MODULES = frozenset({"builtins", "ctypes", "gc", "inspect", "_thread", "autograder"})
"""Homework needs none of these."""
CALLS = frozenset(
    {
        *("os._exit", "os.abort", "os.execv", "os.execve", "os.execvp", "os.fork", "os.forkpty"),
        *("os.kill", "os.killpg", "os.setsid", "signal.signal", "sys._getframe", "sys.settrace"),
        *("threading.settrace", "atexit.register", "importlib.reload"),
    }
)
"""And none of these functions."""
STREAMS = frozenset({"sys.stdout", "sys.stderr"})
"""What homework may change: week 8 moves its output."""
PATCHING = frozenset({"setattr", "delattr"})


def suspicious(files: Mapping[PurePosixPath, bytes]) -> tuple[str, ...]:
    """What is suspicious in homework files, in words."""
    found: dict[str, None] = {}
    for path, content in sorted(files.items()):
        if path.suffix == ".py":
            try:
                found |= dict.fromkeys(f"{path} {words}" for words in _in_module(content))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue  # it cannot be run either
    return tuple(found)[:MAX_FLAGS]


def _in_module(content: bytes) -> Iterator[str]:
    tree = ast.parse(content)
    nodes = list(ast.walk(tree))
    imported = dict(_imported(nodes))
    for name in imported.values():
        if name.partition(".")[0] in MODULES:
            yield f"imports {shown(name)}"
    for node in nodes:
        line = getattr(node, "lineno", 0)
        for target in _changed(node):
            if (name := _outside(target, imported)) and name not in STREAMS:
                yield f"line {line} changes {shown(name)}"
        if isinstance(node, ast.Attribute) and (name := _outside(node, imported)) in CALLS:
            yield f"line {line} uses {name}"


def _imported(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Names in the module, and what of other packages they stand for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (
                    (one.asname or one.name.partition(".")[0]),
                    (one.name if one.asname else one.name.partition(".")[0]),
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                yield one.asname or one.name, f"{node.module}.{one.name}"


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """Attributes and entries that a statement sets or deletes."""
    if isinstance(node, ast.Assign | ast.Delete):
        yield from (one for one in node.targets if isinstance(one, ast.Attribute | ast.Subscript))
    elif isinstance(node, ast.AugAssign | ast.AnnAssign) and not isinstance(node.target, ast.Name):
        yield node.target
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from node.args[:1] if node.func.id in PATCHING else ()


def _outside(node: ast.expr, imported: Mapping[str, str]) -> str:
    """The dotted name of something that another package has; "" if it is the homework's own."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        parts += [node.attr] if isinstance(node, ast.Attribute) else []
        node = node.value
    origin = imported.get(node.id, "") if isinstance(node, ast.Name) else ""
    own = not origin or origin.partition(".")[0] == OWN_PACKAGE
    return "" if own else ".".join([origin, *reversed(parts)])
