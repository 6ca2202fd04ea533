"""List the modules of a package across all weeks.

Given to students complete. `pipeline` is a namespace package: each week has its own folder
`pipeline/tasks`, and `pkgutil.iter_modules` lists the modules of all of them. So a later week adds
a task by adding a module.
"""

from __future__ import annotations

import importlib
import pkgutil


def modules_in(package: str) -> list[str]:
    """List the full names of the modules directly inside `package`, sorted.

    `modules_in("pipeline.tasks")` returns `["pipeline.tasks.celery_config", "pipeline.tasks.first", …]`.
    """
    path = importlib.import_module(package).__path__
    return sorted(f"{package}.{module.name}" for module in pkgutil.iter_modules(path))
