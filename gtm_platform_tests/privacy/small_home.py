"""A home in little: a person with records in several systems, a colleague at the same firm, and a namesake nowhere.

Every table is written through the lake, with whatever its contract asks for.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from gtm_platform.ingest.suppression import PrivacyKey
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.privacy.erasure import ErasureContext
from gtm_platform.privacy.outside import Eraser
from gtm_platform.state import State, open_state
from gtm_platform.state.audit import note
from gtm_platform_tests.tables import _default

KEY = "k" * 48
NOW = datetime(2026, 3, 4, 6, tzinfo=UTC)
MORNING = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = ("2026-03-01", "2026-03-02")
JANE, JANES_NAME, JANES_PHONE = "jane.roe@firm.example", "Jane Quill Roe", "+49 (30) 1234-5678"
BOB = "bob@firm.example"
CUSTOMER, FORMER, COLLEAGUE = "c_jane0001", "c_jane0000", "c_bob00001"
PAYLOAD = {"email": JANE, "name": JANES_NAME, "phone": JANES_PHONE}


def write(lake: Lake, table: str, partition: str, *rows: Mapping[str, Any], full: bool = True) -> None:
    """Write rows of a declared table, with what the contract asks for where a row does not say."""
    contract = contract_of(table)
    filled = [
        {
            name: row.get(name, None if column.nullable else _default(contract.schema[name]))
            for name, column in contract.columns.items()
        }
        for row in rows
    ]
    stamped = [{**row, "_window": MORNING, "_extracted_at": MORNING} if contract.cadence else row for row in filled]
    schema = contract.schema.to_pyarrow()
    lake.write(
        table,
        partition,
        pa.Table.from_pylist(stamped, schema=pa.schema([f.with_nullable(True) for f in schema])),
        full=full,
    )


def fill(lake: Lake) -> None:
    """Write what the systems say of Jane and Bob, and what two days made of it."""
    both = [
        {
            "id": "501",
            "email": JANE,
            "first_name": "Jane Quill",
            "last_name": "Roe",
            "phone": JANES_PHONE,
            "company_id": "9",
            "payload": json.dumps(PAYLOAD),
        },
        {"id": "502", "email": BOB, "first_name": "Bob", "last_name": "Stone", "company_id": "9", "payload": "{}"},
    ]
    write(lake, "hubspot/contacts", "2026-03-01T0000", *both)
    write(lake, "hubspot/contacts", "2026-03-01T0000", *both)  # the one before is superseded, and lies there
    write(lake, "hubspot/companies", "2026-03-01T0000", {"id": "501", "name": "Firm", "domain": "firm.example"})
    write(
        lake,
        "stripe/customers",
        "2026-03-01",
        {"id": "cus_jane12345", "email": "Jane.Roe+bills@Firm.example", "name": "Firm"},
    )
    write(lake, "stripe/charges", "2026-03-01", {"id": "ch_1234567890", "customer_id": "cus_jane12345"})
    write(
        lake,
        "stripe/refunds",
        "2026-03-01",
        {"id": "re_1234567890", "charge_id": "ch_1234567890"},
        {"id": "re_9999999999", "charge_id": "ch_9999999999"},
    )
    conversation = {"id": "c1", "contact_id": "650000000000000000000001", "author_email": JANE, "body": "I am cross."}
    write(lake, "intercom/contacts", "2026-03-01T0000", {"id": "650000000000000000000001", "email": JANE})
    write(
        lake,
        "intercom/conversations",
        "2026-03-01T0000",
        conversation,
        {"id": "c2", "contact_id": "650000000000000000000002", "body": f"As {JANES_NAME} said, it works."},
    )
    write(
        lake,
        "intercom/conversation_parts",
        "2026-03-01T0000",
        {"id": "p1", "conversation_id": "c1", "body": "Sure."},
        {"id": "p2", "conversation_id": "c2", "body": f"Call {JANES_PHONE.replace(' ', '')}"},
    )
    write(
        lake,
        "chroma_admin/accounts",
        "2026-03-01",
        {
            "id": "acc_firm001",
            "email": JANE,
            "company_name": "Firm",
            "member_emails": [JANE, BOB],
            "payload": json.dumps({"owner": JANE}),
        },
    )
    write(lake, "chroma_admin/daily_usage", "2026-03-01", {"account_id": "acc_firm001", "queries": 7})
    invitees = [
        {"name": JANES_NAME, "email": JANE, "is_external": True},
        {"name": "Bob Stone", "email": BOB, "is_external": True},
    ]
    write(
        lake,
        "fathom/meetings",
        "2026-03-01",
        {
            "id": "m1",
            "title": "Review",
            "invitees": invitees,
            "external_emails": [JANE, BOB],
            "summary": f"{JANES_NAME} asked for less.",
            "payload": json.dumps(invitees),
        },
    )
    write(
        lake,
        "quarantine/hubspot_contacts",
        "2026-03-01T0000",
        {"digest": "d1", "record_id": "501", "reason": "r", "payload": json.dumps(PAYLOAD)},
        {"digest": "d2", "record_id": "777", "reason": "r", "payload": "{}"},
    )
    for day in DAYS:
        fill_day(lake, day)


def fill_day(lake: Lake, day: str) -> None:
    """Write the daily tables of a day."""
    jane = {"customer_id": CUSTOMER, "aliases": [FORMER], "match_method": "email", "match_confidence": 1.0}
    links = [
        {**jane, "source": "hubspot", "record_id": "501", "email": JANE, "evidence": f"email {JANE}"},
        {**jane, "source": "stripe", "record_id": "cus_jane12345", "email": JANE},
        {**jane, "source": "intercom", "record_id": "650000000000000000000001", "email": JANE},
        {**jane, "source": "chroma_admin", "record_id": "acc_firm001", "email": JANE},
        {
            "customer_id": COLLEAGUE,
            "source": "hubspot",
            "record_id": "502",
            "email": BOB,
            "match_method": "alone",
            "match_confidence": 1.0,
            "aliases": [],
        },
    ]
    write(lake, "identity/links", day, *links)
    write(
        lake,
        "identity/people",
        day,
        {"customer_id": CUSTOMER, "email": JANE, "all_emails": [JANE], "aliases": [FORMER]},
        {"customer_id": COLLEAGUE, "email": BOB, "all_emails": [BOB]},
    )
    write(
        lake,
        "core/unified_customers",
        day,
        {"customer_id": CUSTOMER, "email": JANE, "name": JANES_NAME, "company_id": "k1", "customer_status": "active"},
        {
            "customer_id": COLLEAGUE,
            "email": BOB,
            "name": "Bob Stone",
            "company_id": "k1",
            "customer_status": "active",
            "last_call_summary": f"With {JANES_NAME}",
        },
    )
    write(
        lake,
        "core/unified_companies",
        day,
        {"company_id": "k1", "name": "Firm", "engagement_notes": f"{JANES_NAME} asked for less."},
    )
    write(lake, "intelligence/features", day, {"customer_id": CUSTOMER}, {"customer_id": COLLEAGUE})
    write(
        lake,
        "quality/daily_metrics",
        day,
        {"subject": "core/unified_customers", "metric": "rows", "value": 2.0, "day": day and NOW.date()},
    )


def fill_state(url: str) -> None:
    """Put rows into the state as deliveries and people leave them there."""
    with closing(open_state(url)) as state, state.writing() as tx:
        for statement in _rows_of_state():
            tx.execute(statement)
        note(tx, NOW, "Noor", "looked up", JANE, {"who": JANES_NAME})


def _rows_of_state() -> Iterator[sa.Insert]:
    from gtm_platform.state import schema

    write = {
        "run_id": "r",
        "day": DAYS[0],
        "object_type": "contacts",
        "property": "email",
        "status": "written",
        "provenance": "{}",
        "trace_id": "t",
        "at": NOW,
    }
    yield sa.insert(schema.hubspot_writes).values(
        [
            {**write, "object_id": "501", "customer_id": CUSTOMER, "before": "", "after": JANE},
            {**write, "object_id": "502", "customer_id": COLLEAGUE, "before": "", "after": BOB},
        ]
    )
    message = {
        "kind": "health_drop",
        "subject_kind": "customer",
        "day": DAYS[0],
        "facts": {"score": 3},
        "channel": "C",
        "status": "intent",
        "attempts": 0,
        "at": NOW,
    }
    yield sa.insert(schema.slack_messages).values(
        [
            {**message, "fingerprint": "f1", "subject_id": CUSTOMER},
            {**message, "fingerprint": "f2", "subject_id": COLLEAGUE},
        ]
    )
    yield sa.insert(schema.identity_decisions).values(
        kind="merge",
        first_record="hubspot:501",
        second_record="stripe:cus_jane12345",
        decided_by="Noor",
        reason=f"{JANE} says so",
        at=NOW,
    )
    yield sa.insert(schema.hook_events).values(
        hook="hubspot",
        source="hubspot",
        event_key="e1",
        kind="contact",
        touched={"contacts": ["501"]},
        streams="contacts",
        received_at=NOW,
    )


@dataclass
class Outside:
    """A destination that deletes people, and remembers whom."""

    deleted: list[str] = field(default_factory=list)

    def erase(self, state: State, ids: Any, erasure_id: str) -> int:  # noqa: ARG002
        self.deleted += ids
        return len(ids)


@dataclass
class SmallHome:
    """The home, and what it is erased with."""

    path: Path
    outside: Outside
    snapshots: int = 0

    @property
    def lake(self) -> Lake:
        return Lake(self.path / "lake")

    def remake_snapshot(self) -> None:
        self.snapshots += 1
        (self.path / "serving" / f"{self.snapshots:020d}.sqlite").write_text("nobody")

    def context(self, **changes: Any) -> ErasureContext:
        eraser = Eraser("hubspot", "hubspot/contacts", lambda: None, self.outside.erase)
        rules = policy()
        privacy = rules.privacy.model_copy(update={"erase_in": ("hubspot",)})
        context = ErasureContext(
            home=self.path,
            cache=self.path / "cache",
            state_url=f"sqlite:///{self.path / 'state.db'}",
            rules=rules.model_copy(update={"privacy": privacy}),
            now=lambda: NOW,
            keys=(PrivacyKey(KEY.encode()),),
            erasers={"hubspot": eraser},
            render=lambda page, _: page.encode()[::-1],
            remake_snapshot=self.remake_snapshot,
            busy_with=lambda: None,
        )
        return replace(context, **changes)
