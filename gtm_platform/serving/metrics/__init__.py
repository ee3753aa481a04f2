"""The metrics of the house: each defined once, for dashboard, API, reports and chat.

A family of metrics is a module in `families` with its metrics as METRICS; a file put there is listed nowhere.
"""

import importlib
import pkgutil
from functools import cache

from gtm_platform.serving.metrics import families
from gtm_platform.serving.metrics.metric import DIMENSIONS, Metric, Population, Unit

__all__ = ["DIMENSIONS", "Metric", "Population", "Unit", "dimensions", "discover"]


@cache
def discover() -> dict[str, Metric]:
    """Return every metric by name, in the order of their families."""
    names = sorted(module.name for module in pkgutil.iter_modules(families.__path__))
    modules = [importlib.import_module(f"{families.__name__}.{name}") for name in names]
    metrics = [metric for module in modules for metric in module.METRICS]
    named = {metric.name: metric for metric in metrics}
    if len(named) < len(metrics):
        raise TypeError("Two metrics have the same name: " + ", ".join(sorted(metric.name for metric in metrics)))
    return named


@cache
def dimensions() -> tuple[str, ...]:
    """Return everything that some metric can be split by."""
    return tuple(dict.fromkeys(name for metric in discover().values() for name in metric.over.dimensions))
