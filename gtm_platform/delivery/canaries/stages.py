"""Which stage has seen what a canary did, and which has not in its time: the first one that has not is what failed.

Stages are looked for where they leave their work: in the lake, read with nobody but canaries, and in HubSpot's journal.
Alerts and reports note by themselves whom they came upon (`sightings`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, off_reason
from gtm_platform.delivery.canaries.systems import CONVERSATION, HUBSPOT, INTERCOM
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Canaries
from gtm_platform.settings import settings_of
from gtm_platform.state import State
from gtm_platform.state import canaries as journal
from gtm_platform.state.canaries import CHURN, COMPLAIN, PAY_LATE, REMOVED, SIGN_UP, CanaryAct, Sighting
from gtm_platform.state.hubspot_journal import day_written

WRITTEN, LANDED, IDENTITY, SCORES = "written", "landed", "identity", "scores"
ALERT, TO_HUBSPOT, REPORT = "alert", "hubspot", "report"
STAGES = (WRITTEN, LANDED, IDENTITY, SCORES, ALERT, TO_HUBSPOT, REPORT)
ABOUT = {
    WRITTEN: "done in Intercom and HubSpot",
    LANDED: "read from there into the lake",
    IDENTITY: "known as a customer, in identity/people",
    SCORES: "seen in health and core/unified_customers",
    ALERT: "due as an alert when alerts were sent",
    TO_HUBSPOT: "written to its contact in HubSpot",
    REPORT: "in the lake when the weekly report was made of it",
}
ALERTS = {COMPLAIN: "cancel_mention", PAY_LATE: "payment_failed"}  # the alert that an act has to lead to
PEOPLE, CUSTOMERS = "identity/people", "core/unified_customers"

SEEN, SEEN_LATE, WAITING, FAILED, BLOCKED = "seen", "seen_late", "waiting", "failed", "blocked"
StageState = Literal["seen", "seen_late", "waiting", "failed", "blocked"]


@dataclass(frozen=True)
class CanaryStage:
    """A stage of what a canary did: by when it had to see it, and when it did."""

    canary: str
    act: str
    stage: str
    day: str  # of the act
    expected_by: datetime
    seen_at: datetime | None
    state: StageState

    @property
    def about(self) -> str:
        """What it means, as a sentence."""
        what = f"{self.canary} was to {self.act.replace('_', ' ')} on {self.day}, and that to be {ABOUT[self.stage]}"
        return f"{what} by {self.expected_by:%Y-%m-%d %H:%M} UTC."


def stages_now(state: State, rules: Canaries, now: datetime) -> list[CanaryStage]:
    """Return every stage of what canaries did or were to do lately, in the order of acts and stages."""
    with state.reading() as tx:
        acts = [each for each in journal.every_act(tx) if each.due_at <= now]
        seen = {(each.canary, each.act, each.stage): each.seen_at for each in journal.every_sighting(tx)}
    stages: list[CanaryStage] = []
    for act in acts:
        if now - act.due_at > timedelta(days=rules.lives_days):
            continue
        is_blocked = any(other.canary == act.canary and not other.done_at for other in _before(act, acts))
        for stage in expected_stages(act, acts, rules):
            seen_at = act.done_at if stage == WRITTEN else seen.get((act.canary, act.act, stage))
            expected_by = act.due_at + timedelta(hours=getattr(rules.within_hours, stage))
            judged = _judged(seen_at, expected_by, now, is_blocked=is_blocked)
            # An alert, a value and a report follow from the scores, and not from each other.
            is_blocked = is_blocked or (seen_at is None and stage in (WRITTEN, LANDED, IDENTITY, SCORES))
            stages.append(CanaryStage(act.canary, act.act, stage, act.day, expected_by, seen_at, judged))
    return stages


def _before(act: CanaryAct, acts: Sequence[CanaryAct]) -> list[CanaryAct]:
    return [each for each in acts if each.due_at < act.due_at]


def _judged(seen_at: datetime | None, expected_by: datetime, now: datetime, *, is_blocked: bool) -> StageState:
    if seen_at:
        return "seen" if seen_at <= expected_by else "seen_late"
    if is_blocked:
        return "blocked"
    return "waiting" if now <= expected_by else "failed"


def failing(stages: Sequence[CanaryStage]) -> dict[str, CanaryStage]:
    """Return by name each stage that failed, with the first act that it missed since it last saw one."""
    by_stage: dict[str, CanaryStage] = {}
    for each in stages:
        if each.state == FAILED:
            by_stage.setdefault(each.stage, each)
        elif each.seen_at:
            by_stage.pop(each.stage, None)
    return by_stage


def expected_stages(act: CanaryAct, acts: Sequence[CanaryAct], rules: Canaries) -> list[str]:
    """List the stages that have to see an act: those that are switched on, of what it leads to."""
    if act.act == REMOVED:
        return [WRITTEN]
    in_hubspot = any(each.canary == act.canary and HUBSPOT in each.objects for each in acts)
    wanted = {WRITTEN, LANDED, IDENTITY, SCORES, REPORT}
    if act.act in ALERTS and off_reason(settings_of(SlackSettings), CUSTOMER_CHANNEL) is None:
        wanted.add(ALERT)
    if in_hubspot and rules.hubspot_property:
        wanted.add(TO_HUBSPOT)
    return [stage for stage in STAGES if stage in wanted]


def look(lake: Lake, state: State, rules: Canaries, now: datetime) -> list[Sighting]:
    """Look for what canaries did in every stage that has not seen it yet; return and keep what is new."""
    with state.reading() as tx:
        acts = journal.every_act(tx)
        sighted = {(each.canary, each.act, each.stage): each for each in journal.every_sighting(tx)}
    made = {each.canary: each.objects for each in acts if each.act == SIGN_UP}
    new = []
    for act in acts:
        if not act.done_at or act.act == REMOVED or now - act.due_at > timedelta(days=rules.lives_days):
            continue
        for stage, finder in FINDERS.items():
            if (act.canary, act.act, stage) in sighted:
                continue
            day = finder(Traces(lake, state, rules, act, made[act.canary], sighted))
            if day is None:
                break
            sighting = Sighting(act.canary, act.act, stage, day, now)
            sighted[act.canary, act.act, stage] = sighting
            new.append(sighting)
    if new:
        with state.writing() as tx:
            journal.sight(tx, new)
    return new


@dataclass(frozen=True)
class Traces:
    """Where an act is looked for: the ids of what the canary has, and what was seen before."""

    lake: Lake
    state: State
    rules: Canaries
    act: CanaryAct
    made: Mapping[str, str]
    sighted: Mapping[tuple[str, str, str], Sighting]

    def days(self, table: str, since: str | None = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the canary's row of each day of a table from the act's day on, the earliest first."""
        only = self.lake.reading("only")
        for day in self.lake.partitions(table):
            if day >= (since or self.act.day):
                rows = only.partition(table, day)
                rows = rows.filter(rows["intercom_contact_id"] == self.made[INTERCOM])
                for row in rows.to_pyarrow().to_pylist():
                    yield day, row

    def source_rows(self, table: str, id: str) -> list[Mapping[str, Any]]:
        """Return the versions of a record that windows since shortly before the act have."""
        since = str(date.fromisoformat(self.act.day) - timedelta(days=1))
        rows = self.lake.read(table, [file for file in self.lake.files(table) if file.partition >= since])
        versions: list[Mapping[str, Any]] = rows.filter(rows["id"] == id).to_pyarrow().to_pylist()
        return versions


def _landed(traces: Traces) -> str | None:
    act = traces.act
    if act.act == COMPLAIN:
        is_there = bool(traces.source_rows("intercom/conversations", act.objects[CONVERSATION]))
    else:
        status = {SIGN_UP: "active", PAY_LATE: "past_due", CHURN: "canceled"}[act.act]
        rows = traces.source_rows("intercom/contacts", traces.made[INTERCOM])
        is_there = any(row["stripe_subscription_status"] == status for row in rows)
    if act.act == SIGN_UP and HUBSPOT in traces.made:
        is_there = is_there and bool(traces.source_rows("hubspot/contacts", traces.made[HUBSPOT]))
    return act.day if is_there else None


def _known_as_customer(traces: Traces) -> str | None:
    contact = traces.made.get(HUBSPOT)
    return next((day for day, row in traces.days(PEOPLE) if contact in (None, row["hubspot_contact_id"])), None)


def _scored(traces: Traces) -> str | None:
    shows = SHOWS[traces.act.act]
    return next((day for day, row in traces.days(CUSTOMERS) if shows(row)), None)


def _signals(row: Mapping[str, Any]) -> Sequence[str]:
    return row["risk_signals"] or ()


# What the wide table says of a canary after each act.
SHOWS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    SIGN_UP: lambda row: bool(row["is_customer"]) and row["health_score"] is not None,
    COMPLAIN: lambda row: "cancel_mentioned" in _signals(row),
    PAY_LATE: lambda row: "payment_delinquent" in _signals(row),
    CHURN: lambda row: row["customer_status"] == "churned",
}


def _in_hubspot(traces: Traces) -> str | None:
    if HUBSPOT not in traces.made or not traces.rules.hubspot_property:
        return None
    scored = traces.sighted[traces.act.canary, traces.act.act, SCORES].day
    with traces.state.reading() as tx:
        return day_written(tx, traces.made[HUBSPOT], traces.rules.hubspot_property, scored)


FINDERS: Mapping[str, Callable[[Traces], str | None]] = {
    LANDED: _landed,
    IDENTITY: _known_as_customer,
    SCORES: _scored,
    TO_HUBSPOT: _in_hubspot,
}
