"""All cheats, each under its own name: those of every module here that has some."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from tests.cheats.making import Cheat

HERE = Path(__file__).parent


def _cheats() -> tuple[Cheat, ...]:
    """The `CHEATS` of the modules, by the modules' names. A new week's go into a module of its own."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(HERE)]))
    modules = [
        importlib.import_module(f"tests.cheats.{name}")
        for name in names
        if "CHEATS" in (HERE / f"{name}.py").read_text(encoding="utf-8")
        and name not in (Path(__file__).stem, "test_cheats", "conftest")
    ]
    return tuple(cheat for module in modules for cheat in getattr(module, "CHEATS", ()))


CHEATS = _cheats()
