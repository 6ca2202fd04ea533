"""Finds what later weeks add: every module in a package, across all layers.

Given to students complete. `pipeline` is a namespace package, so `pipeline.tasks` has one folder
per week; `pkgutil.iter_modules` lists the modules of all of them.
"""

from __future__ import annotations

import importlib
import pkgutil


def modules_in(package: str) -> list[str]:
    """Full names of the modules directly inside `package`, sorted.

    `modules_in("pipeline.tasks")` gives `["pipeline.tasks.celery_config", "pipeline.tasks.first", …]`.
    """
    path = importlib.import_module(package).__path__
    return sorted(f"{package}.{module.name}" for module in pkgutil.iter_modules(path))
