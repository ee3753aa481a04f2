"""Truth as a table that people can read: everybody at the end of a day, of one status or of all."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from gtm_platform.sandbox.page_layout import document
from gtm_platform.sandbox.world.truth import STATUSES

MOST_SHOWN = 500

_COLUMNS = {
    "person": "Person",
    "name": "Name",
    "customer_status": "Status",
    "customer_since": "Customer since",
    "churned_at": "Churned",
    "churn_reason": "Reason",
    "mrr": "MRR",
    "ltv": "LTV",
    "currency": "Currency",
    "delinquent": "Owes",
    "open_conversations": "Open conversations",
    "open_critical_tickets": "Critical",
    "last_seen_at": "Last seen",
    "mail_bounces": "Mail bounces",
    "seat_deactivated": "Seat taken away",
    "churns_at": "Will churn",
    "churn_cause": "Because of",
    "churn_shows_from": "Shows from",
    "emails": "Addresses",
    "hubspot": "HubSpot",
    "intercom": "Intercom",
    "stripe": "Stripe",
    "stripe_deleted": "Deleted at Stripe",
}
_NUMBERS = ("mrr", "ltv", "open_conversations", "open_critical_tickets")
_INSTANTS = ("customer_since", "churned_at", "last_seen_at", "churns_at", "churn_shows_from")


def truth_page(truth: Mapping[str, Any], first: date, last: date, status: str | None) -> str:
    """Everybody of that status, up to a number that a browser can bear."""
    people = [person for person in truth["people"] if status in (None, person["customer_status"])]
    note = f"{len(people):,} people"
    if len(people) > MOST_SHOWN:
        note += f", of whom the first {MOST_SHOWN} are shown: the JSON holds all"
    body = f"""<p><a href="/">The sandbox</a></p>
<h1>The truth</h1>
<p class="lead">How everybody stood at the end of {escape(truth["day"])} (UTC), from what the world decided and not from
what the systems show. Compare it with what the platform says. "Will churn" is what nobody can know yet.</p>
<p role="status"></p>
{_choice(truth["day"], first, last, status)}
<section class="card"><p class="faint">{note}; <a href="/_sandbox/truth?day={escape(truth["day"])}">as JSON</a>.</p>
<div class="scroll">{_table(people[:MOST_SHOWN])}</div></section>"""
    return document(f"Truth of {truth['day']} · GTM sandbox", body, wide=True)


def _choice(day: str, first: date, last: date, status: str | None) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == (status or "") else ""}>{value or "everybody"}</option>'
        for value in ("", *STATUSES)
    )
    return f"""<form method="get"><label>Day<input type="date" name="day" value="{escape(day)}" min="{first}"
max="{last}"></label><label>Status<select name="status">{options}</select></label><button>Show</button></form>"""


def _table(people: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th{_kind(name)}>{title}</th>" for name, title in _COLUMNS.items())
    rows = "".join(
        f"<tr>{''.join(f'<td{_kind(name)}>{escape(_cell(name, person[name]))}</td>' for name in _COLUMNS)}</tr>"
        for person in people
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _kind(name: str) -> str:
    return ' class="number"' if name in _NUMBERS else ""


def _cell(name: str, value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return ", ".join(value)
    return str(value)[:16].replace("T", " ") if name in _INSTANTS else str(value)
