"""The generator of the site's pages, which is no package: docs/site is loaded by mkdocs alone."""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from gtm_platform_tests.docs.commands import DOCS


def _loaded() -> ModuleType:
    spec = spec_from_file_location("docs_site_pages", DOCS / "site" / "pages.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PAGES = _loaded()
generated: Callable[[], dict[str, str]] = PAGES.generated
