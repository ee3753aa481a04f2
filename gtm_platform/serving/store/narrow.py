"""A snapshot for who may not see all of it: other managers' customers are not in it, personal columns are empty.

Whoever reads a snapshot is handed this one instead, so that a page, an endpoint or a tool needs no line for it.
"""

from dataclasses import replace
from functools import cached_property
from typing import Any

import orjson

from gtm_platform.serving.snapshot.layout import PERSONAL_IN_FACTS
from gtm_platform.serving.store.customer_query import CustomerQuery, Page
from gtm_platform.serving.store.sight import HIDDEN, Sight
from gtm_platform.serving.store.snapshot import Customer, Kind, Snapshot

NO_MANAGER = "\0"  # no account manager is called so
# The fields by which documents name a customer or a company, also one that is nobody any more.
NAMING = ("customer_id", "company_id", "subject_id", "lead_id", "record_id", "first_id", "second_id")


class NarrowSnapshot(Snapshot):
    """What of a snapshot is seen with a sight; it reads the same file by the same connections."""

    def __init__(self, whole: Snapshot, sight: Sight) -> None:
        self.__dict__.update(whole.__dict__)
        self._totals, self._narrowed, self.sight = {}, {}, sight
        self._facts: dict[str, bytes] = {}

    def seen(self, sight: Sight) -> Snapshot:  # noqa: ARG002
        """Return the same: what may not be seen does not come back by being asked for."""
        return self

    def customers(self, query: CustomerQuery) -> Page:
        """Return a page of customers that may be seen."""
        page = super().customers(self._narrow(query))
        if self.sight.personal:
            return page
        return replace(page, documents=[(body, HIDDEN) for body, _ in page.documents])

    def alerts_of(self, subject_id: str) -> list[bytes]:
        """Return the alerts about a subject that may be seen."""
        return super().alerts_of(subject_id) if self._is_seen(subject_id) else []

    def hubspot_writes(self, customer_id: str, limit: int = 50) -> list[bytes]:
        """Return what was written about a customer that may be seen; which values only with personal data."""
        writes = super().hubspot_writes(customer_id, limit) if self._is_seen(customer_id) else []
        return writes if self.sight.personal else [_without(write, ("before", "after"), "") for write in writes]

    def events_of(self, customer_id: str) -> bytes:
        """Return the events of a customer that may be seen; what outsiders wrote only with personal data."""
        events = super().events_of(customer_id) if self._is_seen(customer_id) else b"[]"
        return events if self.sight.personal else _without(events, ("text",), None)

    def company(self, company_id: str) -> bytes | None:
        """Return a company that may be seen."""
        body = super().company(company_id)
        return body if body and self._is_seen(orjson.loads(body)["company_id"]) else None

    def _fact(self, name: str) -> bytes:
        """Return a fact without what may not be seen of it; it is worked out once, as the file never changes."""
        if name not in self._facts:
            self._facts[name] = self._without_hidden(super()._fact(name))
        return self._facts[name]

    def _without_hidden(self, body: bytes) -> bytes:
        masks = not self.sight.personal and any(b'"%s"' % field.encode() in body for field in PERSONAL_IN_FACTS)
        if self.sight.managers is None and not masks:
            return body
        document = orjson.loads(body)
        if self.sight.managers is not None:
            document = self._pruned(document)
        return orjson.dumps(_masked(document) if masks else document)

    def _narrow(self, query: CustomerQuery) -> CustomerQuery:
        if self.sight.managers is None:
            return query
        wanted = query.filters.get("account_manager") or self.sight.managers
        own = tuple(each for each in wanted if each in self.sight.managers)
        return replace(query, filters={**query.filters, "account_manager": own or (NO_MANAGER,)})

    def _find(self, identifier: str) -> int | None:
        id = super()._find(identifier)
        if id is None or self.sight.managers is None:
            return id
        [(manager,)] = self._all("select assigned_am from customers where id = ?", (id,))
        return id if manager in self.sight.managers else None

    def _customer(self, id: int) -> Customer:
        customer = super()._customer(id)
        return customer if self.sight.personal else replace(customer, personal=HIDDEN)

    def _narrowing(self, kind: Kind) -> tuple[str, tuple[Any, ...]]:
        managers = self.sight.managers
        if managers is None:
            return super()._narrowing(kind)
        own = f"from customers where assigned_am in ({', '.join('?' * len(managers))})"
        columns = {"customer": ("customer_id",), "company": ("company_id",), "subject": ("customer_id", "company_id")}
        ids = " union all ".join(f"select {column} {own}" for column in columns[kind])
        return f"{kind}_id in ({ids})", managers * len(columns[kind])

    @cached_property
    def _own(self) -> frozenset[str]:
        """The ids of customers and companies that may be seen."""
        condition, values = self._narrowing("customer")
        rows = self._all(f"select customer_id, company_id from customers where {condition}", values)
        return frozenset(id for row in rows for id in row)

    @cached_property
    def _others(self) -> frozenset[str]:
        """The ids of customers and companies that may not be seen."""
        rows = self._all("select customer_id from customers union all select company_id from companies")
        return frozenset(id for (id,) in rows) - self._own

    def _is_seen(self, id: str) -> bool:
        return self.sight.managers is None or id in self._own

    def _pruned(self, document: Any) -> Any:
        """Return a document without the rows that name somebody who may not be seen."""
        if isinstance(document, dict):
            return {name: self._pruned(value) for name, value in document.items()}
        if isinstance(document, list):
            return [self._pruned(each) for each in document if not self._names_others(each)]
        return document

    def _names_others(self, each: Any) -> bool:
        """Whether an element of a list is, or names in any of its fields, somebody who may not be seen."""
        if isinstance(each, str):
            return each in self._others
        if not isinstance(each, dict):
            return False
        named = (each.get(name) for name in NAMING)
        unseen = any(isinstance(id, str) and not self._is_seen(id) for id in named)
        return unseen or any(isinstance(value, str) and value in self._others for value in each.values())


def _masked(document: Any) -> Any:
    """Return a document without what its rows say of persons; the name and domain of a company are no such thing."""
    if isinstance(document, list):
        return [_masked(each) for each in document]
    if not isinstance(document, dict):
        return document
    hides = document.get("kind") != "company"
    return {name: None if hides and name in PERSONAL_IN_FACTS else _masked(value) for name, value in document.items()}


def _without(document: bytes, fields: tuple[str, ...], instead: str | None) -> bytes:
    """Return a document with nothing in some fields, however deep they are."""

    def cleared(value: Any) -> Any:
        if isinstance(value, list):
            return [cleared(each) for each in value]
        if isinstance(value, dict):
            return {name: instead if name in fields else cleared(each) for name, each in value.items()}
        return value

    return orjson.dumps(cleared(orjson.loads(document)))
