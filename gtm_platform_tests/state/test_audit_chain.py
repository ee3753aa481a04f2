"""Whatever is done to the trail shows: an oracle that shares no code with it says what is first broken."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtm_platform.state import State, actions, open_state, slack_journal, store
from gtm_platform.state.audit import (
    BEGINNING,
    Entry,
    Head,
    all_entries,
    append,
    content_hash,
    digest,
    list_erased,
    note,
    verify,
)
from gtm_platform.state.audit_anchors import FILE, anchors_of, as_text, keep_anchor, of_text
from gtm_platform.state.schema import audit
from gtm_platform.state.slack_journal import Fact

NOW = datetime(2026, 11, 20, 6, 30, 15, 123456, tzinfo=UTC)
COUNT = 12
SUBJECTS = (("customer", "cus_1"), ("customer", "cus_2"), ("company", "com_1"))
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    yield state
    state.close()


def fill(state: State, count: int = COUNT) -> None:
    with state.writing() as tx:
        tx.execute(sa.delete(audit))
        for n in range(count):
            detail = {"people": [f"cus_{n}", "cus_ü"], "status": n, "half": n / 2, "none": None}
            note(tx, NOW + timedelta(seconds=n), f"token {n % 3}", "GET /v1/customers", f"cus_{n}", detail)


def rows_of(state: State) -> list[dict[str, Any]]:
    with state.reading() as tx:
        return [dict(row) for row in tx.execute(sa.select(audit).order_by(audit.c.id)).mappings()]


def put(state: State, rows: list[dict[str, Any]]) -> None:
    with state.writing() as tx:
        tx.execute(sa.delete(audit))
        for id, row in enumerate(rows, 1):
            tx.execute(sa.insert(audit), {**row, "id": id})


def broken(state: State, *anchors: Head) -> int | None:
    with state.reading() as tx:
        return verify(tx, anchors).broken


def head_of(state: State) -> Head:
    with state.reading() as tx:
        return verify(tx).head


def test_the_hash_is_that_of_the_entry_and_of_the_hash_before_it(state: State) -> None:
    fill(state, 3)
    previous = "0" * 64
    for row in rows_of(state):
        moment = row["at"].isoformat()
        about = _hash([row["salt"], row["subject"], row["detail"]])
        previous = _hash([previous, moment, row["actor"], row["action"], about])
        assert (row["content"], row["hash"]) == (about, previous)


def _hash(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_salts_are_of_each_entry_alone(state: State) -> None:
    fill(state)
    assert len({row["salt"] for row in rows_of(state)}) == COUNT


def test_whom_an_entry_is_about_may_be_erased_where_the_erasure_lists_it(state: State) -> None:
    fill(state)
    head = head_of(state)
    rows = rows_of(state)
    rows[4] |= {"subject": "[erased]", "detail": {"people": ["[erased]"]}, "salt": ""}
    put(state, rows)
    assert broken(state) == 5  # nobody says that it was erased
    with state.writing() as tx:
        list_erased(tx, NOW, "Noor", "5f0c9a2b11d4")
        list_erased(tx, NOW, "Noor", "5f0c9a2b11d4")  # again there is nothing to list
    with state.reading() as tx:
        verdict = verify(tx, [head])
    assert (verdict.broken, verdict.erased, verdict.head.entries) == (None, 1, COUNT + 1)
    rows = rows_of(state)
    rows[4] |= {"actor": "somebody else"}  # what was done, by whom and when still counts
    put(state, rows)
    assert broken(state) == 5


@pytest.mark.faults("V1")
@QUICK
@given(
    at=st.integers(0, COUNT - 1),
    change=st.sampled_from(["actor", "action", "subject", "detail", "at", "previous", "salt", "content", "hash"]),
)
def test_a_changed_entry_is_named(state: State, at: int, change: str) -> None:
    fill(state)
    rows = rows_of(state)
    other = {"detail": {"people": []}, "at": NOW - timedelta(days=1), "hash": "f" * 64, "previous": "f" * 64}
    rows[at] = {**rows[at], change: other.get(change, "somebody else")}
    put(state, rows)
    assert broken(state) == at + 1


@pytest.mark.faults("V1")
@QUICK
@given(at=st.integers(0, COUNT - 1), forge=st.booleans())
def test_a_changed_entry_whose_hash_was_made_anew_shows_in_the_next(state: State, at: int, forge: bool) -> None:
    fill(state)
    head, rows = head_of(state), rows_of(state)
    rows[at] = {**rows[at], "subject": "cus_other"}
    rows[at]["content"] = content_hash(rows[at])
    rows[at]["hash"] = digest(rows[at])
    for n in range(at + 1, COUNT if forge else 0):  # all that follows written anew: only an anchor shows that
        rows[n]["previous"] = rows[n - 1]["hash"]
        rows[n]["hash"] = digest(rows[n])
    put(state, rows)
    if not forge:
        assert broken(state) == (at + 2 if at < COUNT - 1 else None)
    assert broken(state, head) == (COUNT if forge or at == COUNT - 1 else at + 2)


@pytest.mark.faults("V1")
@QUICK
@given(order=st.permutations(range(6)))
def test_entries_in_another_order_are_named_from_the_first_that_moved(state: State, order: list[int]) -> None:
    fill(state, 6)
    rows = rows_of(state)
    put(state, [rows[n] for n in order])
    moved = [place + 1 for place, n in enumerate(order) if place != n]
    assert broken(state) == (moved[0] if moved else None)


@pytest.mark.faults("V1")
@QUICK
@given(removed=st.sets(st.integers(0, COUNT - 1), min_size=1))
def test_removed_entries_show_in_the_middle_by_themselves_and_at_the_end_by_an_anchor(
    state: State, removed: set[int]
) -> None:
    fill(state)
    head, rows = head_of(state), rows_of(state)
    put(state, [row for n, row in enumerate(rows) if n not in removed])
    first_gap = min(removed)
    at_end = removed == set(range(first_gap, COUNT))
    assert broken(state) == (None if at_end else first_gap + 1)
    assert broken(state, head) == first_gap + 1


@pytest.mark.faults("V1")
def test_an_entry_put_between_others_shows(state: State) -> None:
    fill(state)
    rows = rows_of(state)
    added = Entry(NOW, "token x", "GET /", "", {}).row(rows[4]["hash"])
    put(state, [*rows[:5], added, *rows[5:]])
    assert broken(state) == 7


def test_what_was_verified_is_not_read_again_and_still_has_to_be_there(state: State) -> None:
    fill(state)
    head = head_of(state)
    with state.writing() as tx:
        note(tx, NOW, "token 9", "GET /", "", {})
    with state.reading() as tx:
        verdict = verify(tx, since=head)
    assert (verdict.broken, verdict.head.entries) == (None, COUNT + 1)
    with state.writing() as tx:
        tx.execute(sa.delete(audit).where(audit.c.id == head.id))
    with state.reading() as tx:
        assert verify(tx, since=head).broken is not None


def test_anchors_are_kept_once_and_read_as_they_were_written(tmp_path: Path) -> None:
    heads = [Head(1, 1, "a" * 64), Head(5, 6, "b" * 64)]
    for head in (Head(0, 0, BEGINNING), heads[0], heads[0], heads[1]):
        keep_anchor(tmp_path, head)
    assert anchors_of(tmp_path) == heads
    assert of_text(as_text(heads[1])) == heads[1]
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ValueError, match="put back a copy"):
        anchors_of(tmp_path)


def test_a_name_that_is_too_long_breaks_nothing(state: State) -> None:
    with state.writing() as tx:
        note(tx, NOW, "a" * 500, "b" * 500, "c" * 500, {"at": "x"})
    assert broken(state) is None


def test_entries_are_chosen_by_person_actor_and_day(state: State) -> None:
    fill(state)
    with state.reading() as tx:
        assert [row["subject"] for row in all_entries(tx, person="cus_3")] == ["cus_3"]
        assert len(list(all_entries(tx, person="cus_ü"))) == COUNT
        assert {row["actor"] for row in all_entries(tx, actor="token 1")} == {"token 1"}
        later = all_entries(tx, since=NOW + timedelta(seconds=4), until=NOW + timedelta(seconds=6))
        assert [row["subject"] for row in later] == ["cus_4", "cus_5"]


WRITER = """
import sys
from datetime import UTC, datetime
from gtm_platform.state import open_state
from gtm_platform.state.audit import note
state = open_state(sys.argv[1])
for n in range(25):
    with state.writing() as tx:
        note(tx, datetime(2026, 1, 1, tzinfo=UTC), f"process {sys.argv[2]}", "act", str(n), {})
"""


@pytest.mark.faults("V1")
def test_processes_that_write_at_once_make_one_chain(state: State, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(n)]) for n in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    verdict = head_of(state)
    assert verdict.entries == 75
    assert broken(state) is None


def test_a_state_of_before_is_chained_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "VERSION", "0017")
        open_state(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as old:
        for n in range(4):
            values = (f"2026-01-0{n + 1} 06:00:00.000000", f"token {n}", "act", "", json.dumps({"n": n}))
            old.execute("insert into audit (at, actor, action, subject, detail) values (?, ?, ?, ?, ?)", values)
    old.close()
    state = open_state(f"sqlite:///{path}")
    with state.writing() as tx:
        append(tx, [Entry(NOW, "token 9", "act", "", {})])
    assert head_of(state).entries == 5
    assert broken(state) is None
    state.close()


@pytest.mark.faults("V1")
def test_what_others_took_from_us_is_an_entry_with_whom_it_was_about(state: State) -> None:
    facts = [Fact(f"f{n}", "cancel_mention", kind, id, "2026-11-20", {}) for n, (kind, id) in enumerate(SUBJECTS)]
    with state.writing() as tx:
        slack_journal.intend(tx, facts, "C1", NOW)
        slack_journal.sent(tx, [1, 2, 3], "C1", "17.1", NOW)
        deed = actions.intend(
            tx, actions.NewDeed("r", "hubspot_task", "cus_9", "501", "ref-1", "run-1", "2026-11-20"), NOW
        )
        actions.done(tx, deed.id, "77", NOW)
        actions.undone(tx, deed.id, "over", NOW)
    post, done, undone = rows_of(state)
    assert (post["action"], post["subject"], post["detail"]["people"]) == ("slack.post", "C1", ["cus_1", "cus_2"])
    assert (done["action"], undone["action"]) == ("action.done", "action.undone")
    assert done["detail"]["people"] == ["cus_9"]
    assert broken(state) is None
