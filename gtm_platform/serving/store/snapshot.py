"""One snapshot, open for reading by any thread: customers, companies, metrics, facts, alerts, runs."""

import sqlite3
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import orjson

from gtm_platform.health.explanation import Explanation
from gtm_platform.serving.snapshot import files
from gtm_platform.serving.snapshot.layout import FORMAT
from gtm_platform.serving.store.customer_query import BadQuery, CustomerQuery, Page, counted, page_of
from gtm_platform.serving.store.documents import joined
from gtm_platform.serving.store.explanation import ServedRules
from gtm_platform.serving.store.sight import EVERYTHING, HIDDEN, Sight, hand_out

Totals = tuple[int, float, int, int]
WATCHED = "json_extract(body, '$.last_day') is not null"  # a departure after the first day that is shown
TOTALS_KEPT = 1_000  # counts of filtered lists; they cannot change while the file does not
MMAP_BYTES = 1 << 32
FACTS_OF_PEOPLE = frozenset(["who_is_who"])  # those that name customers by more than their ids


def _people_in(document: Any) -> list[str]:
    """Return the ids of the customers whom pairs in a document name."""
    pairs = [pair for pair in document["pairs"] if pair["kind"] == "person"]
    return [pair[name] for pair in pairs for name in ("first_id", "second_id")]


class WrongFormat(RuntimeError):
    """A file that another version of the platform wrote."""


@dataclass(frozen=True)
class Customer:
    """Everything about one customer, as JSON; `explanation` is empty for who has no score."""

    customer_id: str
    body: bytes  # what everybody may see
    personal: bytes
    explanation: bytes
    history: bytes
    alerts: Sequence[bytes]

    def row(self, *, personal: bool) -> dict[str, Any]:
        """Return the customer's columns, personal ones where they may be seen."""
        row: dict[str, Any] = orjson.loads(self.document(personal=personal))
        return row

    def document(self, *, personal: bool) -> bytes:
        """Return the same as JSON."""
        if personal and self.personal != HIDDEN:
            hand_out([self.customer_id])
        return joined(self.body, self.personal if personal else b"")


@dataclass(frozen=True)
class MetricValue:
    """A value of a metric; `member` is None in all, and for customers without a value in the dimension."""

    day: str
    member: str | None
    value: float


CompanySort = Literal["mrr_reporting", "priority"]
Kind = Literal["customer", "company", "subject"]


@dataclass(frozen=True)
class CompanyQuery:
    """A page of companies, those with the most MRR, or of the highest priority, first."""

    domain: str | None = None
    limit: int = 50
    cohort: str | None = None
    sort: CompanySort = "mrr_reporting"
    after: tuple[float, int] | None = None


class Snapshot:
    """A file of one landing. It never changes, so nothing read from it twice can differ.

    `seen` returns the same for who may not see all of it.
    """

    sight: Sight = EVERYTHING

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._totals: dict[Any, tuple[int, float]] = {}
        self._narrowed: dict[Sight, Snapshot] = {}
        if self._one("pragma user_version") != (FORMAT,):
            raise WrongFormat(f"{path} was written by another version of the platform; make the daily tables again.")
        meta = dict(self._all("select name, value from meta"))
        self.stamp, self.as_of, self.made_at = meta["stamp"], meta["as_of"], meta["made_at"]

    @classmethod
    def open(cls, path: Path) -> "Snapshot":
        """Open a file; FileNotFoundError where it is gone."""
        if not path.exists():
            raise FileNotFoundError(path)
        return cls(path)

    def seen(self, sight: Sight) -> "Snapshot":
        """Return the snapshot as it may be seen."""
        if sight == EVERYTHING:
            return self
        from gtm_platform.serving.store.narrow import NarrowSnapshot

        if sight not in self._narrowed:
            self._narrowed[sight] = NarrowSnapshot(self, sight)
        return self._narrowed[sight]

    # --- customers ---------------------------------------------------------------------------------------------------

    def customers(self, query: CustomerQuery) -> Page:
        """Return a page of customers, with how many there are in all and what they pay."""
        return page_of(query, self._all, self._total)

    def customer(self, identifier: str) -> Customer | None:
        """Return the customer with the id, a former id or any of the addresses; None where there is none."""
        id = self._find(identifier)
        return None if id is None else self._customer(id)

    def explanation(self, customer: Customer) -> Explanation | None:
        """Return how the customer's score is made and what moved it; None for who has none."""
        if not customer.explanation:
            return None
        row = self._one("select body from score_changes where customer_id = ?", (customer.customer_id,))
        changes = zlib.decompress(row[0]) if row else b"[]"
        return self._rules.explain(customer.row(personal=False), customer.explanation, changes)

    def alerts_of(self, subject_id: str) -> list[bytes]:
        """Return the alerts about a customer or another subject, the newest first."""
        query = "select body from alerts where subject_id = ? order by id"
        return [body.encode() for (body,) in self._all(query, (subject_id,))]

    @cached_property
    def _rules(self) -> ServedRules:
        return ServedRules.of(self.fact("rules"))

    def hubspot_writes(self, customer_id: str, limit: int = 50) -> list[bytes]:
        """Return what was written to HubSpot about a customer, the newest first."""
        query = "select body from hubspot_writes where customer_id = ? order by id limit ?"
        return [body.encode() for (body,) in self._all(query, (customer_id, limit))]

    def events_of(self, customer_id: str) -> bytes:
        """Return the newest calls, conversations and payments of a customer as a list in JSON."""
        row = self._one("select body from events where customer_id = ?", (customer_id,))
        return zlib.decompress(row[0]) if row else b"[]"

    def _find(self, identifier: str) -> int | None:
        """Return the number of a customer; of several with one address a current one."""
        query = """select id from identifiers join customers using (id) where identifier = ?
            order by is_customer desc, id limit 1"""
        wanted = identifier.strip()
        row = self._one(query, (wanted.lower() if "@" in wanted else wanted,))
        return row[0] if row else None

    def _customer(self, id: int) -> Customer:
        query = """select customer_id, body, personal, explanation, history
            from documents join customers using (id) where id = ?"""
        customer_id, body, personal, explanation, history = self._one(query, (id,))
        return Customer(
            customer_id,
            body.encode(),
            personal.encode(),
            (explanation or "").encode(),
            zlib.decompress(history),
            self.alerts_of(customer_id),
        )

    def _total(self, query: CustomerQuery) -> tuple[int, float]:
        """Count a filtered list, once for each question."""
        key = query.key
        if key not in self._totals:
            if len(self._totals) >= TOTALS_KEPT:
                self._totals.clear()
            self._totals[key] = counted(query, self._all)
        return self._totals[key]

    # --- companies ---------------------------------------------------------------------------------------------------

    def companies(self, query: CompanyQuery) -> list[tuple[bytes, tuple[float, int]]]:
        """Return a page of companies, each with the place after which the next page begins."""
        narrowed, narrowed_by = self._narrowing("company")
        conditions, values = [narrowed], list(narrowed_by)
        if query.domain is not None:
            conditions.append("domain = ?")
            values.append(query.domain.lower())
        if query.cohort is not None:
            conditions.append("cohort = ?")
            values.append(query.cohort)
        if query.after is not None:
            conditions.append(f"({query.sort}, id) < (?, ?)")
            values.extend(query.after)
        rows = self._all(
            f"select body, {query.sort}, id from companies where {' and '.join(conditions)} "
            f"order by {query.sort} desc, id desc limit ?",
            (*values, query.limit),
        )
        return [(body.encode(), (place, id)) for body, place, id in rows]

    def company(self, company_id: str) -> bytes | None:
        """Return a company by its id or its domain."""
        row = self._one("select body from companies where company_id = ? or domain = ?", (company_id, company_id))
        return row[0].encode() if row else None

    def count_companies(self, cohort: str | None = None) -> int:
        """Return how many companies there are, in all or in a cohort."""
        narrowed, values = self._narrowing("company")
        query = f"select count(*) from companies where {narrowed} and (? is null or cohort = ?)"
        return int(self._one(query, (*values, cohort, cohort))[0])

    def transitions(self, days: int, limit: int, company_id: str | None = None) -> list[tuple[str, bytes]]:
        """Return the changes of cohorts in so many days, of all or of one company, the newest first.

        Each with the company's name, or its domain.
        """
        since = (date.fromisoformat(self.as_of) - timedelta(days=days)).isoformat()
        narrowed, values = self._narrowing("company")
        rows = self._all(
            f"""select coalesce(json_extract(companies.body, '$.name'), domain, company_id), transitions.body
                from transitions left join companies using (company_id)
                where {narrowed} and day > ? and (? is null or company_id = ?) order by transitions.id limit ?""",
            (*values, since, company_id, company_id, limit),
        )
        return [(name, body.encode()) for name, body in rows]

    def count_transitions(self, days: int) -> dict[str, int]:
        """Return how many changes of cohorts there were in so many days, by what brought them."""
        since = (date.fromisoformat(self.as_of) - timedelta(days=days)).isoformat()
        narrowed, values = self._narrowing("company")
        query = f"""select json_extract(body, '$.trigger') as trigger, count(*) from transitions
            where {narrowed} and day > ? group by 1 order by 2 desc, 1"""
        return dict(self._all(query, (*values, since)))

    def departures(self, days: int, account_manager: str | None, limit: int) -> tuple[list[bytes], Totals]:
        """Return who left in so many days, the latest first, and totals of all of them.

        How many, what they paid, how many were foreseen, and how many left after the first day that is shown.
        """
        since = (date.fromisoformat(self.as_of) - timedelta(days=days)).isoformat()
        narrowed, narrowed_by = self._narrowing("customer")
        where = f"{narrowed} and day > ? and (? is null or account_manager = ?)"
        values = (*narrowed_by, since, account_manager, account_manager)
        rows = self._all(f"select body from departures where {where} order by id limit ?", (*values, limit))
        sums = ", ".join(f"coalesce(sum({of}), 0)" for of in ("mrr", "foreseen", WATCHED))
        total, mrr, foreseen, watched = self._one(f"select count(*), {sums} from departures where {where}", values)
        return [body.encode() for (body,) in rows], (total, round(mrr, 2), foreseen, watched)

    # --- what holds for all ------------------------------------------------------------------------------------------

    def fact(self, name: str) -> bytes:
        """Return a fact as JSON, as `snapshot/facts` names them."""
        body = self._fact(name)
        if name in FACTS_OF_PEOPLE and self.sight.personal:
            hand_out(_people_in(orjson.loads(body)))
        return body

    def _fact(self, name: str) -> bytes:
        row = self._one("select body from facts where name = ?", (name,))
        if row is None:
            raise BadQuery(f"There is no fact {name!r}.")
        return bytes(row[0].encode())

    def metric(
        self, name: str, dimension: str = "", since: str = "", until: str = "9999", member: str | None = None
    ) -> list[MetricValue]:
        """Return the values of a metric, in all or by a dimension, from one day to another."""
        query = """select day, member, value from metric_values
            where metric = ? and dimension = ? and day between ? and ? and (? is null or member = ?)
            order by day, member"""
        rows = self._all(query, (name, dimension, since, until, member, member))
        return [MetricValue(day, member or None, value) for day, member, value in rows]

    def members(self, dimension: str) -> list[str]:
        """Return the members of a dimension among the customers that are shown, sorted; without the empty one."""
        query = """select distinct member from metric_values
            where metric = 'customers' and dimension = ? and day = ? and member <> '' order by 1"""
        return [member for (member,) in self._all(query, (dimension, self.as_of))]

    def alerts(self, limit: int, after: int = 0) -> list[tuple[bytes, int]]:
        """Return alerts, the newest first, each with the place after which the next page begins."""
        return self._bodies("alerts", limit, after, *self._narrowing("subject"))

    def sync_runs(self, limit: int, after: int = 0) -> list[tuple[bytes, int]]:
        """Return the runs that Dagster had when the snapshot was made, the newest first."""
        return self._bodies("sync_runs", limit, after)

    def _bodies(
        self, table: str, limit: int, after: int, condition: str = "1", values: tuple[Any, ...] = ()
    ) -> list[tuple[bytes, int]]:
        query = f"select body, id from {table} where {condition} and id > ? order by id limit ?"
        rows = self._all(query, (*values, after, limit))
        return [(body.encode(), id) for body, id in rows]

    def _narrowing(self, kind: Kind) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002  who sees less says otherwise
        """Return the condition that rows meet which may be seen, with its values."""
        return "1", ()

    # --- reading -----------------------------------------------------------------------------------------------------

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection().execute(query, values).fetchall()

    def _one(self, query: str, values: Sequence[Any] = ()) -> Any:
        return self._connection().execute(query, values).fetchone()

    def _connection(self) -> sqlite3.Connection:
        """Return the connection of this thread."""
        opened: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if opened is None:
            opened = files.opened(self.path, isolation_level=None)
            opened.execute(f"pragma mmap_size = {MMAP_BYTES}")
            opened.execute("pragma query_only = on")
            self._local.connection = opened
        return opened
