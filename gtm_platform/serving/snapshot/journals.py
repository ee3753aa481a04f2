"""What the state and Dagster say happened: alerts that were sent, runs that read sources and made tables."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from gtm_platform.delivery.alerts.alert import worded
from gtm_platform.delivery.alerts.kinds import discover
from gtm_platform.orchestration.compat_history import RecordedEvaluation, newest_evaluations
from gtm_platform.orchestration.origin import partition_span
from gtm_platform.serving.snapshot.landing import Draft, Row, as_json, instant
from gtm_platform.state import State
from gtm_platform.state.accounts import pinned_accounts
from gtm_platform.state.hubspot_creations import withheld_creations
from gtm_platform.state.hubspot_deliveries import STOPPED, newest_of_each_type
from gtm_platform.state.slack_journal import recent

ALERTS_SHOWN, RUNS_SHOWN = 10_000, 200


def fill(draft: Draft) -> None:
    """Write the alerts and runs of the landing, the newest first."""
    draft.db.executemany(
        "insert into alerts (at, subject_kind, subject_id, body) values (?, ?, ?, ?)",
        ((row["at"], row["subject_kind"], row["subject_id"], as_json(row)) for row in draft.landing.alerts),
    )
    draft.db.executemany(
        "insert into sync_runs (at, body) values (?, ?)",
        ((row["created_at"], as_json(row)) for row in draft.landing.sync_runs),
    )


def alerts_of(state: State, since: str) -> list[Row]:
    """Return the alerts from a day on, worded; they name nobody, as the journal does not."""
    kinds = discover()
    with state.reading() as tx:
        return [_alert(kinds, row) for row in recent(tx, since, ALERTS_SHOWN)]


def _alert(kinds: Any, row: Any) -> dict[str, Any]:
    alert, facts = kinds.get(row["kind"]), row["facts"]
    return {
        "id": row["id"],
        "at": instant(row["at"]),
        "day": row["day"],
        "kind": row["kind"],
        "severity": alert.severity_of(facts) if alert else "info",
        "subject_kind": row["subject_kind"],
        "subject_id": row["subject_id"],
        "title": worded(alert.title, facts) if alert else row["kind"],
        "why": worded(alert.why, facts) if alert else "",
        "advice": alert.advice_of(facts) if alert else "",
        "status": row["status"],
        "sent_at": instant(row["sent_at"]) if row["sent_at"] else None,
    }


def deliveries_of(state: State, now: datetime) -> list[Row]:
    """Return the newest delivery of each type of objects, with what it left to a person."""
    with state.reading() as tx:
        newest = newest_of_each_type(tx)
        withheld = {name: withheld_creations(tx, each.run_id, name) for name, each in newest.items()}
    return [
        {
            "object_type": name,
            "day": each.day,
            "at": instant(each.at),
            "run_id": each.run_id,
            "stopped": each.status == STOPPED,
            "approved": each.is_approved(now),
            "counts": dict(each.counts),
            "why": each.reason,
            "not_created": [{"record_id": row["customer_id"], "reason": row["reason"]} for row in withheld[name]],
        }
        for name, each in newest.items()
    ]


def runs_of(instance: dg.DagsterInstance) -> list[Row]:
    """Return the newest runs, whatever they made."""
    return list(_runs(instance.get_run_records(limit=RUNS_SHOWN)))


def checks_of(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> list[Row]:
    """Return the last verdict of each check that was ever evaluated, those that failed first."""
    rows = [_check(key, evaluation) for key, evaluation in newest_evaluations(instance, checks).items()]
    return sorted(rows, key=lambda row: (row["status"] == "passed", row["asset"], row["check"]))


def _check(key: dg.AssetCheckKey, evaluation: RecordedEvaluation) -> dict[str, Any]:
    result = evaluation.result
    return {
        "asset": key.asset_key.to_user_string(),
        "check": key.name,
        "status": "passed" if result.passed else result.severity.value.lower(),
        "partition": evaluation.partition,
        "at": _moment(evaluation.timestamp),
        "run_id": evaluation.run_id,
        "about": result.description or "",
    }


def accounts_of(state: State) -> list[Row]:
    """Return the accounts that the home belongs to."""
    with state.reading() as tx:
        return [
            {"system": account.system, "account_id": account.account_id, "label": account.label}
            for account in pinned_accounts(tx)
        ]


def _runs(records: Sequence[dg.RunRecord] | Iterable[dg.RunRecord]) -> Iterator[Row]:
    for record in records:
        run = record.dagster_run
        span = partition_span(run.tags)
        yield {
            "run_id": run.run_id,
            "job": run.job_name,
            "status": run.status.value.lower(),
            "first_partition": span[0] if span else None,
            "last_partition": span[1] if span else None,
            "created_at": instant(record.create_timestamp.astimezone(UTC)),
            "began_at": _moment(record.start_time),
            "ended_at": _moment(record.end_time),
        }


def _moment(seconds: float | None) -> str | None:
    return instant(datetime.fromtimestamp(seconds, UTC)) if seconds else None
