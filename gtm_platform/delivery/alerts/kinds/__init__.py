"""The kinds of alerts: a module each, with the alert as `ALERT`. A file put here is an alert; it is listed nowhere."""

import importlib
import pkgutil
from typing import Any

from gtm_platform.delivery.alerts.alert import Alert, Route


def discover() -> dict[str, Alert[Any]]:
    """Return the alerts of this package, by kind."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    alerts = [importlib.import_module(f"{__name__}.{name}").ALERT for name in names]
    return {alert.kind: alert for alert in alerts}


def routed(route: Route) -> dict[str, Alert[Any]]:
    """Return the alerts that go to a channel, by kind."""
    return {kind: alert for kind, alert in discover().items() if alert.route == route}
