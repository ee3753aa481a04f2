"""Which modules and files GTM_EXTENSIONS names, and what they define for Dagster. What is wrong is a sentence."""

import importlib
import logging
import pkgutil
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg

from gtm_platform.extensions.declared_source import declaration_files
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.settings import settings

PACKAGE = "gtm_extensions"  # under this name the modules of folders are imported, and can import each other

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Broken:
    """A module that was left out, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"The extension {self.path} is left out: {self.reason}"


@dataclass(frozen=True)
class Extension:
    """A module and what it defines."""

    path: str
    definitions: dg.Definitions


def load() -> tuple[list[Extension], list[Broken]]:
    """Import every module that GTM_EXTENSIONS names."""
    _forget()
    loaded: list[tuple[str, types.ModuleType]] = []
    broken: list[Broken] = []
    for name, path in _names(broken):
        before = dict(TABLES)
        try:
            module = importlib.import_module(name)
            _refuse_redeclared(before)
        except (Exception, SystemExit) as error:
            TABLES.clear()
            TABLES.update(before)
            broken.append(Broken(path, _reason(error, path)))
        else:
            loaded.append((path, module))
    return [*_built(loaded, broken), *_declared(broken)], broken


def _declared(broken: list[Broken]) -> Iterator[Extension]:
    """The sources that YAML files of the folders declare."""
    folders = [folder for place in _places() if (folder := _folder(place))]
    for file in [file for folder in folders for file in declaration_files(folder)]:
        before = dict(TABLES)
        try:
            definitions = file.definitions()
        except Exception as error:
            TABLES.clear()
            TABLES.update(before)
            broken.append(Broken(str(file.path), str(error)))
        else:
            yield Extension(str(file.path), definitions)


def _places() -> list[str]:
    return [part.strip() for part in (settings().gtm_extensions or "").split(",") if part.strip()]


def _names(broken: list[Broken]) -> Iterator[tuple[str, str]]:
    """Names of modules to import, each with the path of its file."""
    folders = []
    for place in _places():
        if folder := _folder(place):
            folders.append(str(folder))
        elif place.replace(".", "").isidentifier() and (spec := find_spec(place)):
            yield place, spec.origin or place
            for module in pkgutil.walk_packages(spec.submodule_search_locations or [], f"{place}."):
                yield module.name, _path(module)
        else:
            broken.append(Broken(place, "GTM_EXTENSIONS names it, and it is neither a folder nor a Python package."))
    if folders:
        package = types.ModuleType(PACKAGE)
        package.__path__ = folders
        sys.modules[PACKAGE] = package
        for module in pkgutil.walk_packages(folders, f"{PACKAGE}."):
            if not module.name.rpartition(".")[2].startswith("_"):
                yield module.name, _path(module)


def _folder(place: str) -> Path | None:
    """A folder beside the working directory, or beside GTM_HOME, where `gtm ui` starts Dagster elsewhere."""
    candidates = (Path(place).expanduser(), settings().home.parent / place)
    return next((path.resolve() for path in candidates if path.is_dir()), None)


def _path(module: pkgutil.ModuleInfo) -> str:
    spec = module.module_finder.find_spec(module.name, None)
    return (spec.origin if spec else None) or module.name


def _forget() -> None:
    """Drop what an earlier load imported from folders: files may have changed."""
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]


def _refuse_redeclared(before: dict[str, Any]) -> None:
    if taken := [table for table, contract in before.items() if TABLES.get(table) is not contract]:
        raise ValueError(f"it declares {', '.join(taken)}, which is already a table; give its own another name")


def _reason(error: BaseException, path: str) -> str:
    """What went wrong, with the line of the file on which it did."""
    lines = []
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == path:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.lineno:
        lines.append(error.lineno)
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}{where}"


def _built(modules: Iterable[tuple[str, types.ModuleType]], broken: list[Broken]) -> list[Extension]:
    """What each module defines, each thing once: in the module where it comes first."""
    seen = {
        id(value)
        for name, module in list(sys.modules.items())
        if name.startswith("gtm_platform.")
        for value in vars(module).values()
    }
    extensions = []
    for path, module in modules:
        try:
            extensions.append(Extension(path, _definitions(module, seen)))
        except Exception as error:
            broken.append(Broken(path, _reason(error, path)))
    return extensions


def _definitions(module: types.ModuleType, seen: set[int]) -> dg.Definitions:
    """The module's own `defs`, or the definitions that stand in it."""
    if (own := getattr(module, "defs", None)) is not None and id(own) not in seen:
        seen.add(id(own))
        return own if isinstance(own, dg.Definitions) else own()
    things = [thing for value in vars(module).values() for thing in _things(value) if id(thing) not in seen]
    seen.update(id(thing) for thing in things)
    tables = [thing for thing in things if isinstance(thing, DailyTable)]
    checks = [thing for thing in things if isinstance(thing, dg.AssetChecksDefinition)]
    assets = [t for t in things if isinstance(t, dg.AssetsDefinition | dg.AssetSpec) and t not in checks]
    return dg.Definitions(
        assets=[*daily_assets(tables), *assets],
        asset_checks=[*day_checks(tables), *checks],
        schedules=[thing for thing in things if isinstance(thing, dg.ScheduleDefinition)],
        sensors=[thing for thing in things if isinstance(thing, dg.SensorDefinition)],
        jobs=[thing for thing in things if _is_job(thing)],
    )


def _things(value: Any) -> Iterable[Any]:
    return value if type(value) in (list, tuple) else (value,)  # Dagster's own records are tuples, too


def _is_job(thing: Any) -> bool:
    return isinstance(thing, dg.JobDefinition) or type(thing).__name__ == "UnresolvedAssetJobDefinition"
