"""What may be subscribed to: which values of customers and companies, and of whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gtm_platform.policy import Triggers

SubjectKind = Literal["customer", "company"]
SUBJECTS: tuple[SubjectKind, ...] = ("customer", "company")


@dataclass(frozen=True)
class Kind:
    """A value of a customer or company whose changes are sent.

    `least` names the rule of the least change.
    """

    name: str
    subject: SubjectKind
    column: str  # of the wide table
    about: str
    least: str | None = None

    def changed(self, before: Any, after: Any, rules: Triggers) -> bool:
        """Whether a value is news for who was last sent another one."""
        if self.least is None or before is None or after is None:
            return bool(before != after)
        return bool(abs(after - before) >= int(getattr(rules, self.least)))


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("customer_status", "customer", "customer_status", "trial, active, past_due, paused, leaving or churned."),
        Kind("health_status", "customer", "health_status", "healthy, at_risk, high_risk, critical or new."),
        Kind("health_score", "customer", "health_score", "0 to 100, by steps of the policy's points.", "score_points"),
        Kind("churn_risk", "customer", "churn_risk", "In percent, by steps of the policy's points.", "risk_points"),
        Kind("risk_signals", "customer", "risk_signals", "What speaks against the customer staying."),
        Kind("cohort", "company", "customer_cohort", "Cohort of the company."),
        Kind("market_signals", "company", "in_market_signals", "What the company does before it buys."),
    )
}


@dataclass(frozen=True)
class Filter:
    """What a subscription can be narrowed by; of several values any may hold."""

    name: str
    about: str


FILTERS: Mapping[str, Filter] = {
    each.name: each
    for each in (
        Filter("tier", "Tier of a customer's plan, or of a company's usage."),
        Filter("am", "Name or address of the account manager."),
        Filter("cohort", "Cohort of the company."),
        Filter("min_mrr", "Least MRR, in the reporting currency."),
    )
}


def kinds_of(names: tuple[str, ...], subject: SubjectKind) -> list[Kind]:
    """Return the kinds of a subscription that are about customers, or about companies."""
    return [KINDS[name] for name in names if KINDS[name].subject == subject]


def parse_filters(wishes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Read filters as a person writes them: tier=scale, am=robin@acme.com, cohort=Customer, mrr>=500."""
    filters: dict[str, tuple[str, ...]] = {}
    for wish in wishes:
        name, _, value = wish.replace("mrr>=", "min_mrr=").partition("=")
        name, value = name.strip(), value.strip()
        if name not in FILTERS or not value:
            raise ValueError(f"{wish!r} is no filter: write tier=…, am=…, cohort=… or mrr>=…, once for each value.")
        if name == "min_mrr":
            _amount(value)
        filters[name] = (*filters.get(name, ()), value)
    return filters


def _amount(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"mrr>={text}: write a number, such as mrr>=500.") from None


def matches(row: Mapping[str, Any], filters: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a customer or company is one that a subscription asks for."""
    return all(_matches(row, name, values) for name, values in filters.items())


def _matches(row: Mapping[str, Any], name: str, values: tuple[str, ...]) -> bool:
    if name == "min_mrr":
        return float(row["mrr"] or 0) >= max(map(_amount, values))
    wanted = {value.lower() for value in values}
    of_row = (row["am"], row["am_email"]) if name == "am" else (row[name],)
    return any(str(each).lower() in wanted for each in of_row if each is not None)
