"""Daily and weekly summaries in Slack: each posted once, when its last day is made and checked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import dagster as dg

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.audience import EVERYTHING, Audience, audience_of
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.runbooks import runbook_of
from gtm_platform.delivery.alerts.sender import AlertSender, SendReport, age_reason
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, POOL, SlackChannel, off_reason
from gtm_platform.delivery.alerts.wording import (
    FIELD,
    Block,
    Message,
    context,
    escape,
    header,
    link,
    mrkdwn,
    repeat_mark,
    section,
)
from gtm_platform.delivery.gate import CUSTOMERS, newest_day, require_checks_passed, skip_reason
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run, requested_days
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import Access, policy
from gtm_platform.reports.companies import what_happened
from gtm_platform.reports.figures import Row
from gtm_platform.reports.summary import MOVEMENTS, Summary, mrr_of, summary
from gtm_platform.reports.wording import money, number
from gtm_platform.serving.wording import COHORT_NAMES, NOTHING, counted, words
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state
from gtm_platform.state.slack_journal import Entry, Fact

KEY = dg.AssetKey(["delivery", "slack_summaries"])
DAYS = {"daily_summary": 1, "weekly_summary": 7}
LISTED = 5  # customers in each list
TITLES = dict(zip(MOVEMENTS, ("new", "expansion", "contraction", "churned"), strict=True))

Events = Iterator[dg.AssetMaterialization | dg.AssetObservation]


@dg.asset(
    key=KEY,
    description="A summary of the newest day, and of the week that ended, posted once each.",
    group_name="delivery",
    kinds={"slack"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=[slack_alerts, dg.AssetDep(CUSTOMERS.split("/"), partition_mapping=dg.LastPartitionMapping())],
    pool=POOL,
    output_required=False,
)
def slack_summaries(context: dg.AssetExecutionContext, config: DeliveryConfig, lake: LakeResource) -> Events:
    """Post the summaries that were not posted, or say which would be."""
    store, slack = shown(lake.open()), settings_of(SlackSettings)
    day, off = newest_day(store), off_reason(slack, CUSTOMER_CHANNEL)
    days = requested_days(context.run.tags, config, day)
    if reason := (off if slack.missing() else None) or skip_reason(days, day):
        context.log.info(reason)
        return
    require_checks_passed(context, day)
    facts = due_summaries(store)
    if off or is_dry_run(context.run.run_config):
        context.log.info(off or "Dry run: nothing is posted, and the summaries stay to be posted.")
        yield dg.AssetObservation(KEY, metadata={"dry_run": True, "would_post": [fact.fingerprint for fact in facts]})
        return
    report = _send(store, facts, day)
    if report.trouble:
        raise dg.Failure(
            f"{report.trouble[0]} {report.waiting} summaries wait for the next run.", metadata=report.counts
        )
    yield dg.AssetMaterialization(KEY, metadata={"day": day, **report.counts})


def due_summaries(lake: Lake) -> list[Fact]:
    """Return the summaries of the days that the lake has, posted or not."""
    days = lake.partitions(CUSTOMERS)
    return [fact for alert in routed("summaries").values() for fact in alert.facts_of(days, max(days, default=""))]


@redact_exceptions()
def _send(lake: Lake, facts: Sequence[Fact], day: str) -> SendReport:
    config, slack = settings(), settings_of(SlackSettings)

    def composed(entries: Sequence[Entry]) -> list[Message]:
        return [
            to_channels(entry, summary(lake, entry.subject_id, DAYS[entry.kind], policy()), slack, policy().access)
            for entry in entries
        ]

    with closing(open_state(config.state_url)) as state:
        sender = AlertSender(SlackChannel.of(slack), state, tuple(DAYS), config.now)
        return sender.send(facts, composed, lambda entry: age_reason(entry, day))


def to_channels(entry: Entry, content: Summary, slack: SlackSettings, access: Access) -> Message:
    """Return the message of a summary for its own channel, and that for the usual one where its own refuses."""
    usual = compose(entry, content, audience=audience_of(slack.slack_alert_channel, access))
    if not (own := slack.slack_summary_channel):
        return usual
    return replace(compose(entry, content, own, audience_of(own, access)), elsewhere=usual)


def compose(entry: Entry, content: Summary, channel: str | None = None, audience: Audience = EVERYTHING) -> Message:
    """Return the message of a summary, as those who read the channel may see it."""
    title = f"{repeat_mark(entry)}{'Daily' if DAYS[entry.kind] == 1 else 'Weekly'} summary: {content.label}"
    fields = [
        mrkdwn(
            f"*{escape(card.title)}*\n{escape(card.shown)}{f' ({escape(card.change)})' if card.change else ''}", FIELD
        )
        for card in content.cards
    ]
    blocks: list[Block] = [header(title), {"type": "section", "fields": fields}]
    if content.is_compared:
        blocks += [section(f"*MRR*: {escape(_movements(content))}"), *_lists(content, audience)]
    else:
        blocks.append(section("There is no earlier day to compare with."))
    if content.moved_companies is not None:
        blocks.append(section("\n".join(_companies(content.moved_companies, audience))))
    blocks.append(section(f"*Data*: {escape(_data(content))}"))
    url, runbook = settings().gtm_dashboard_url, runbook_of(routed("summaries")[entry.kind], entry.facts)
    links = [link(url, "Open the dashboard")] if url else []
    blocks.append(context(" · ".join([*links, runbook.linked("What it means")])))
    lead = ", ".join(f"{card.title} {card.shown}" for card in content.cards)
    return Message((entry,), escape(f"{title}. {lead}"), tuple(blocks), recipient=channel or "")


def _movements(content: Summary) -> str:
    amounts = {TITLES[name]: money(content.movements[name], content.currency) for name in MOVEMENTS}
    return ", ".join(f"{name} {amount}" for name, amount in amounts.items())


def _lists(content: Summary, audience: Audience) -> Iterator[Block]:
    lists = {"New at risk": content.newly_at_risk, "Saved": content.saved, "Churned": content.churned}
    for title, rows in lists.items():
        lines = [f"*{title}*: {counted(len(rows), 'customer')}, {escape(money(mrr_of(rows), content.currency))} MRR"]
        listed = [audience.shown(row) for row in rows if audience.sees(row)][:LISTED]
        lines += [f"• {escape(_customer(row, content.currency))}" for row in listed]
        if len(rows) > len(listed):
            lines.append(f"… and {len(rows) - len(listed)} more")
        yield section("\n".join(lines))


def _customer(row: Row, currency: str) -> str:
    who = ", ".join(str(name) for name in (row["name"], row["company_name"]) if name) or str(row["customer_id"])
    reason = f": {words(row['churn_reason'])}" if row.get("churn_reason") else ""
    return f"{who[:150]} ({money(row['mrr_reporting'], currency)}){reason}"


def _companies(moved: Sequence[Row], audience: Audience) -> Iterator[str]:
    """Yield how many changes of cohorts there were by what brought them, and the newest of them."""
    triggers = Counter(str(row["trigger"]) for row in moved)
    kinds = "".join(f", {number(count)} × {trigger}" for trigger, count in sorted(triggers.items()))
    yield f"*Companies that moved*: {number(len(moved))}{escape(kinds)}"
    listed = moved[:LISTED] if audience.managers is None else ()  # the rows do not say whose they are
    for row in listed:
        cohorts = [COHORT_NAMES.get(row[name] or "", NOTHING) for name in ("from_cohort", "to_cohort")]
        way = "" if cohorts[0] == cohorts[1] else f" ({cohorts[0]} → {cohorts[1]})"
        yield f"• {escape(row['name'][:150] + ': ' + what_happened(row) + way)}"
    if len(moved) > len(listed):
        yield f"… and {len(moved) - len(listed)} more"


def _data(content: Summary) -> str:
    score = f"mean quality {number(content.quality, 1)} of 100, completeness {number(content.completeness, 1)}"
    if not content.overdue:
        return f"all {content.tables} tables of the sources are fresh; {score}."
    late = ", ".join(f"{each.table} ({number(each.hours_old)} h)" for each in content.overdue[:LISTED])
    more = f" and {len(content.overdue) - LISTED} more" if len(content.overdue) > LISTED else ""
    return f"{len(content.overdue)} of {content.tables} tables of the sources are overdue: {late}{more}; {score}."
