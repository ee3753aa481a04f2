"""How what was extracted becomes the rows of a window: pure expressions over tables, which somebody else runs.

`rows` are those of the window to be written, `extracted` all that the API answered, `earlier` the table as of a moment.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import ibis

from gtm_platform.ingest.record import Rejected

KEY_SEPARATOR = "\x1f"
CLOCK_TOLERANCE = timedelta(days=1)  # what changed later than this from now on did not: its clock is wrong


def between(
    rows: ibis.Table, cursor_field: str, start: datetime, end: datetime, future_from: datetime | None = None
) -> ibis.Table:
    """Keep what changed from `start` on and before `end`; with `future_from`, what is dated ahead, too."""
    changed = rows[cursor_field]
    within = (changed >= start) & (changed < end)
    return rows.filter(within if future_from is None else within | _dated_in_future(changed, future_from))


def restore_later_changes(
    rows: ibis.Table,
    extracted: ibis.Table,
    earlier: ibis.Table,
    key: Sequence[str],
    cursor_field: str,
    window_end: datetime,
    future_from: datetime,
) -> ibis.Table:
    """Complete a full window by what has changed since its end: as it was known before, where it was."""
    changed = extracted[cursor_field]
    since = extracted.filter((changed >= _at(window_end)) & ~_dated_in_future(changed, future_from))
    before = earlier.drop("_window").semi_join(since, list(key))
    unknown = since.select(*before.columns).anti_join(before, list(key))
    return rows.union(stamped(before.union(unknown), window_end).select(*rows.columns))


def keep_rejected(
    extracted: ibis.Table, earlier: ibis.Table, key: Sequence[str], rejected: Collection[Rejected], window_end: datetime
) -> ibis.Table:
    """Return the last good version of records that could not be read: quarantined is not deleted."""
    joined_key = ibis.literal(KEY_SEPARATOR).join([earlier[part].cast("string") for part in key])
    keys = [KEY_SEPARATOR.join(bad.key) for bad in rejected if bad.key]
    return stamped(earlier.filter(joined_key.isin(keys)).drop("_window").anti_join(extracted, list(key)), window_end)


def drop_stale_versions(
    rows: ibis.Table, early: ibis.Table, earlier: ibis.Table, key: Sequence[str], cursor_field: str
) -> ibis.Table:
    """Drop those of the early rows of which a later version is known: an API that lags shows an old one."""
    newest = earlier.select(*key, _newest=cursor_field)
    stale = early.join(newest, list(key)).filter(lambda t: t["_newest"] > t[cursor_field])
    return rows.anti_join(stale, list(key))


def merge_existing(rows: ibis.Table, existing: ibis.Table, key: Sequence[str], cursor_field: str | None) -> ibis.Table:
    """Merge with what the window holds: of each record the version that changed last."""
    both = rows.union(existing.select(*rows.columns))
    order = [ibis.desc(name) for name in (cursor_field, "_extracted_at") if name]
    nth = ibis.row_number().over(group_by=list(key), order_by=order)
    return both.mutate(_nth=nth).filter(lambda t: t["_nth"] == 0).drop("_nth")


def stamped(rows: ibis.Table, window_end: datetime) -> ibis.Table:
    """Mark the rows as those of the window that ends then."""
    return rows.mutate(_window=_at(window_end).cast("timestamp('UTC', 6)"))


def _dated_in_future(changed: ibis.Value, future_from: datetime) -> ibis.ir.BooleanValue:
    """Such a record would have to wait for its window for ever, so it comes whenever the API shows it."""
    return changed >= _at(future_from)


def _at(moment: datetime) -> ibis.ir.TimestampScalar:
    return ibis.timestamp(moment.isoformat())
