"""What a system's package exports so that the sandbox serves it, and how such packages are discovered."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

from starlette.types import ASGIApp

from gtm_platform.sandbox.kit.limits import Rate
from gtm_platform.sandbox.kit.write_log import Persist, Write

Clock = Callable[[], datetime]
Store = Any  # each system's own dataclass; the sandbox only hands it on


@dataclass(frozen=True)
class PageLink:
    """A page of an emulator that people may look at."""

    title: str
    path: str  # below the emulator's own address


@dataclass(frozen=True)
class Emulator:
    """One emulated system, exported by its package as `EMULATOR`.

    `account` gives those variables that differ from world to world, as an account's own id does.

    `store` picks the system's store out of the world, or makes one that the world does not fill. `environment` gives
    the variables that point a platform at the emulator's address. `replay` does a persisted write again. `inspect`
    holds what the sandbox shows of the store to tests and people, as JSON at `/_sandbox/<name>/<key>`. `switches` are
    attributes of the store that may be set there, each with its choices: ways in which such a system is met.
    """

    name: str  # the first step of its paths, and the name under which its writes are persisted
    title: str  # as people call the system
    store: Callable[[Any], Store]
    app: Callable[[Store, Clock, Persist], ASGIApp]
    environment: Callable[[str], Mapping[str, str]]
    replay: Callable[[Store, Write, datetime], object] | None = None
    limits: Mapping[str, Rate] = field(default_factory=dict)
    pages: tuple[PageLink, ...] = ()
    account: Callable[[Store], Mapping[str, str]] | None = None
    inspect: Mapping[str, Callable[[Store], Any]] = field(default_factory=dict)
    switches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class System:
    """An emulator and the store that it serves."""

    emulator: Emulator
    store: Store

    @property
    def name(self) -> str:
        """The first step of its paths."""
        return self.emulator.name

    def environment(self, url: str) -> dict[str, str]:
        """The variables that point a platform at this system, served below the sandbox's address."""
        account = self.emulator.account(self.store) if self.emulator.account else {}
        return {**self.emulator.environment(f"{url}/{self.name}"), **account}

    def replay(self, write: Write, at: datetime) -> None:
        """Do a persisted write again."""
        if self.emulator.replay is None:
            raise ValueError(f"The emulator of {self.emulator.title} persists no writes, yet one of it was read back.")
        self.emulator.replay(self.store, write, at)


def discover(parent: str = "gtm_platform.sandbox") -> list[Emulator]:
    """The emulators of all packages below the parent, in the order of their names."""
    package = importlib.import_module(parent)
    modules = (_module(parent, each.name) for each in pkgutil.iter_modules(package.__path__) if each.ispkg)
    emulators = [module.EMULATOR for module in modules if hasattr(module, "EMULATOR")]
    return sorted(emulators, key=lambda emulator: emulator.name)


def systems_of(world: Any) -> list[System]:
    """The discovered emulators, each with its store of this world."""
    return [System(emulator, emulator.store(world)) for emulator in discover()]


def environment_of(emulators: Iterable[Emulator], url: str) -> dict[str, str]:
    """The variables that point a platform at these emulators, served at one address."""
    variables: dict[str, str] = {}
    for emulator in emulators:
        variables.update(emulator.environment(f"{url}/{emulator.name}"))
    return variables


def _module(parent: str, name: str) -> ModuleType:
    return importlib.import_module(f"{parent}.{name}")
