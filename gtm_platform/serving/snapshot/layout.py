"""What a snapshot's file looks like: its tables, and by which columns customers are filtered and sorted.

Columns of customers come from the contracts. To filter or sort by a further one, add a line to FILTERS or SORTS.
"""

from dataclasses import dataclass
from typing import Literal

import ibis.expr.datatypes as dt

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.health.customer_health import AGO
from gtm_platform.health.customer_health import CONTRACT as HEALTH
from gtm_platform.lake.contracts import Column
from gtm_platform.unified.customers import CONTRACT as WIDE

FORMAT = 8  # of the file; a reader opens no other
CUSTOMERS, SCORES, PEOPLE, COMPANY_IDS = (
    "core/unified_customers",
    "health/customer_health",
    "identity/people",
    "identity/companies",
)
COMPANIES, TRANSITIONS, COHORT_ERRORS = (
    "core/unified_companies",
    "cohorts/transitions",
    "cohorts/validation_errors",
)
REVIEW = "identity/review"
INTELLIGENCE = tuple(
    f"intelligence/{name}"
    for name in (
        *("mrr_periods", "mrr_bridge", "movement_bridge", "retention_cohorts", "revenue_forecast"),
        *("pipeline_deals", "pipeline_forecast", "expansion_opportunities"),
        *("icp_groups", "icp_fit", "lead_outcomes", "lead_scores", "churn_scores"),
        *("holdout", "effect", "success"),
        *("competitor_rates", "competitor_usage", "competitor_pains", "activity_rates", "activity_by_manager"),
    )
)
HISTORY_DAYS = 90

# What is shown of a customer: the wide table, how its score moved, and where its company stands.
CHANGES: dict[str, Column] = {name: HEALTH.columns[name] for name in AGO.values()}
COHORT = "company_cohort"
OF_COMPANY = {COHORT: Column("string", "Cohort of the company; null without a company, or where it is in none.")}
SHOWN: dict[str, Column] = {**WIDE.columns, **CHANGES, **OF_COMPANY}
# What is kept of each day of a customer's history, by the name it has in the file.
HISTORY = {
    "health_score": "health_score",
    "health_status": "health_status",
    "mrr": "mrr_reporting",
    "churn_risk": "churn_risk",
    "customer_status": "customer_status",
}
# The fields of facts that say something of a person, for who may see that only; in rows about a company they do not.
PERSONAL_IN_FACTS = frozenset(["excerpt", "first_name", "first_address", "second_name", "second_address"])

Test = Literal["is", "at_least", "at_most", "has"]
SEPARATOR = "|"  # between the values of a list, and at both of its ends
NO_NUMBER, NO_TEXT = -1e15, ""  # stands for null, below every value


@dataclass(frozen=True)
class Filter:
    """What a list of customers can be narrowed by; of several values any may hold, of bounds all."""

    name: str
    column: str
    test: Test
    about: str

    @property
    def is_number(self) -> bool:
        """Whether it compares numbers."""
        return kind_of(self.column) == "real"


FILTERS = {
    each.name: each
    for each in (
        Filter("health", "health_status", "is", "healthy, at_risk, high_risk or critical."),
        Filter("status", "customer_status", "is", "prospect, trial, active, past_due, paused, leaving or churned."),
        Filter("account_manager", "assigned_am", "is", "Name of the account manager; empty for customers without one."),
        Filter("plan", "plan_tier", "is", "Tier of the plan."),
        Filter("signal", "risk_signals", "has", "Name of a risk signal."),
        Filter("company", "company_id", "is", "Id of the company."),
        Filter("cohort", COHORT, "is", f"Cohort of the company: {', '.join(COHORTS)}; empty for customers without."),
        Filter("domain", "company_domain", "is", "Domain of the company."),
        Filter("country", "country", "is", "Country."),
        Filter("currency", "currency", "is", "Currency that the customer pays in."),
        Filter("mrr_min", "mrr_reporting", "at_least", "Least MRR, in the reporting currency."),
        Filter("mrr_max", "mrr_reporting", "at_most", "Largest MRR, in the reporting currency."),
        Filter("score_min", "health_score", "at_least", "Least health score."),
        Filter("score_max", "health_score", "at_most", "Largest health score."),
        Filter("risk_min", "churn_risk", "at_least", "Least churn risk, in percent."),
        Filter("change_max", "score_change_7d", "at_most", "Largest change of the score in 7 days, such as -10."),
    )
}

# By the name that a request gives: ascending by itself, descending with a minus before it.
SORTS = {
    "mrr": "mrr_reporting",
    "health_score": "health_score",
    "churn_risk": "churn_risk",
    "last_seen": "last_seen_at",
    "score_change_7d": "score_change_7d",
    "churned_at": "churned_at",
}
CURRENT = "is_customer"
NARROW = ("assigned_am", "company_id", "company_domain")  # equality on one of these leaves few enough rows to sort
COLUMNS = tuple(dict.fromkeys([CURRENT, *(each.column for each in FILTERS.values()), *SORTS.values()]))


def kind_of(column: str) -> Literal["real", "text"]:
    """Return what a column of customers is in the file."""
    kind = dt.dtype(SHOWN[column].type)
    return "real" if kind.is_numeric() or kind.is_boolean() else "text"


def tables() -> str:
    """Return the statements that make the tables of an empty file."""
    columns = ", ".join(f"{name} {kind_of(name)} not null" for name in COLUMNS)
    return f"""
        create table meta (name text primary key, value text not null) without rowid;
        create table customers (id integer primary key, customer_id text not null, {columns});
        create table documents (
            id integer primary key, body text not null, personal text not null, explanation text,
            history blob not null
        );
        create table identifiers (identifier text, id integer, primary key (identifier, id)) without rowid;
        create table companies (
            id integer primary key, company_id text not null unique, domain text, customers integer not null,
            mrr_reporting real not null, health_score real, cohort text, priority real not null, body text not null
        );
        create table transitions (
            id integer primary key, day text not null, company_id text not null, body text not null
        );
        create table facts (name text primary key, body text not null) without rowid;
        create table metric_values (
            metric text, dimension text, day text, member text, value real, primary key (metric, dimension, day, member)
        ) without rowid;
        create table metric_days (day text primary key, fingerprint text not null) without rowid;
        create table alerts (
            id integer primary key, at text not null, subject_kind text not null, subject_id text not null,
            body text not null
        );
        create index alerts_of_a_subject on alerts (subject_id, id);
        create table hubspot_writes (id integer primary key, customer_id text not null, body text not null);
        create table hubspot_fields (
            day text, object_type text, status text, reason text, fields integer not null,
            primary key (day, object_type, status, reason)
        ) without rowid;
        create table score_changes (customer_id text primary key, body blob not null) without rowid;
        create table departures (
            id integer primary key, customer_id text not null, day text not null, account_manager text not null,
            mrr real not null, foreseen integer not null, body text not null
        );
        create table events (id integer primary key, customer_id text not null unique, body blob not null);
        create table sync_runs (id integer primary key, at text not null, body text not null);
    """


def indexes() -> str:
    """Return the statements that make the indexes of a filled file; one of a sort has all columns."""
    covering = [
        f"create index by_{name} on customers ({column}, id, {', '.join(c for c in COLUMNS if c != column)})"
        for name, column in SORTS.items()
    ]
    narrow = [f"create index of_{name} on customers ({name})" for name in NARROW if name != "assigned_am"]
    # The customers of an account manager, of whom there are many, come by MRR out of their index alone.
    first = ("assigned_am", "mrr_reporting")
    narrow.append(
        f"create index of_assigned_am on customers ({', '.join(first)}, id, "
        f"{', '.join(c for c in COLUMNS if c not in first)})"
    )
    rest = [
        "create index companies_by_mrr on companies (mrr_reporting, id)",
        "create index companies_by_priority on companies (priority, id)",
        "create index companies_by_domain on companies (domain)",
        "create index transitions_of_a_company on transitions (company_id, id)",
        "create index hubspot_writes_of_a_customer on hubspot_writes (customer_id, id)",
    ]
    return ";\n".join([*covering, *narrow, *rest])
