"""`alerts/precision`: how many alerts of each kind were sent, and how many their readers found useful. Names nobody."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.feedback import FeedbackReport, read_feedback
from gtm_platform.delivery.alerts.hook import FEEDBACK, REACTIONS_FROM
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import CUSTOMER_CHANNEL, POOL, SlackChannel, off_reason
from gtm_platform.delivery.track_record import PRECISION
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.ingest.plain_words import plain_words
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.asset_pages import definition_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import State, hook_events, open_state
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Entry

TABLE = PRECISION
BAR = 20  # characters of the plot
Row = dict[str, Any]

CONTRACT = contract_of(TABLE)


@dg.asset(
    key=TABLE.split("/"),
    description=CONTRACT.about,
    group_name="delivery",
    kinds={"slack", "parquet"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=[slack_alerts],
    pool=POOL,
    output_required=False,
    metadata=definition_metadata(TABLE),
)
def alert_precision(context: dg.AssetExecutionContext, lake: LakeResource) -> Any:
    """Read the reactions to alerts back from Slack, and write the days that they can still change."""
    slack = settings_of(SlackSettings)
    if off := off_reason(slack, CUSTOMER_CHANNEL):
        context.log.info(off)
        return
    began = settings().now()
    with redact_exceptions(), closing(open_state(settings().state_url)) as state:
        report = read_feedback(SlackChannel.of(slack), state)
        with state.writing() as tx:
            hook_events.note_read(tx, REACTIONS_FROM, FEEDBACK, began, began)
        rows, ever_sent = write(lake.open(), state), bool(lake.open().partitions(TABLE))
    for sentence in report.refusals:
        context.log.warning(f"Reactions cannot be read. {sentence}")
    if ever_sent:  # also after days without an alert: it was looked
        yield dg.MaterializeResult(metadata=_metadata(rows, report))


def write(lake: Lake, state: State) -> list[Row]:
    """Write each of the policy's days with alerts that changed; return the rows of all of them."""
    since = settings().now() - timedelta(days=policy().alerts.feedback_days)
    with state.reading() as tx:
        rows = precision_of(journal.sent_since(tx, tuple(routed("customers")), since))
    schema, kept = CONTRACT.schema.to_pyarrow(), set(lake.partitions(TABLE))
    for day in dict.fromkeys(row["day"] for row in rows):
        of_day = pa.Table.from_pylist([row for row in rows if row["day"] == day], schema=schema)
        if day not in kept or lake.partition(TABLE, day).to_pyarrow().to_pylist() != of_day.to_pylist():
            lake.write(TABLE, day, of_day)  # what did not change is left, so that nothing is made anew from it
    return rows


def precision_of(sent: Sequence[Entry]) -> list[Row]:
    """Return a row for each day and kind."""
    rows: dict[tuple[str, str], Row] = {}
    for entry in sent:
        new = {"day": entry.day, "kind": entry.kind, "sent": 0, "useful": 0, "not_useful": 0, "precision": None}
        row = rows.setdefault((entry.day, entry.kind), new)
        row["sent"] += 1
        if entry.useful or entry.not_useful:
            row["useful" if (entry.useful or 0) > (entry.not_useful or 0) else "not_useful"] += 1
    for row in rows.values():
        row["precision"] = _share(row)
    return [rows[key] for key in sorted(rows)]


def _share(row: Mapping[str, Any]) -> float | None:
    judged = row["useful"] + row["not_useful"]
    return row["useful"] / judged if judged else None


def _metadata(rows: Sequence[Row], report: FeedbackReport) -> dict[str, Any]:
    total = {name: sum(row[name] for row in rows) for name in ("sent", "useful", "not_useful")}
    precision = _share(total)
    return {
        "dagster/row_count": len(rows),
        "plot": dg.MetadataValue.md(_plot(rows)),
        **{f"figure/{name}": value for name, value in total.items()},
        **({} if precision is None else {"figure/precision": round(precision, 4)}),
        "technical/alerts_looked_at": report.looked_at,
        "technical/judgements_changed": report.changed,
    }


def _plot(rows: Sequence[Row]) -> str:
    """Return a bar for each kind: its precision over all days."""
    lines = ["| kind | sent | useful | not useful | precision |", "|---|---:|---:|---:|---|"]
    for kind in sorted({row["kind"] for row in rows}):
        those = [row for row in rows if row["kind"] == kind]
        total = {name: sum(row[name] for row in those) for name in ("sent", "useful", "not_useful")}
        share = _share(total)
        bar = "not judged yet" if share is None else f"{'█' * round(share * BAR)} {share:.0%}"
        shown = plain_words(kind)
        lines.append(f"| {shown} | {total['sent']} | {total['useful']} | {total['not_useful']} | {bar} |")
    return "\n".join(lines)
