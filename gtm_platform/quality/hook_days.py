"""`quality/hook_days`: what became of webhooks' deliveries on a day, how soon windows were read, and what none said.

It is made of the state, which keeps ids and times of events, and of the windows that schedules read. A change is lost
to a webhook where a closed window has a record that no event of the day before, the day or the day after names.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.ingest.hooks.hook import Hook, discover_hooks
from gtm_platform.lake.contracts import Column, Contract, contract_of
from gtm_platform.lake.daily_table import DailyTable, Prepared
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import quoted
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hook_events import ACCEPTED, REPEATED, EventRead, counts_since, events_between

CUSTOMERS = "core/unified_customers"
MONITORING = "monitoring"


def _count(about: str) -> Column:
    return Column("int64", about, nullable=False, rule=lambda value: value >= 0)


CONTRACT = Contract(
    {
        "day": Column("date", "The day.", nullable=False),
        "hook": Column("string", "Name of the webhook.", nullable=False),
        "source": Column("string", "Whose windows are read because of it.", nullable=False),
        "received": _count("Events that came, each once."),
        "repeated": _count("Events that came again and were here already."),
        "refused": _count("Deliveries that were refused."),
        "read_events": _count("Events of the day about streams that a run has read since."),
        "seconds_to_window": Column("float64", "From an event to when its window was read, in the median."),
        "slowest_seconds": Column("float64", "The same, of the slowest."),
        "changed": _count("Records that schedules read of the windows of the day, of streams that it spoke of lately."),
        "lost": _count("Of these, records that no event names: found by the schedule alone."),
    },
    key=("hook",),
    about="Webhooks day by day: received, refused, how soon windows were read, and what only schedules found.",
    figures={
        "received": lambda t: t["received"].sum(),
        "refused": lambda t: t["refused"].sum(),
        "lost": lambda t: t["lost"].sum(),
    },
)


def table(people: ibis.Table, hooks: Mapping[str, Any]) -> Any:  # noqa: ARG001  the day is made where customers are
    """Return a row for each webhook of which the day knows something."""
    return hooks["days"]


@contextmanager
def hooks_of_day(lake: Lake, day: str) -> Iterator[Mapping[str, Any]]:
    """Give the rows of a day."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        counts = [each for each in counts_since(tx, day) if each.day == day]
        start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        events = list(events_between(tx, start - timedelta(days=1), start + timedelta(days=2)))
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    for count in counts:
        outcomes[count.hook][count.outcome] = count.count
    of_day = [each for each in events if str(each.received_at.astimezone(UTC).date()) == day]
    active = {each.hook for each in of_day} | outcomes.keys()
    rows = [
        _row(lake, hook, day, outcomes[hook.name], events, of_day) for hook in discover_hooks() if hook.name in active
    ]
    yield {"days": pa.Table.from_pylist(rows, CONTRACT.schema.to_pyarrow())}


def _row(
    lake: Lake,
    hook: Hook,
    day: str,
    outcomes: Mapping[str, int],
    events: Sequence[EventRead],
    of_day: Sequence[EventRead],
) -> dict[str, Any]:
    waits = [
        (each.read_at - each.received_at).total_seconds()
        for each in of_day
        if each.hook == hook.name and each.touched and each.read_at
    ]
    changed, lost = _changed_and_lost(lake, hook, day, [each for each in events if each.source == hook.source])
    return {
        "day": date.fromisoformat(day),
        "hook": hook.name,
        "source": hook.source,
        "received": outcomes.get(ACCEPTED, 0),
        "repeated": outcomes.get(REPEATED, 0),
        "refused": sum(number for name, number in outcomes.items() if name not in (ACCEPTED, REPEATED)),
        "read_events": len(waits),
        "seconds_to_window": median(waits) if waits else None,
        "slowest_seconds": max(waits, default=None),
        "changed": changed,
        "lost": lost,
    }


def _changed_and_lost(lake: Lake, hook: Hook, day: str, events: Sequence[EventRead]) -> tuple[int, int]:
    """Count the records of the day's closed windows, and those that no event names; whole reads say nothing."""
    named: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for stream, touched in event.touched.items():
            named[stream].update(map(str, touched))
    changed = lost = 0
    for stream, ids in named.items():
        table = f"{hook.source}/{stream}"
        files = [each for each in lake.closed_files(table) if each.partition[:10] == day and not each.full]
        if files and not hook.keeps_bodies:
            records = _ids(lake, table, files)
            changed, lost = changed + len(records), lost + len(records - ids)
    return changed, lost


def _ids(lake: Lake, table: str, files: Sequence[Any]) -> set[str]:
    [key, *_] = contract_of(table).key
    with cursor() as connection:
        query = f"select distinct {quoted([key])} from ({lake.file_query(table, files).sql}) where not _deleted"
        return {str(id) for (id,) in connection.execute(query).fetchall()}


TABLE = DailyTable(
    "quality/hook_days",
    CONTRACT,
    inputs={"people": CUSTOMERS, "hooks": Prepared(hooks_of_day)},
    rule=table,
    eager=True,
    group=MONITORING,
)
