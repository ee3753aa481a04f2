"""The webhook of Factors.ai's alerts: each visit of the website by a company of the market."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, hashed_token, spans, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """The visits in between, each as an alert."""
    for each in world.market.companies(until):
        for visit in each.signals.visits:
            if within(since, visit.at, until):
                yield Happening(visit.at, compact(_alert(each.company, visit)))


def _alert(company: Any, visit: Any) -> dict[str, Any]:
    shown = {
        "Company Name": company.name,
        "Company Domain": company.domain,
        "Page URL": visit.pages[0] if visit.pages else "",
        "Page Count": len(visit.pages),
        "Session Spent Time": visit.seconds,
        "Factors Activity URL": f"https://app.factors.ai/{visit.id}",
    }
    listed = {str(n): {"DisplayName": name, "PropValue": value} for n, (name, value) in enumerate(shown.items())}
    title = {"Title": "On the website", "Event": "Website Session", "Message": f"{company.name} is on the website"}
    return {**title, "MessageProperty": listed}


WEBHOOK = Webhook(
    "factors",
    "FACTORS_WEBHOOK_SECRET",
    "sandbox-factors-secret",
    hashed_token("factors-secret-256"),
    happenings,
    spans(60, 300),
    "application/json; charset=utf-8",
)
