"""How an alert about a customer or a company reads: who, what it is worth, why, what to do, where to look."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from gtm_platform.delivery.alerts.alert import Alert, recovered, worded
from gtm_platform.delivery.alerts.audience import EVERYTHING, Audience
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.kinds.cohort_transition import NAMES
from gtm_platform.delivery.alerts.portions import Portion
from gtm_platform.delivery.alerts.runbooks import runbook_of
from gtm_platform.delivery.alerts.wording import (
    FIELD,
    HEADER,
    SECTION,
    Block,
    Message,
    clean,
    context,
    escape,
    header,
    link,
    mrkdwn,
    pages,
    repeat_mark,
    section,
)
from gtm_platform.ingest.plain_words import plain_words
from gtm_platform.state.slack_journal import Entry

Row = Mapping[str, Any]

REASON = 240  # characters of why, in a line of a digest
QUOTED = 300  # characters of what a customer wrote
ASK = "Was this useful? React with :+1: or :-1:."  # which are read back
ABOUT = "What it means"

COLUMNS = (  # of the customers, for all that a message names
    "customer_id",
    "company_id",
    "name",
    "company_name",
    "mrr",
    "currency",
    "mrr_reporting",
    "assigned_am",
    "assigned_am_email",
    "hubspot_contact_id",
    "health_score",
    "health_status",
    "churn_risk",
    "risk_signals",
    "recommended_actions",
)


@dataclass(frozen=True)
class Wording:
    """Words for alerts about customers and companies, whose pages are in `portal` and `dashboard`."""

    customers: Mapping[str, Row]
    currency: str  # in which MRR is summed
    portal: str | None = None
    dashboard: str | None = None
    audience: Callable[[str], Audience] = lambda _: EVERYTHING  # of a recipient; of "" that of the usual channel

    def messages(self, portion: Portion) -> list[Message]:
        """Return a message for each alert that goes out by itself, and the pages of the digest of the others.

        They show what those who read the recipient's channel may see, and are about whom they may see.
        """
        own, usual = (self._seen_by(self.audience(recipient)) for recipient in (portion.recipient, ""))
        singles = [own.single(entry, portion.recipient) for entry in own._of(portion.single)]
        if not portion.recipient:
            return [*singles, *own.digest(own._of(portion.digest))]
        digest = own.digest(own._of(portion.digest), portion.recipient)
        return [
            *(replace(message, elsewhere=usual._single_if_seen(message)) for message in singles),
            *(replace(message, elsewhere=usual._page_if_seen(message)) for message in digest),
        ]

    def _seen_by(self, audience: Audience) -> "Wording":
        seen = {id: audience.shown(row) for id, row in self.customers.items() if audience.sees(row)}
        return replace(self, customers=seen)

    def _of(self, entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if entry.subject_id in self.customers]

    def _single_if_seen(self, message: Message) -> Message | None:
        return next((self.single(entry) for entry in self._of(message.entries)), None)

    def _page_if_seen(self, message: Message) -> Message | None:
        entries = self._of(message.entries)
        return self._page(entries, entries, 0, "") if entries else None

    def single(self, entry: Entry, recipient: str = "") -> Message:
        """Return the message of one alert."""
        alert, customer = _alerts()[entry.kind], self.customers[entry.subject_id]
        title = f"{repeat_mark(entry)}{worded(alert.title, entry.facts)}: {who(customer)}"
        reason = why(entry, alert, customer)
        figures = {"MRR": money(customer), "Account manager": customer["assigned_am"], **_standing(customer)}
        fields = [mrkdwn(f"*{name}*\n{escape(str(value or 'unknown'))}", FIELD) for name, value in figures.items()]
        blocks: list[Block] = [
            header(title),
            {"type": "section", "fields": fields},
            section(f"*Why*\n{escape(reason)}"),
        ]
        if words := _quote(entry, alert, customer):
            blocks.append(section(f"*In their words*\n>{escape(words)}"))
        if advice := _advice(entry, alert, customer):
            blocks.append(section(f"*What to do*\n{advice}"))
        if links := [link(url, f"Open in {name}") for name, url in self._pages(customer).items()]:
            blocks.append(section(" · ".join(links)))
        if not recovered(entry.facts):
            blocks.append(context(f"{ASK} {runbook_of(alert, entry.facts).linked(ABOUT)}"))
        return Message((entry,), escape(f"{title}. {reason}"), tuple(blocks), recipient=recipient)

    def digest(self, entries: Sequence[Entry], recipient: str = "") -> list[Message]:
        """Return the pages of a digest, by cause; causes, and customers of each, by the MRR that is at stake."""
        ordered = [entry for cause in self._by_cause(entries).values() for entry in cause]
        return [self._page(page, entries, number, recipient) for number, page in enumerate(pages(ordered)) if ordered]

    def _page(self, page: Sequence[Entry], all_: Sequence[Entry], number: int, recipient: str) -> Message:
        causes = self._by_cause(all_)
        heading = f"{len(all_)} alerts: {self._stake(all_)} at stake" if len(all_) > 1 else "1 alert"
        text = heading + (f", continued ({number + 1})" if number else "")
        blocks = [header(text)]
        if not number and len(causes) > 1:
            blocks.append(
                context(escape(", ".join(f"{len(those)} {cause.lower()}" for cause, those in causes.items())))
            )
        for cause, entries in self._by_cause(page).items():
            lines = [self._line(entry) for entry in entries]
            worth = [self._stake(causes[cause])] if entries[0].subject_kind == "customer" or self._mrr(entries) else []
            title = f"*{escape(cause)}*: {', '.join([_counted(causes[cause]), *worth])}"
            blocks += [section(text) for text in _joined([title, *lines])]
        return Message(tuple(page), escape(text), tuple(blocks), follows=number > 0, recipient=recipient)

    def _by_cause(self, entries: Sequence[Entry]) -> dict[str, list[Entry]]:
        """Return the alerts by their titles: what presses, then good news, then what is over."""

        def order(cause: tuple[str, list[Entry]]) -> tuple[bool, bool, Decimal, str]:
            title, alike = cause
            return recovered(alike[0].facts), not _presses(alike[0]), -self._mrr(alike), title

        causes: dict[str, list[Entry]] = {}
        for entry in sorted(entries, key=lambda entry: -self._mrr([entry])):
            causes.setdefault(worded(_alerts()[entry.kind].title, entry.facts), []).append(entry)
        return dict(sorted(causes.items(), key=order))

    def _mrr(self, entries: Sequence[Entry]) -> Decimal:
        """Return the MRR of customers and companies, each customer's once, whether by itself or in its company's."""
        subjects = [self.customers[id] for id in {entry.subject_id for entry in entries}]
        people = [row for row in subjects if not _is_company(row)]
        companies = {row["company_id"] for row in subjects if _is_company(row)}
        alone = [row for row in people if row.get("company_id") not in companies]
        counted = [*alone, *(row for row in subjects if _is_company(row))]
        return sum((Decimal(row.get("mrr_reporting") or 0) for row in counted), Decimal(0))

    def _stake(self, entries: Sequence[Entry]) -> str:
        at_stake = [entry for entry in entries if _presses(entry)] or entries
        return f"{amount(self._mrr(at_stake), self.currency)} MRR"

    def _line(self, entry: Entry) -> str:
        alert, customer = _alerts()[entry.kind], self.customers[entry.subject_id]
        url = next(iter(self._pages(customer).values()), None)
        name = link(url, who(customer)) if url else escape(who(customer))
        worth = f"{money(customer)} MRR, AM {customer['assigned_am'] or 'unknown'}"
        if _is_company(customer) and not customer["mrr"] and not customer["assigned_am"]:
            worth = "no customer"
        reason = why(entry, alert, customer)
        if words := _quote(entry, alert, customer):
            reason = f"“{words}” {reason}"
        short = reason if len(reason) <= REASON else f"{reason[: REASON - 1]}…"
        return f"• {repeat_mark(entry)}{name} ({escape(worth)}): {escape(short)}"

    def _pages(self, customer: Row) -> dict[str, str]:
        pages = {"HubSpot": hubspot_link(customer, self.portal)}
        if self.dashboard:
            page = "company" if _is_company(customer) else "customer"
            id = quote(str(customer[f"{page}_id"]))
            pages["the dashboard"] = f"{self.dashboard.rstrip('/')}/{page}?id={id}"
        return {name: url for name, url in pages.items() if url}


def _is_company(subject: Row) -> bool:
    return "hubspot_company_id" in subject


def _presses(entry: Entry) -> bool:
    """Whether somebody should act before it is too late; what is over, and good news, does not press."""
    return _alerts()[entry.kind].severity_of(entry.facts) != "info"


def _counted(entries: Sequence[Entry]) -> str:
    kind = entries[0].subject_kind
    plural = {"company": "companies"}.get(kind, f"{kind}s")
    return f"1 {kind}" if len(entries) == 1 else f"{len(entries)} {plural}"


def _alerts() -> dict[str, Alert[Any]]:
    return routed("customers")


def _joined(lines: Sequence[str]) -> list[str]:
    """Return the lines in as few texts as Slack's longest section allows."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < SECTION:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def why(entry: Entry, alert: Alert[Any], customer: Row) -> str:
    """Return why it is sent, and what else speaks against the customer staying."""
    signals = ", ".join(map(plain_words, customer["risk_signals"] or []))
    return worded(alert.why, entry.facts) + (f" Signals: {signals}." if signals else "")


def _quote(entry: Entry, alert: Alert[Any], customer: Row) -> str:
    words = alert.quote(entry.facts, customer) if alert.quote else None
    return clean(words or "")[:QUOTED]


def who(customer: Row) -> str:
    """Return the customer's name and company."""
    names = [customer["name"] or f"customer {customer['customer_id']}", customer["company_name"]]
    return clean(", ".join(name for name in names if name))[:HEADER]


def money(customer: Row) -> str:
    """Return the MRR in its currency."""
    return "unknown" if customer["mrr"] is None else amount(Decimal(customer["mrr"]), customer["currency"] or "")


def amount(value: Decimal, currency: str) -> str:
    """Return an amount in its currency, in words."""
    whole = value == value.to_integral_value()
    return f"{value:,.{0 if whole else 2}f} {currency.upper()}".strip()


def hubspot_link(customer: Row, portal: str | None) -> str | None:
    """Return the address of the page of the contact, or company, in HubSpot."""
    is_company = _is_company(customer)
    record = customer["hubspot_company_id" if is_company else "hubspot_contact_id"]
    type_id = "0-2" if is_company else "0-1"
    return f"https://app.hubspot.com/contacts/{portal}/record/{type_id}/{record}" if portal and record else None


def _standing(subject: Row) -> dict[str, str]:
    """Return how a customer stands by health, or a company by cohort."""
    return {"Cohort": NAMES[subject["customer_cohort"]]} if _is_company(subject) else {"Health": _health(subject)}


def _health(customer: Row) -> str:
    if customer["health_score"] is None:
        return "unknown"
    status = plain_words(customer["health_status"])
    return f"{customer['health_score']} ({status}), churn risk {customer['churn_risk']} %"


def _advice(entry: Entry, alert: Alert[Any], customer: Row) -> str:
    if recovered(entry.facts):
        return ""
    actions = customer["recommended_actions"] or [alert.advice_of(entry.facts)]
    return "\n".join(f"• {escape(str(action))}" for action in actions)
