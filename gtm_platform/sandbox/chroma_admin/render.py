"""Chroma's rows as the contract has them: accounts, instances and days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from gtm_platform.sandbox.admin_contract import Row, Shape, instant, optional_instant, seats
from gtm_platform.sandbox.chroma_admin import usage
from gtm_platform.sandbox.chroma_admin.store import ChromaAccount
from gtm_platform.sandbox.kit.timeline import as_of

_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
_SETTLES = timedelta(minutes=5)  # after midnight the day before is final
_BYTES = 1536 * 4  # of a vector
_MOST_INSTANCES = 3


def core(record: ChromaAccount, now: datetime) -> Shape:
    """The six members that every server has."""
    before = now + _INSTANT
    vectors, day = usage.total_vectors(record, before), usage.last_active(record, before)
    return {
        "account_id": record.account_id,
        "company_name": record.company_name,
        "num_collections": usage.collections(vectors),
        "total_vectors": vectors,
        "last_active_date": day.isoformat() if day else None,
        "is_active": bool(as_of(record.actives, before)),
    }


def account(record: ChromaAccount, now: datetime) -> Shape:
    """An account with all that is known of it."""
    shape, before = core(record, now), now + _INSTANT
    queries, _ = usage.sums(record, now.date() - timedelta(days=29), before)
    return {
        **shape,
        "email": record.email,
        **seats(record.email, record.member_emails, record.closed, now),
        "num_instances": instances(record),
        "num_databases": instances(record) + 1,
        "storage_bytes": shape["total_vectors"] * _BYTES,
        "queries_30d": queries,
        "plan": as_of(record.tiers, before),
        "region": record.region,
        "created_at": instant(record.created),
        "updated_at": instant(updated(record, now)),
        "deleted_at": None,
    }


def instances(record: ChromaAccount) -> int:
    """How many instances an account has."""
    return 1 + record.vectors % _MOST_INSTANCES


def updated(record: ChromaAccount, now: datetime) -> datetime:
    """When anything in the row changed last: use, plan or state, or a window that moved on at midnight."""
    before = now + _INSTANT
    moments = [at for timeline in (record.tiers, record.actives) for at, _ in timeline if at < before]
    moments += [record.closed] if record.closed else []
    day = record.use.latest_day(before)
    if day:
        moments.append(record.use.latest(before))
        moments.append(datetime.combine(min(now.date(), day + timedelta(days=30)), time(), UTC))
    return max([record.created, *(at for at in moments if at >= record.created)])


def instance_rows(record: ChromaAccount, now: datetime) -> Iterator[Row]:
    """The instances of an account, among which its vectors are spread."""
    before = now + _INSTANT
    count, vectors = instances(record), usage.total_vectors(record, before)
    active = record.use.latest(before) if record.use.latest_day(before) else None
    runs = bool(as_of(record.actives, before))
    changed = updated(record, now)
    for number in range(count):
        share = vectors // count + (vectors % count if number == 0 else 0)
        id_ = f"ins_{record.account_id[4:]}_{number + 1}"
        shape: Shape = {
            "instance_id": id_,
            "account_id": record.account_id,
            "name": ("prod", "staging", "test")[number],
            "status": "running" if runs else "stopped",
            "region": record.region,
            "num_collections": usage.collections(share),
            "total_vectors": share,
            "last_active_at": optional_instant(active),
            "created_at": instant(record.created),
            "updated_at": instant(changed),
        }
        yield Row(changed, id_, partial(dict, shape))


def day_rows(record: ChromaAccount, first: date | None, last: date | None, now: datetime) -> Iterator[Row]:
    """The days of use of an account; a day that is over is final shortly after midnight."""
    today, created = now.date(), record.created.date()
    for day in record.use.days(first or record.use.first_day, min(today, last or today), now + _INSTANT):
        if created < day or usage.use_on(record, day, now + _INSTANT):  # logins before the account are none of it
            yield _day_row(record, day, now)


def _day_row(record: ChromaAccount, day: date, now: datetime) -> Row:
    midnight = datetime.combine(day + _DAY, time(), UTC)
    over = now >= midnight + _SETTLES
    changed = midnight + _SETTLES if over else max(login for login in record.use.logins(day) if login <= now)
    before = min(midnight, now + _INSTANT)
    return Row(changed, f"{record.account_id} {day}", partial(_day, record, day, changed, before))


def _day(record: ChromaAccount, day: date, changed: datetime, before: datetime) -> Shape:
    use = usage.use_on(record, day, before)
    return {
        "account_id": record.account_id,
        "date": day.isoformat(),
        "queries": use.queries if use else 0,
        "writes": use.writes if use else 0,
        "vectors_added": use.vectors if use else 0,
        "total_vectors": usage.total_vectors(record, before),
        "updated_at": instant(changed),
    }
