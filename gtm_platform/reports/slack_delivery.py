"""Reports in Slack: each that is of a whole period is posted once to the alert channel, with a link and a picture.

What waits goes out with the next delivery; the gate of the deliveries holds for reports too.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import dagster as dg

from gtm_platform.delivery.alerts.asset import channel_url
from gtm_platform.delivery.alerts.sender import AlertSender, SendReport, age_reason
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, MessageRefused, SlackChannel, off_reason
from gtm_platform.delivery.alerts.wording import (
    FIELD,
    Block,
    Message,
    escape,
    header,
    link,
    mrkdwn,
    repeat_mark,
    section,
)
from gtm_platform.delivery.gate import newest_day, require_checks_passed
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run
from gtm_platform.http.errors import Forbidden
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.keyring import keyring
from gtm_platform.lake.dagster.asset_pages import links
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration.graph_policy import OWNERS, made_each
from gtm_platform.reports.files import HTML, PICTURE, Made, folder_of, newest_complete
from gtm_platform.reports.kinds import discover
from gtm_platform.sealed_files import read_bytes
from gtm_platform.settings import Settings, settings, settings_of
from gtm_platform.state import open_state
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Entry, Fact

KEY = dg.AssetKey(["delivery", "slack_reports"])
KIND = "report"

Events = Iterator[dg.AssetMaterialization | dg.AssetObservation]


@dg.asset(
    key=KEY,
    description="Reports of whole weeks, months and quarters, posted once each to the alert channel.",
    group_name="delivery",
    kinds={"slack"},
    owners=OWNERS,
    freshness_policy=made_each(min(report.cadence.days for report in discover().values())),
    deps=[dg.AssetDep(["reports", name], partition_mapping=dg.LastPartitionMapping()) for name in discover()],
    metadata=links(Slack=channel_url()),
    pool="slack",
    output_required=False,
)
def slack_reports(context: dg.AssetExecutionContext, config: DeliveryConfig, lake: LakeResource) -> Events:
    """Post the newest report of each kind that was not posted, or say what would be posted."""
    day = newest_day(lake.open())
    due = due_reports()
    slack = settings_of(SlackSettings)
    off = off_reason(slack, CUSTOMER_CHANNEL)
    if not due:
        context.log.info("Nothing to post: every report of a whole period was posted, or none was made yet.")
        return
    if off and slack.missing():
        context.log.info(off)
        return
    require_checks_passed(context, day)
    if off or config.dry_run or is_dry_run(context.run.run_config):
        context.log.info(off or "Dry run: nothing is posted, and the reports stay to be posted.")
        yield dg.AssetObservation(KEY, metadata={"dry_run": True, "would_post": [fact.fingerprint for fact in due]})
        return
    report = _send(due, day)
    for sentence in report.detours:
        context.log.warning(f"A report went out without its picture. {sentence}")
    if report.trouble:
        raise dg.Failure(f"{report.trouble[0]} {report.waiting} reports wait for the next run.", metadata=report.counts)
    yield dg.AssetMaterialization(KEY, metadata={**report.counts, **links(Slack=channel_url())})


def due_reports() -> list[Fact]:
    """Return what still waits, and the newest whole report of each kind that was never journaled."""
    made = [newest_complete(settings().home, name) for name in discover()]
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        new = journal.new_facts(tx, [_fact(each) for each in made if each])
        return [*journal.waiting(tx, [KIND]), *new]


@redact_exceptions()
def _send(due: Sequence[Fact], day: str) -> SendReport:
    config, channel, refusals = settings(), SlackChannel.of(settings_of(SlackSettings)), list[str]()

    def composed(entries: Sequence[Entry]) -> list[Message]:
        return [_with_picture(entry, config, channel, refusals) for entry in entries]

    with closing(open_state(config.state_url)) as state:
        sender = AlertSender(channel, state, (KIND,), config.now)
        report = sender.send(due, composed, lambda entry: age_reason(entry, day))
    report.detours += refusals
    return report


def _fact(made: Made) -> Fact:
    facts = {"title": made.title, "label": made.label, "period": made.period, "lead": made.lead, "cards": made.cards}
    return Fact(f"{KIND}:{made.name}:{made.period}", KIND, "platform", made.name, made.day, facts)


def _with_picture(entry: Entry, config: Settings, channel: SlackChannel, refusals: list[str]) -> Message:
    """Return the message with the picture where the folder is served, or else with one that is uploaded to Slack.

    An upload is seen by nobody before the message shows it, so that one that is made again does no harm. What Slack
    refuses is noted, and the report goes without; while Slack is down it waits.
    """
    name, period = entry.subject_id, entry.facts["period"]
    if served := _address(config, name, period, PICTURE):
        return compose(entry, config, {"image_url": served})
    plain, path = compose(entry, config), folder_of(config.home, name, period) / PICTURE
    if not path.exists():
        return plain
    try:
        file = channel.upload(f"{name}-{period}.png", read_bytes(path), plain.text)
    except (Forbidden, MessageRefused) as failure:
        refusals.append(failure.message)
        return plain
    return replace(compose(entry, config, {"slack_file": {"id": file}}), without_picture=plain)


def compose(entry: Entry, config: Settings, picture: Mapping[str, Any] | None = None) -> Message:
    """Return the message of a report; figures only, as whoever is in the channel reads it."""
    facts: dict[str, Any] = dict(entry.facts)
    title = f"{repeat_mark(entry)}{facts['title']}: {facts['label']}"
    fields = [mrkdwn(f"*{escape(card['title'])}*\n{escape(_figure(card))}", FIELD) for card in facts["cards"]]
    page = _address(config, entry.subject_id, facts["period"], HTML)
    open_it = link(page or _asset_page(config, entry.subject_id, facts["period"]), "Open the report")
    blocks: list[Block] = [header(title), section(escape(facts["lead"])), {"type": "section", "fields": fields}]
    if picture:
        blocks.append({"type": "image", **picture, "alt_text": title})
    blocks.append({"type": "context", "elements": [mrkdwn(open_it, FIELD)]})
    return Message((entry,), f"{title}. {facts['lead']}", tuple(blocks))


def _figure(card: dict[str, str]) -> str:
    return f"{card['shown']} ({card['change']})" if card["change"] else card["shown"]


def _address(config: Settings, name: str, period: str, file: str) -> str | None:
    """Return where a file of a report is served; None where the folder is not."""
    base = None if keyring().writing else config.gtm_reports_url  # nobody can show what is encrypted
    return f"{base.rstrip('/')}/{quote(name)}/{quote(period)}/{file}" if base else None


def _asset_page(config: Settings, name: str, period: str) -> str:
    return f"{config.gtm_ui_url.rstrip('/')}/assets/reports/{quote(name)}?partition={quote(period)}"
