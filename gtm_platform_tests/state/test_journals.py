"""The journals: what was begun and has no receipt is never taken for done."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from gtm_platform.state import State, open_state
from gtm_platform.state import audit as trail
from gtm_platform.state import hubspot_journal as writes
from gtm_platform.state import slack_journal as messages
from gtm_platform.state.hubspot_confirmed import CONFIRMED, as_text, last_confirmed, values_of
from gtm_platform.state.hubspot_journal import FieldState, Outcome, Write
from gtm_platform.state.schema import hubspot_confirmed as confirmed
from gtm_platform.state.schema import hubspot_writes as journal
from gtm_platform.state.slack_journal import Fact

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    yield state
    state.close()


def write(after: str, run: str = "r1", object_id: str = "501", before: str = "") -> Write:
    return Write(run, "2026-11-20", "contacts", object_id, "c1", "score", before, after, "{}", "t")


def state_of(state: State, object_id: str = "501") -> FieldState | None:
    with state.reading() as tx:
        return writes.field_states(tx, "contacts", [object_id]).get((object_id, "score"))


def test_an_intent_is_open_until_its_receipt(state: State) -> None:
    with state.writing() as tx:
        [row] = writes.intend(tx, [write("72")], NOW)
    assert state_of(state) == FieldState(None, None, {row: "72"})

    with state.writing() as tx:
        writes.receive(tx, [row], "written", NOW)
    assert state_of(state) == FieldState("72", "r1", {})


def test_what_was_rejected_or_held_is_nothing_that_hubspot_agreed_to(state: State) -> None:
    with state.writing() as tx:
        writes.conclude(tx, [(write("1"), "why")], "held", NOW)
        writes.conclude(tx, [(write("2"), "why")], "rejected", NOW)
    assert state_of(state) == FieldState(withheld={"1": "2026-11-20"}, withheld_last=("", "1"))


def test_the_newest_agreement_counts_and_ends_older_doubts(state: State) -> None:
    with state.writing() as tx:
        first = writes.intend(tx, [write("1"), write("2")], NOW)
        writes.receive(tx, first[:1], "written", NOW)
        writes.receive(tx, first[1:], "unknown", NOW, "no answer")
    assert state_of(state) == FieldState("1", "r1", {first[1]: "2"})

    with state.writing() as tx:
        writes.conclude(tx, [(write("3", run="r2"), "there already")], "unchanged", NOW)
    assert state_of(state) == FieldState("3", "r2", {})
    assert state_of(state, "502") is None


def test_the_newest_values_of_a_record_are_told_unless_one_of_them_is_in_doubt(state: State) -> None:
    def conclude(record: str, outcome: Outcome, **values: str) -> None:
        conclusion = [(replace(write(after, object_id=record), property=name), "why") for name, after in values.items()]
        with state.writing() as tx:
            writes.conclude(tx, conclusion, outcome, NOW)

    def newest() -> dict[str, dict[str, str] | None]:
        with state.reading() as tx:
            texts = last_confirmed(tx, "contacts", ["score", "status", "other"])
        return {id: None if text is None else values_of(text) for id, text in texts.items()}

    conclude("1", "written", score="72", status="healthy", other="x")
    conclude("1", "unchanged", score="7")
    conclude("2", "written", score="72")
    with state.writing() as tx:
        writes.conclude(tx, [(replace(write("72"), object_type="companies"), "why")], "written", NOW)
    first = {"score": "7", "status": "healthy", "other": "x"}
    assert newest() == {"1": first, "2": {"score": "72"}}

    outcomes: tuple[Outcome, ...] = ("held", "rejected", "unknown")
    for outcome in outcomes:
        conclude("1", outcome, score="8")
        assert newest() == {"1": None, "2": {"score": "72"}}
        conclude("1", "written", score="9")
        assert newest()["1"] == {**first, "score": "9"}
    with state.writing() as tx:
        writes.intend(tx, [write("10", object_id="1")], NOW)
    assert newest()["1"] is None
    assert rows_of_confirmed(state) == rows_of_journal(state), "the narrow table says what the journal says"


def rows_of_confirmed(state: State) -> set[tuple[str, str, str, str]]:
    with state.reading() as tx:
        rows = tx.execute(sa.select(confirmed)).all()
    return {(row.object_type, row.object_id, row.doubts, row.confirmed) for row in rows}


def rows_of_journal(state: State) -> set[tuple[str, str, str, str]]:
    """What the narrow table is to have, by the journal's rows in their order."""
    newest: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    with state.reading() as tx:
        for row in tx.execute(sa.select(journal).order_by(journal.c.id)):
            newest.setdefault((row.object_type, row.object_id), {})[row.property] = (row.status, row.after)
    return {
        (
            *of_object,
            ",".join(sorted(name for name, (status, _) in fields.items() if status not in CONFIRMED)),
            as_text({name: after for name, (status, after) in fields.items() if status in CONFIRMED}),
        )
        for of_object, fields in newest.items()
    }


def test_intents_come_back_in_the_order_in_which_they_were_given(state: State) -> None:
    many = [write(str(n), object_id=str(n % 7)) for n in range(600)]
    with state.writing() as tx:
        rows = writes.intend(tx, many, NOW)
        writes.receive(tx, rows, "written", NOW)
    with state.reading() as tx:
        kept = writes.writes_of_run(tx, "r1", "contacts", "written")
    intended = [(row, intent.after) for row, intent in zip(rows, many, strict=True)]
    assert [(row.id, row.after) for row in kept] == intended


KINDS = ("drop",)


def fact(mark: str, customer: str = "c1") -> Fact:
    return Fact(mark, "drop", "customer", customer, "2026-11-20", {"score": 5})


def test_a_fingerprint_is_kept_once(state: State) -> None:
    with state.writing() as tx:
        assert messages.intend(tx, [fact("a"), fact("a"), fact("b")], "C0", NOW) == 2
        assert messages.intend(tx, [fact("b"), fact("c")], "C0", NOW) == 1
        assert [entry.fingerprint for entry in messages.waiting(tx, KINDS)] == ["a", "b", "c"]


def test_a_post_is_in_doubt_until_it_is_sent_or_surely_was_not(state: State) -> None:
    with state.writing() as tx:
        messages.intend(tx, [fact("a")], "C0", NOW)
        [entry] = messages.waiting(tx, KINDS)

        messages.posting(tx, [entry.id], "hash", "C0")
        assert [waiting.status for waiting in messages.waiting(tx, KINDS)] == ["unknown"]
        messages.refused(tx, [entry.id], "limit")
        assert [waiting.status for waiting in messages.waiting(tx, KINDS)] == ["intent"]

        messages.posting(tx, [entry.id], "hash", "C0")
        messages.doubtful(tx, [entry.id], "no answer")
        messages.posting(tx, [entry.id], "hash", "C0")
        messages.refused(tx, [entry.id], "limit")
        assert [waiting.status for waiting in messages.waiting(tx, KINDS)] == ["unknown"]

        messages.sent(tx, [entry.id], "C0", "1.0", NOW)
        assert messages.waiting(tx, KINDS) == []


def test_the_newest_fact_of_a_subject_is_remembered(state: State) -> None:
    with state.writing() as tx:
        messages.intend(tx, [fact("a"), fact("b"), fact("x", "c2")], "C0", NOW)
        newest = messages.newest(tx, "drop")
    assert {customer: entry.fingerprint for customer, entry in newest.items()} == {"c1": "b", "c2": "x"}
    assert newest["c1"].facts == {"score": 5}


def test_a_sender_sees_its_own_kinds_only(state: State) -> None:
    failed_run = Fact("run_failed:1", "run_failed", "run", "1", "2026-11-20", {})
    with state.writing() as tx:
        messages.intend(tx, [fact("a"), failed_run], "C0", NOW)
        assert [entry.fingerprint for entry in messages.waiting(tx, ["run_failed"])] == ["run_failed:1"]
        assert messages.waiting(tx, []) == []


def test_what_is_new_is_read_without_being_journaled(state: State) -> None:
    with state.writing() as tx:
        messages.intend(tx, [fact("a")], "C0", NOW)
        assert messages.new_facts(tx, [fact("a"), fact("b"), fact("b")]) == [fact("b")]
        assert [entry.fingerprint for entry in messages.waiting(tx, KINDS)] == ["a"]


def test_the_audit_trail_keeps_moments_in_utc(state: State) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    with state.writing() as tx:
        trail.note(tx, elsewhere, "delivery", "hubspot.write", "run r1", {"written": 3})
    with state.reading() as tx:
        [entry] = trail.entries(tx, "hubspot.write")
    assert (entry["at"], entry["at"].tzinfo, entry["detail"]) == (NOW, UTC, {"written": 3})
