"""ListKit's rows as the contract has them: accounts, days, exports and credit transactions."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from gtm_platform.sandbox.admin_contract import Row, Shape, instant, optional_instant, seats
from gtm_platform.sandbox.kit.timeline import as_of
from gtm_platform.sandbox.listkit_admin import usage
from gtm_platform.sandbox.listkit_admin.store import ListKitAccount
from gtm_platform.sandbox.listkit_admin.usage import Export

_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
Entry = tuple[datetime, str, int, str | None]  # of the ledger: when, kind, amount, reference
_SETTLES = timedelta(minutes=5)  # after midnight the day before is final


def account(record: ListKitAccount, now: datetime) -> Shape:
    """An account with its balance and activity."""
    before = now + _INSTANT
    start, end = usage.period(record, now)
    exports, rows = usage.sums(record, usage.window(now, 30), before)
    _, lifetime = usage.sums(record, record.use.first_day, before)
    active = usage.last_active(record, before)
    day = record.use.latest_day(before)
    return {
        "account_id": record.account_id,
        "email": record.email,
        **seats(record.email, record.member_emails, record.closed, now),
        "company_name": record.company_name,
        "status": as_of(record.statuses, before),
        "plan": as_of(record.tiers, before),
        "stripe_customer_id": as_of(record.stripe_customer_ids, before),
        "seats": record.seats,
        "credits": {
            "balance": usage.balance(record, before),
            "granted_this_period": usage.granted(record, start),
            "used_this_period": usage.used(record, before),
            "used_lifetime": lifetime,
            "period_start": instant(start),
            "period_end": instant(end),
        },
        "exports_30d": exports,
        "records_exported_30d": rows,
        "logins_7d": record.use.count(usage.window(now, 7), now.date(), before),
        "logins_30d": record.use.count(usage.window(now, 30), now.date(), before),
        "last_login_at": instant(record.use.latest(before)) if day else None,
        "last_active_at": optional_instant(active),
        "last_export_at": optional_instant(_last_export(record, day, before)),
        "created_at": instant(record.created),
        "updated_at": instant(updated(record, now)),
        "deleted_at": None,
    }


def _last_export(record: ListKitAccount, day: date | None, before: datetime) -> datetime | None:
    """The last export, if it was on the last day of use."""
    done = [each.finished for each in usage.exports_on(record, day) if each.finished < before] if day else []
    return max(done, default=None)


def updated(record: ListKitAccount, now: datetime) -> datetime:
    """When anything in the row changed last.

    What happened, a new period, or a window that moved on at midnight.
    """
    before = now + _INSTANT
    timelines = (record.tiers, record.statuses, record.stripe_customer_ids)
    moments = [at for timeline in timelines for at, _ in timeline if at < before]
    moments += [record.created, max(record.created, usage.period(record, now)[0]), record.closed or record.created]
    day = record.use.latest_day(before)
    if day:
        moments.append(usage.last_active(record, before) or record.created)
        moments.append(datetime.combine(min(now.date(), day + timedelta(days=30)), time(), UTC))
    return max(at for at in moments if at <= now)


# --- days ----------------------------------------------------------------------------------------------------------


def day_rows(record: ListKitAccount, first: date | None, last: date | None, now: datetime) -> Iterator[Row]:
    """The days of use of an account; a day that is over is final shortly after midnight."""
    today = now.date()
    for day in record.use.days(first or record.use.first_day, min(today, last or today), now + _INSTANT):
        yield _day_row(record, day, now)


def _day_row(record: ListKitAccount, day: date, now: datetime) -> Row:
    settled = datetime.combine(day + _DAY, time(), UTC) + _SETTLES
    changed = settled
    if now < settled:
        instants = [login for login in record.use.logins(day) if login <= now]
        changed = max([*instants, *(each.finished for each in usage.exports_on(record, day) if each.finished <= now)])
    return Row(changed, f"{record.account_id} {day}", partial(_day, record, day, changed, now))


def _day(record: ListKitAccount, day: date, changed: datetime, now: datetime) -> Shape:
    done = [each for each in usage.exports_on(record, day) if each.credits and each.finished <= now]
    logins = sum(login <= now for login in record.use.logins(day))
    spent = sum(each.credits for each in done)
    return {
        "account_id": record.account_id,
        "email": record.email,
        "date": day.isoformat(),
        "logins": logins,
        "active_users": 1,
        "searches": logins * (1 + record.use.digest(day)[22] % 7),
        "credits_used": spent,
        "exports": len(done),
        "records_exported": spent,
        "updated_at": instant(changed),
    }


# --- exports and credits -------------------------------------------------------------------------------------------


def export_rows(record: ListKitAccount, first: date, now: datetime) -> Iterator[tuple[Row, str]]:
    """The exports of an account since a day, each with its status."""
    for day in usage.export_days(record, first, now.date(), now):
        for each in usage.exports_on(record, day):
            if each.created <= now:
                yield _export_row(record, each, now), each.status(now)


def _export_row(record: ListKitAccount, each: Export, now: datetime) -> Row:
    changed = each.created if each.status(now) == "running" else each.finished
    return Row(changed, each.export_id, partial(_export, record, each, changed, now))


def _export(record: ListKitAccount, each: Export, changed: datetime, now: datetime) -> Shape:
    status = each.status(now)
    return {
        "export_id": each.export_id,
        "account_id": record.account_id,
        "requested_by_email": record.email,
        "list_name": each.list_name,
        "status": status,
        "format": "csv",
        "row_count": each.rows if status == "completed" else None,
        "credits_spent": each.credits if status == "completed" else 0,
        "error_message": "The destination refused the file" if status == "failed" else None,
        "created_at": instant(each.created),
        "completed_at": instant(each.finished) if status == "completed" else None,
        "updated_at": instant(changed),
    }


def credit_rows(record: ListKitAccount, now: datetime) -> Iterator[Row]:
    """The ledger of credits: each period's grant, what was spent, and what expired at its end."""
    began = max(record.created, datetime.combine(record.use.first_day, time(), UTC))
    start, end = usage.period(record, began)
    number = 0
    while start <= now:
        left = usage.granted(record, start)
        entries: list[Entry] = [(max(start, record.created), "grant", left, None)]
        for day in usage.export_days(record, start.date(), end.date(), now):
            for each in usage.exports_on(record, day):
                if each.credits and start <= each.finished < end:
                    entries.append((each.finished, "spend", -each.credits, each.export_id))
                    left -= each.credits
        entries.append((end - timedelta(seconds=1), "expire", -left, None))
        balance = 0
        for at, kind, amount, reference in entries:
            balance += amount
            number += 1
            if at <= now and amount:
                yield _credit_row(record, number, (at, kind, amount, reference), balance)
        start, end = end, end + (end - start)


def _credit_row(record: ListKitAccount, number: int, entry: tuple[datetime, str, int, str | None], balance: int) -> Row:
    id_ = f"ctx_{record.account_id[4:]}_{number:05}"
    return Row(entry[0], id_, partial(_credit, record, id_, entry, balance))


def _credit(record: ListKitAccount, id_: str, entry: tuple[datetime, str, int, str | None], balance: int) -> Shape:
    at, kind, amount, reference = entry
    return {
        "transaction_id": id_,
        "account_id": record.account_id,
        "kind": kind,
        "amount": amount,
        "balance_after": balance,
        "reference": reference,
        "occurred_at": instant(at),
        "updated_at": instant(at),
    }
