"""Alerts of Factors.ai: nobody can ask for them, so what the webhook brings is kept."""

from collections.abc import Iterator

from gtm_platform.ingest.hooks.streams import pushed_source, pushed_stream
from gtm_platform.sources.factors.alerts import alert
from gtm_platform.sources.factors.records import Alert
from gtm_platform.sources.factors_alerts.settings import FactorsAlertSettings
from gtm_platform.state.hook_events import KeptEvent

NAME = "factors_alerts"


def _alerts(event: KeptEvent, body: bytes) -> Iterator[bytes]:
    record = alert(body, event.received_at)
    if record is not None:
        yield record


SOURCE = pushed_source(
    NAME,
    FactorsAlertSettings,
    [pushed_stream(NAME, "alerts", Alert, _alerts)],
    about="Companies on the website, as alerts of Factors.ai say it at once.",
    minute=13,
)
