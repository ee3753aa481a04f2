"""The endpoints of the API: a module each, with its routes as ROUTER. A file put here is served, and listed nowhere."""

import importlib
import pkgutil

from fastapi import APIRouter


def discover() -> list[APIRouter]:
    """Return the routes of every module, sorted by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}").ROUTER for name in names]
