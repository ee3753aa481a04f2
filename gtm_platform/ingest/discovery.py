"""Which sources the platform has: the packages that declare one. Nobody keeps a list of them.

`gtm_platform/sources/<x>/source.py` with a module-level SOURCE is a source. The destinations in `delivery/` are
discovered by their settings in the same way.
"""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # hooks are discovered where no source is read, and nothing that reads one is needed
    from gtm_platform.ingest.source import Source

SOURCES_PACKAGE = "gtm_platform.sources"


def discover(package: str, module: str, attribute: str) -> dict[str, Any]:
    """Import `<package>.<x>.<module>` wherever it is, and return its attribute by x, sorted."""
    names = sorted(info.name for info in pkgutil.iter_modules(import_module(package).__path__) if info.ispkg)
    modules = {name: f"{package}.{name}.{module}" for name in names}
    values = {name: import_module(path) for name, path in modules.items() if find_spec(path)}
    return {name: getattr(value, attribute) for name, value in values.items() if hasattr(value, attribute)}


def discover_sources(package: str = SOURCES_PACKAGE) -> "tuple[Source, ...]":
    """Return every source, sorted by name; a package that declares another name than its own is refused."""
    sources = discover(package, "source", "SOURCE")
    for name, source in sources.items():
        if source.name != name:
            raise TypeError(f"{package}.{name} declares a source named {source.name!r}; name it {name!r}.")
    return tuple(sources.values())
