"""Collects the router of every module in `pipeline.api`, of all weeks. Given to students complete.

A later week adds a module with a `router`, and does not change this file. A module may also have
`MIDDLEWARE`, a list of what every request passes through before it reaches a route.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType

from fastapi import APIRouter
from starlette.middleware import Middleware

from pipeline.discovery import modules_in

PACKAGE = "pipeline.api"
APPLICATION = f"{PACKAGE}.app"
"""The application imports this module, so this module must not import it."""


def routers() -> Iterator[APIRouter]:
    """Yield the `router` of every module, in the order of the modules' names."""
    for module in _modules():
        router = getattr(module, "router", None)
        if isinstance(router, APIRouter):
            yield router


def middleware() -> list[Middleware]:
    """The `MIDDLEWARE` of every module that has some, in the order of the modules' names."""
    return [one for module in _modules() for one in getattr(module, "MIDDLEWARE", ())]


def _modules() -> Iterator[ModuleType]:
    for name in modules_in(PACKAGE):
        if name not in {__name__, APPLICATION}:
            yield importlib.import_module(name)
