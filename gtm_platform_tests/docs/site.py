"""The generator of the site's pages, which is no package: docs/site is loaded by mkdocs alone."""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from gtm_platform_tests.docs.commands import DOCS


def _loaded(name: str) -> ModuleType:
    spec = spec_from_file_location(f"docs_site_{name}", DOCS / "site" / f"{name}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PAGES = _loaded("pages")
generated: Callable[[], dict[str, str]] = PAGES.generated
spaced: Callable[[str], str] = _loaded("lists").spaced
