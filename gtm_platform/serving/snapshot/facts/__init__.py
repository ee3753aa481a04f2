"""What is shown as it is, a module each, with the fact as FACT. A file put here is a fact; it is listed nowhere."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gtm_platform.serving.snapshot.landing import Draft


@dataclass(frozen=True)
class Fact:
    """A document about the landing as a whole, as JSON; it is made after rows and metrics are written."""

    name: str
    about: str
    make: Callable[[Draft], Any]


def discover() -> dict[str, Fact]:
    """Return the facts of this package, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    facts: list[Fact] = [importlib.import_module(f"{__name__}.{name}").FACT for name in names]
    return {fact.name: fact for fact in facts}
