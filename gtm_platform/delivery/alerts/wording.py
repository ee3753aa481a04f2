"""How an alert reads in Slack: who, what it is worth, why, what to do, where to look."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gtm_platform.delivery.alerts.alerts import CANCEL_MENTION, HEALTH_DROP, RUN_FAILURE
from gtm_platform.state.slack_journal import Entry

Row = Mapping[str, Any]
Block = dict[str, Any]

COLUMNS = (  # of the customers, for all that an alert is decided by and says
    "customer_id",
    "name",
    "company_name",
    "is_customer",
    "mrr",
    "currency",
    "assigned_am",
    "hubspot_contact_id",
    "cancel_mentioned_at",
    "health_score",
    "health_status",
    "churn_risk",
    "risk_signals",
    "recommended_actions",
)
REPEAT = "(may be a repeat) "
HEADER, FIELD, SECTION = 150, 2000, 3000  # what Slack takes, in characters
LINES_A_PAGE = 25
NO_ADVICE = {
    CANCEL_MENTION: "Call the customer today and ask what went wrong.",
    HEALTH_DROP: "Look at what changed and talk to the customer.",
}


@dataclass(frozen=True)
class Message:
    """One post and the alerts that it says; `follows` puts it into the thread of the page before."""

    entries: tuple[Entry, ...]
    text: str
    blocks: tuple[Block, ...]
    follows: bool = False

    @property
    def fingerprint(self) -> str:
        """Of the alert; of a page of several, one that all of theirs make."""
        marks = [entry.fingerprint for entry in self.entries]
        return marks[0] if len(marks) == 1 else "digest:" + hashlib.sha256("\n".join(marks).encode()).hexdigest()[:32]

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps([self.text, self.blocks]).encode()).hexdigest()


def compose(entries: Sequence[Entry], customers: Mapping[str, Row], storm: int, portal: str | None) -> list[Message]:
    """A message for each alert; more than `storm` of them are folded into one digest, its further pages in a thread."""
    if len(entries) > storm:
        pages = [entries[start : start + LINES_A_PAGE] for start in range(0, len(entries), LINES_A_PAGE)]
        return [_page(page, customers, portal, len(entries), number) for number, page in enumerate(pages)]
    return [_single(entry, customers[entry.customer_id], portal) for entry in entries]


def _single(entry: Entry, customer: Row, portal: str | None) -> Message:
    title = duplicate_count(entry) + f"{TITLES[entry.kind]}: {who(customer)}"
    facts = {"MRR": money(customer), "Account manager": customer["assigned_am"], "Health": _health(customer)}
    fields = [_mrkdwn(f"*{name}*\n{escape(str(value or 'unknown'))}", FIELD) for name, value in facts.items()]
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": clean(title)[:HEADER]}},
        {"type": "section", "fields": fields},
        {"type": "section", "text": _mrkdwn(f"*Why*\n{escape(why(entry, customer))}", SECTION)},
        {"type": "section", "text": _mrkdwn(f"*What to do*\n{_advice(entry, customer)}", SECTION)},
    ]
    if url := link(customer, portal):
        blocks.append({"type": "section", "text": _mrkdwn(f"<{url}|Open in HubSpot>", SECTION)})
    return Message((entry,), escape(f"{title}. {why(entry, customer)}"), tuple(blocks))


def compose_of_platform(entries: Sequence[Entry]) -> list[Message]:
    """A message for each thing that happened to the platform itself; it names no customer."""
    return [_of_platform(entry) for entry in entries]


def _of_platform(entry: Entry) -> Message:
    title = duplicate_count(entry) + f"{TITLES[entry.kind]}: {entry.facts['job']}"
    again = (
        f"Open run `{entry.facts['run_id']}` in Dagster; what had succeeded in it is kept. Run it again when mended."
    )
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": clean(title)[:HEADER]}},
        {"type": "section", "text": _mrkdwn(f"*Why*\n{escape(entry.facts['why'])}", SECTION)},
        {"type": "section", "text": _mrkdwn(f"*What to do*\n{again}", SECTION)},
    ]
    return Message((entry,), escape(f"{title}. {entry.facts['why']}"), tuple(blocks))


def _page(
    entries: Sequence[Entry], customers: Mapping[str, Row], portal: str | None, total: int, number: int
) -> Message:
    kinds = [entry.kind for entry in entries]
    counts = ", ".join(f"{kinds.count(kind)} {TITLES[kind].lower()}" for kind in dict.fromkeys(kinds))
    text = f"{total} alerts at once" + (f", continued ({number + 1})" if number else "") + f"; here {counts}"
    lines = [_line(entry, customers[entry.customer_id], portal) for entry in entries]
    blocks: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": text[:HEADER]}}]
    blocks += [{"type": "section", "text": _mrkdwn(line, SECTION)} for line in lines]
    return Message(tuple(entries), text, tuple(blocks), follows=number > 0)


def _line(entry: Entry, customer: Row, portal: str | None) -> str:
    name, url = escape(who(customer)), link(customer, portal)
    worth = f"{money(customer)} MRR, AM {customer['assigned_am'] or 'unknown'}"
    told = escape(f" ({worth}): {why(entry, customer)}")
    return f"{duplicate_count(entry)}*{TITLES[entry.kind]}*: " + (f"<{url}|{name}>" if url else name) + told


def duplicate_count(entry: Entry) -> str:
    return REPEAT if entry.status == "unknown" else ""


def why(entry: Entry, customer: Row) -> str:
    signals = ", ".join(str(signal).replace("_", " ") for signal in customer["risk_signals"] or [])
    return WHY[entry.kind](entry.facts) + (f" Signals: {signals}." if signals else "")


def who(customer: Row) -> str:
    named = [customer["name"] or f"customer {customer['customer_id']}", customer["company_name"]]
    return clean(", ".join(part for part in named if part))[:HEADER]


def money(customer: Row) -> str:
    if customer["mrr"] is None:
        return "unknown"
    amount = Decimal(customer["mrr"])
    whole = amount == amount.to_integral_value()
    return f"{amount:,.{0 if whole else 2}f} {(customer['currency'] or '').upper()}".strip()


def link(customer: Row, portal: str | None) -> str | None:
    contact = customer["hubspot_contact_id"]
    return f"https://app.hubspot.com/contacts/{portal}/record/0-1/{contact}" if portal and contact else None


def clean(text: str) -> str:
    """One line of visible characters: what turns or hides text is left out."""
    visible = (
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join("".join(visible).split())


def escape(text: str) -> str:
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _health(customer: Row) -> str:
    if customer["health_score"] is None:
        return "unknown"
    return f"{customer['health_score']} ({_words(customer['health_status'])}), churn risk {customer['churn_risk']} %"


def _advice(entry: Entry, customer: Row) -> str:
    actions = customer["recommended_actions"] or [NO_ADVICE[entry.kind]]
    return "\n".join(f"• {escape(str(action))}" for action in actions)


def _fell(facts: Mapping[str, Any]) -> str:
    from_, now = (
        f"{facts['from_score']} ({_words(facts['from_status'])})",
        f"{facts['score']} ({_words(facts['status'])})",
    )
    return f"Health fell from {from_} to {now}."


def _words(status: str) -> str:
    return status.replace("_", " ")


def _mrkdwn(text: str, most: int) -> Block:
    return {"type": "mrkdwn", "text": text if len(text) <= most else text[: most - 1] + "…"}


TITLES = {CANCEL_MENTION: "Cancel mention", HEALTH_DROP: "Health drop", RUN_FAILURE: "Run failed"}
WHY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    CANCEL_MENTION: lambda facts: f"Spoke of cancelling on {facts['mentioned_at']}.",
    HEALTH_DROP: _fell,
}
