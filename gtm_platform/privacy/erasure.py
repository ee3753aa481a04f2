"""Erasing a person: a plan first, then every place one after another, then a signed receipt.

Each step can be done again: a crash in the middle leaves a plan that is begun, and carrying it out once more finishes
it. Whom it is about is kept, encrypted, until then.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gtm_platform.ingest.addresses import normal_address
from gtm_platform.ingest.person_rows import is_opaque
from gtm_platform.ingest.suppression import PrivacyKey, of_address, of_record
from gtm_platform.lake import catalogue
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import lake_root
from gtm_platform.policy import Policy
from gtm_platform.privacy import databases, home_files, lake_rows, receipt, seal
from gtm_platform.privacy.home_files import Render
from gtm_platform.privacy.lake_rows import Done
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.outside import Eraser
from gtm_platform.privacy.person import Nobody, Person, find_person
from gtm_platform.serving.snapshot.files import folder_of, path_of, stamps
from gtm_platform.state import State, open_state
from gtm_platform.state.audit import list_erased, note
from gtm_platform.state.erasures import (
    BEGUN,
    DONE,
    PLANNED,
    Erasure,
    Suppression,
    add_erasure,
    change_erasure,
    drop_plans,
    erasure_of,
    suppress,
)

Counts = dict[str, int]
PLAN_ID_BYTES = 6


class NoSuchPlan(LookupError):
    """There is no plan of that id, or it is over; the message says what to do."""


class StillNamed(RuntimeError):
    """After everything was erased something still names the person; the message says where, never whom."""


class Busy(RuntimeError):
    """A run is at work, which could write what is being erased; the message names it."""


@dataclass(frozen=True)
class ErasureContext:
    """A home, with all that erasing in it needs: what is outside is handed in."""

    home: Path
    cache: Path
    state_url: str
    rules: Policy
    now: Callable[[], datetime]
    keys: tuple[PrivacyKey, ...]
    erasers: Mapping[str, Eraser]
    render: Render  # a page as PDF
    remake_snapshot: Callable[[], None]
    busy_with: Callable[[], str | None]  # the run that is at work, if any
    history_url: str | None = None  # of Dagster's history in Postgres

    @property
    def lake(self) -> Lake:
        """The home's lake."""
        return Lake(lake_root(self.home))

    @contextmanager
    def state(self) -> Iterator[State]:
        """Open the state."""
        with closing(open_state(self.state_url)) as opened:
            yield opened


@dataclass(frozen=True)
class Plan:
    """What erasing a person comes to: counts by system and place; it names nobody."""

    lake: Mapping[str, Mapping[str, int]]  # by table: rows that go, rows that change, superseded files
    state: Counts
    files: Counts
    guests: Counts
    history: int
    systems: Counts  # records that source systems have of the person
    outside: Mapping[str, str]  # by destination: what is done there, or why nothing is
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept and shown."""
        return {**vars(self), "notes": list(self.notes)}

    @property
    def is_empty(self) -> bool:
        """Whether nothing names the person anywhere."""
        return not (self.lake or self.state or self.files or self.guests or self.history or self.systems)


# --- planning --------------------------------------------------------------------------------------------------------


def plan_erasure(context: ErasureContext, reference: str, reason: str, who: str) -> Erasure:
    """Find a person everywhere and keep the plan of what is to be erased; nothing is erased."""
    keys = context.keys
    person = lake_rows.completed(context.lake, find_person(context.lake, reference))
    needles = Needles(person)
    with context.state() as state:
        plan = _plan(context, state, person)
        if plan.is_empty:
            raise Nobody("Nothing in this home names whoever is meant, and so there is nothing to erase.")
        now = context.now()
        erasure = Erasure(
            secrets.token_hex(PLAN_ID_BYTES),
            PLANNED,
            needles.cleaned(reason),
            who,
            now,
            plan.to_json(),
            seal.seal(person, keys[0]),
        )
        with state.writing() as tx:
            drop_plans(tx, now - timedelta(days=context.rules.privacy.plan_days))
            add_erasure(tx, erasure)
            record_decision(tx, now, who, "erasure planned", erasure.id, {"reason": erasure.reason})
    return erasure


def _plan(context: ErasureContext, state: State, person: Person) -> Plan:
    needles = Needles(person)
    tables: dict[str, dict[str, int]] = {}
    for hits in lake_rows.all_hits(context.lake, needles):
        counts = tables.setdefault(hits.table, {"rows": 0, "changed": 0, "old_files": 0})
        counts["rows"] += hits.going if hits.is_newest else 0
        counts["changed"] += hits.changing if hits.is_newest else 0
        counts["old_files"] += not hits.is_newest
    files: Counts = {}
    for hit in home_files.file_hits(context.home, context.cache, needles):
        files[hit.kind] = files.get(hit.kind, 0) + 1
    rows = {table.name: len(hits) for table, hits in databases.hits_of_database(state.engine, needles)}
    guests = databases.guest_tables(catalogue.path_of(context.lake), needles)
    history = sum(needles.bytes_pattern.search(path.read_bytes()) is not None for path in _history(context))
    outside = {system: _outside(context, eraser, person) for system, eraser in context.erasers.items()}
    return Plan(tables, rows, files, guests, history, person.sources, outside, _notes(person))


def _history(context: ErasureContext) -> list[Path]:
    return databases.sqlite_files(context.home)


def _outside(context: ErasureContext, eraser: Eraser, person: Person) -> str:
    count = sum(table == eraser.table for table, _ in person.records)
    if eraser.name not in context.rules.privacy.erase_in:
        return f"{count} records stay: erase_in of the policy does not name it"
    refusal = eraser.refusal()
    return f"{count} records cannot be deleted: {refusal}" if refusal else f"{count} records are deleted for good"


def _notes(person: Person) -> tuple[str, ...]:
    notes = [
        "Figures that name nobody stay as they are; a day that is made again is counted without the person.",
        "A first name alone, in what others wrote, is not recognised.",
    ]
    if person.shared_names:
        notes.append("The person's name is somebody else's, too: texts that have nothing but the name stay.")
    if person.is_teammate:
        notes.append("It is one of us: records of customers stay, without the name of who looks after them.")
    return tuple(notes)


# --- carrying out ----------------------------------------------------------------------------------------------------


def carry_out(context: ErasureContext, plan_id: str, who: str, done: Done = lambda _: None) -> dict[str, Any]:
    """Carry out a plan, or finish one that was begun; return the receipt, also of one that is done."""
    with context.state() as state:
        with state.reading() as tx:
            erasure = erasure_of(tx, plan_id)
        if erasure is None:
            raise NoSuchPlan(f"There is no plan {plan_id}. `gtm erase EMAIL --reason WHY` makes one.")
        if erasure.status == DONE:
            return dict(erasure.receipt or {})
        if run := context.busy_with():
            raise Busy(f"Run {run} is at work, and could bring back what is erased. Wait until it ends, or end it.")
        assert erasure.sealed is not None
        keys = context.keys
        person = seal.unseal(erasure.sealed, keys)
        begun = erasure.begun_at or context.now()
        with state.writing() as tx:
            change_erasure(tx, plan_id, status=BEGUN, begun_by=erasure.begun_by or who, begun_at=begun)
            suppress(tx, list(_suppressions(person, keys[0])), plan_id, begun)
            record_decision(tx, context.now(), who, "erasure begun", plan_id, {})
        done("suppressed the person")
        outside = _erase_everywhere(context, state, person, erasure, done)
        with state.writing() as tx:
            list_erased(tx, context.now(), who[:64], plan_id)
        made = receipt.make(context.rules, erasure, person, begun, context.now(), outside, keys[0])
        with state.writing() as tx:
            changes = {"status": DONE, "finished_at": context.now(), "sealed": None, "receipt": made}
            change_erasure(tx, plan_id, **changes)
            record_decision(tx, context.now(), who, "erasure done", plan_id, {"signature": made[seal.SIGNATURE]})
        databases.overwrite(state.engine)  # of whom the plan was about, too, nothing is left
        done("kept the receipt")
    return made


def _erase_everywhere(
    context: ErasureContext, state: State, person: Person, erasure: Erasure, done: Done
) -> Mapping[str, str]:
    needles = Needles(person)
    lake_rows.erase_rows(context.lake, needles, done)
    databases.erase_from_database(state.engine, needles, done)
    for path in _history(context):
        if needles.bytes_pattern.search(path.read_bytes()):
            databases.clean_sqlite_file(path, needles)
            done("cleaned a file of the history")
    if context.history_url:
        with _engine(context.history_url) as engine:
            databases.erase_from_database(engine, needles, done, keeps_rows=True)
    databases.erase_guest_rows(catalogue.path_of(context.lake), needles, done)
    home_files.drop_copies(context.home, done)
    home_files.erase_from_files(context.home, context.cache, needles, context.render, done)
    _remake_snapshot(context, done)
    catalogue.renew(context.lake)
    done("renewed the catalogue")
    _expect_nobody(context, state, person)
    outside = {name: _erase_outside(context, state, each, person, erasure) for name, each in context.erasers.items()}
    done("erased the person outside")  # last, as the journal of it has the ids that were searched for
    return outside


@contextmanager
def _engine(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url, hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()


def _erase_outside(context: ErasureContext, state: State, eraser: Eraser, person: Person, erasure: Erasure) -> str:
    wanted = eraser.name in context.rules.privacy.erase_in and eraser.refusal() is None
    if not wanted:
        return _outside(context, eraser, person)
    ids = [id for table, id in person.records if table == eraser.table]
    return f"{eraser.erase(state, ids, erasure.id)} records were deleted for good"


def _remake_snapshot(context: ErasureContext, done: Done) -> None:
    """Make what is served anew out of the lake, and remove every older snapshot at once."""
    folder = folder_of(context.home)
    before = stamps(folder)
    if before:
        context.remake_snapshot()
        done("made the snapshot anew")
    newest = stamps(folder)[-1:]
    for stamp in stamps(folder):
        if [stamp] != newest or newest == before[-1:]:  # where there is nothing to serve, nothing is served
            path_of(folder, stamp).unlink(missing_ok=True)
    for draft in folder.glob(".*"):
        draft.unlink(missing_ok=True)
    if before:
        done("removed older snapshots")


def _expect_nobody(context: ErasureContext, state: State, person: Person) -> None:
    """Look everywhere once more."""
    plan = _plan(context, state, person)
    left = {**dict.fromkeys(plan.lake, 1), **plan.state, **plan.files, **plan.guests}
    if left or plan.history:
        where = ", ".join(sorted(left)) or "Dagster's history"
        raise StillNamed(f"The person is still named in {where}. Carry the plan out again; nothing else is lost by it.")


def _suppressions(person: Person, key: PrivacyKey) -> Iterator[Suppression]:
    for address in person.addresses:
        if normal := normal_address(address):
            yield Suppression(key.digest(of_address(normal)), key.id)
    for table, id in person.records:
        yield Suppression(key.digest(of_record(table, id)), key.id, table)
        if is_opaque(id):
            yield Suppression(key.digest(of_record("", id)), key.id)


def record_decision(
    tx: sa.Connection, at: datetime, who: str, action: str, erasure_id: str, detail: Mapping[str, Any]
) -> None:
    """Keep in the audit what was decided, by whom: the one place where erasures do."""
    note(tx, at, who[:64], action, erasure_id, detail)
