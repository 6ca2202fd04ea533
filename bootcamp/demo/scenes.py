"""The scenes of the demo: those of every module here that is named after a week, in order.

A scene uses the pipeline from outside, as a client would. It tells the audience (`stage.show`), notes
what came out (`stage.report`), and raises a `DemoFailed` where the pipeline does not do what it
should. A new week brings `bootcamp/demo/weekNN_slug.py` with its `SCENES`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from bootcamp.course.weeks import WEEK_FOLDER
from bootcamp.demo.stage import Scene


def scenes() -> tuple[Scene, ...]:
    """All scenes, the first week's first."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [
        importlib.import_module(f"bootcamp.demo.{name}")
        for name in names
        if WEEK_FOLDER.fullmatch(name)
    ]
    return tuple(scene for module in modules for scene in module.SCENES)
