"""Messages as the deliveries make them of alerts that wait, by rules that a test changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gtm_platform.delivery.alerts.customer_wording import Wording
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.portions import portions
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.policy import Alerts, policy
from gtm_platform.state.slack_journal import Entry
from gtm_platform_tests.delivery.world import NOW


def alert_rules(**changes: Any) -> Alerts:
    """The policy's, with as many alerts a day as there are, unless a test says otherwise."""
    return Alerts.model_validate(policy().alerts.model_dump() | {"max_a_day": 1000} | changes)


def compose(
    entries: Sequence[Entry],
    customers: Mapping[str, Any],
    portal: str | None = None,
    sent: Sequence[Entry] = (),
    now: datetime = NOW,
    dashboard: str | None = None,
    **rules: Any,
) -> list[Message]:
    """Return all messages, in the order in which they are posted."""
    shares = portions(entries, sent, customers, routed("customers"), alert_rules(**rules), now)
    wording = Wording(customers, "usd", portal, dashboard)
    return [message for share in shares for message in wording.messages(share)]
