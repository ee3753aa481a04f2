"""How soon windows are read because of webhooks, and how long what they brought is kept."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Rules

Seconds = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Hot(Rules):
    """The hot path: how soon, and of how many customers at once; policy.toml says of each what it is for."""

    is_on: bool = True
    settle_seconds: Seconds = 0.3
    longest_settle_seconds: Seconds = 1.5
    gap_seconds: Seconds = 0.5
    overlap_seconds: Seconds = 15
    most_customers: Positive = 500
    resume_minutes: Positive = 60
    keep_runs_days: Positive = 14


class Hooks(Rules):
    """Waiting times and ages; policy.toml says of each what it is for."""

    settle_seconds: Annotated[int, Field(ge=0)] = 15
    longest_settle_seconds: Annotated[int, Field(ge=0)] = 60
    gap_seconds: Positive = 60
    whole_gap_minutes: Positive = 60
    after_failure_minutes: Positive = 15
    tables_gap_minutes: Positive = 15
    keep_bodies_days: Positive = 7
    keep_events_days: Positive = 30
    silent_factor: Annotated[float, Field(ge=1)] = 2.0
    silent_least_hours: Positive = 24
    refused_least: Positive = 5
    hot: Hot = Hot()
