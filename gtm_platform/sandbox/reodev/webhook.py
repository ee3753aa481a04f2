"""Reo.dev's webhook: what developers of the market's companies do, with a secret in a header."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, token, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """The acts of developers in between."""
    for each in world.market.companies(until):
        for act in each.signals.acts:
            if within(since, act.at, until):
                yield Happening(act.at, compact(_activity(each.company, act)))


def _activity(company: Any, act: Any) -> dict[str, Any]:
    account = {"account_name": company.name, "account_domain": company.domain}
    return {
        "activity_type": "GITHUB",
        "activity_date": f"{act.at:%Y-%m-%d %H:%M:%S}",
        "activity_source_url": f"https://github.com/{act.repository}",
        "source_type": "GITHUB",
        "activity_info": f"{act.kind} of {act.repository}",
        "developer": {"developer_name": act.developer.name, "account": account},
    }


WEBHOOK = Webhook(
    "reodev",
    "REODEV_WEBHOOK_SECRET",
    "sandbox-reodev-secret",
    token("Authorization", "Bearer "),
    happenings,
    spans(60, 300),
)
