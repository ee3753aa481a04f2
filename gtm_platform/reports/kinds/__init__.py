"""The reports: a module each, with the report as REPORT. A file put here is a report; it is listed nowhere."""

import importlib
import pkgutil

from gtm_platform.reports.report import Report


def discover() -> dict[str, Report]:
    """Return the reports of this package, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    reports: list[Report] = [importlib.import_module(f"{__name__}.{name}").REPORT for name in names]
    return {report.name: report for report in reports}
