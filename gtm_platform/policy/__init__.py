"""The business rules, typed. `policy.toml` holds their values; a RevOps person edits that file, nothing else."""

import hashlib
import json
import re
import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gtm_platform.settings import settings

Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0, le=100)]
Penalty = Annotated[int, Field(le=0, ge=-100)]


class PolicyError(ValueError):
    """A policy file that cannot be used; the message names the file, the line and what is wrong there."""


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Money(Rules):
    reporting_currency: str
    rates: dict[str, Annotated[Decimal, Field(gt=0)]]

    @model_validator(mode="after")
    def _reports_in_a_known_currency(self) -> Self:
        if self.rates.get(self.reporting_currency) != 1:
            raise ValueError(f"the rate of the reporting currency {self.reporting_currency} must be given as 1")
        return self


class Sync(Rules):
    full_every_days: Annotated[int, Field(ge=1)]
    max_shrinkage: Share
    shrinkage_min_records: Annotated[int, Field(ge=0)]


class Stripe(Rules):
    count_paused_collection: list[Literal["keep_as_draft", "mark_uncollectible", "void"]]
    discounts: Literal["forever_only", "recurring", "all"]


class Confidence(Rules):
    email: Share
    shared_id: Share
    merged: Share
    secondary_email: Share
    domain: Share
    email_domain: Share


class Identity(Rules):
    shared_inboxes: list[str]
    free_mail_domains: list[str]
    largest_cluster: Annotated[int, Field(ge=2)]
    confidence: Confidence


class Support(Rules):
    window_days: Annotated[int, Field(ge=1)]
    critical_tags: list[str]
    cancel_words: str
    cancel_days: Annotated[int, Field(ge=1)]

    @field_validator("cancel_words")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern


class Weights(Rules):
    activity: Points
    support: Points
    payment: Points
    engagement: Points
    tenure: Points
    mrr: Points

    @model_validator(mode="after")
    def _sum_to_100(self) -> Self:
        if (total := sum(self.model_dump().values())) != 100:
            raise ValueError(f"the weights sum to {total:g}, not to 100")
        return self


class PaymentPoints(Rules):
    active: Points
    trialing: Points
    paused: Points
    past_due: Points
    unpaid: Points
    canceled: Points


class Overrides(Rules):
    cancel: Penalty
    delinquent: Penalty
    inactive: Penalty
    critical: Penalty


class Status(Rules):
    healthy: int
    at_risk: int
    high_risk: int
    critical: Literal[0]

    @model_validator(mode="after")
    def _descends(self) -> Self:
        if not 100 >= self.healthy > self.at_risk > self.high_risk > self.critical:
            raise ValueError("the lowest scores must descend: healthy > at_risk > high_risk > critical = 0")
        return self


class Churn(Rules):
    midpoint: float
    slope: Annotated[float, Field(gt=0)]
    min_risk_after_cancel_mention: Points


class Signals(Rules):
    low_csat: Annotated[float, Field(ge=1, le=5)]
    negative_tone: Annotated[float, Field(ge=-1, le=1)]
    low_engagement: Points


class Health(Rules):
    weights: Weights
    activity_points: Annotated[list[tuple[int, Points]], Field(min_length=2)]
    csat_share: Share
    tone_share: Share
    payment_points: PaymentPoints
    failed_payment_points: Points
    logins_for_full_engagement: Annotated[int, Field(ge=1)]
    logins_share: Share
    onboarding_share: Share
    months_for_full_tenure: Annotated[float, Field(gt=0)]
    inactive_days: Annotated[int, Field(ge=1)]
    overrides: Overrides
    status: Status
    signals: Signals
    churn: Churn

    @field_validator("activity_points")
    @classmethod
    def _days_rise(cls, points: list[tuple[int, float]]) -> list[tuple[int, float]]:
        days = [day for day, _ in points]
        if days != sorted(set(days)):
            raise ValueError("the days of activity_points must rise")
        return points


class Quality(Rules):
    completeness: Points
    freshness: Points
    match: Points
    validity: Points
    overdue_hours: Annotated[int, Field(ge=1)]


class HubSpot(Rules):
    largest_change_share: Share
    change_min_records: Annotated[int, Field(ge=0)]


class Alerts(Rules):
    health_drop_points: Annotated[int, Field(ge=1)]
    health_drop_days: Annotated[int, Field(ge=1)]
    health_drop_margin: Annotated[int, Field(ge=0)]
    digest_above: Annotated[int, Field(ge=1)]


class Automation(Rules):
    settle_minutes: Annotated[int, Field(ge=0)]
    longest_wait_minutes: Annotated[int, Field(ge=0)]
    retry_after_minutes: list[Annotated[int, Field(ge=1)]]


class Policy(Rules):
    money: Money
    sync: Sync
    stripe: Stripe
    identity: Identity
    support: Support
    health: Health
    quality: Quality
    hubspot: HubSpot
    alerts: Alerts
    automation: Automation

    @property
    def hash(self) -> str:
        """Identify the rules that decide what a table says; when tables are made is no such rule."""
        canonical = json.dumps(self.model_dump(mode="json", exclude={"automation"}), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def read(text: str, name: str) -> Policy:
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        told = [f"{name}, line {_line(text, e['loc'])}: {_path(e['loc'])}: {_why(e)}" for e in error.errors()]
        raise PolicyError("\n".join(told)) from None


def _path(loc: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in loc)


def _why(error: Any) -> str:
    return {"extra_forbidden": "this key is not known", "missing": "this key is missing"}.get(error["type"]) or error[
        "msg"
    ]


def _line(text: str, loc: tuple[Any, ...]) -> int:
    """The line on which the key at `loc` stands; of a missing key, the line of its table."""
    keys = [str(part) for part in loc if isinstance(part, str)]
    table, best = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\[([^\]]+)\]", line):
            table = header[1].strip()
        named = f"{table}.{key[1]}".lstrip(".") if (key := re.match(r"\s*([\w-]+)\s*=", line)) else table
        if ".".join(keys) == named:
            return number
        if header and ".".join(keys).startswith(table):
            best = number
    return best


@cache
def policy() -> Policy:
    path = settings().gtm_policy
    if path is None:
        return read(files("gtm_platform").joinpath("policy/policy.toml").read_text(), "policy.toml")
    try:
        return read(Path(path).read_text(), str(path))
    except OSError as error:
        raise PolicyError(f"GTM_POLICY names {path}, which cannot be read: {error.strerror}") from None
