"""One delivery at a time writes to HubSpot, on whichever host."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gtm_platform.delivery.hubspot.turns import LEASE, LOOK_SECONDS, TurnLost, intend, writing_alone
from gtm_platform.settings import settings
from gtm_platform.state import State, leases, open_state
from gtm_platform.state.hubspot_journal import Write
from gtm_platform.state.schema import hubspot_writes
from gtm_platform.state.schema import leases as leases_table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRITE = Write("run", "2026-03-01", "contacts", "7", "customer", "gtm_mrr", "", "9", "core/revenue", "trace")


@pytest.fixture
def state() -> Iterator[State]:
    with closing(open_state(settings().state_url)) as opened:
        yield opened


def taken_elsewhere(state: State, silent: timedelta) -> leases.Lease:
    """Another host writes, which said so for the last time a while ago."""
    with state.writing() as tx:
        mine = leases.take(tx, LEASE, "delivers contacts of 2026-03-01", datetime.now(UTC))
        theirs = replace(mine, host="two.example", beat_at=mine.beat_at - silent)
        tx.execute(leases_table.update().values(host=theirs.host, beat_at=theirs.beat_at))
    return theirs


def test_a_delivery_waits_until_that_of_another_host_has_ended_and_says_so_once(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    theirs, waits = taken_elsewhere(state, timedelta(minutes=1)), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            with state.writing() as tx:
                leases.give_back(tx, theirs)

    with writing_alone("delivers companies of 2026-03-01", sleep), state.reading() as tx:
        holder = leases.held_by(tx, LEASE)
    assert waits == [LOOK_SECONDS] * 3
    [message] = caplog.messages
    assert message.startswith("Waits for its turn at HubSpot: process ")
    assert "two.example" in message
    assert message.endswith("delivers contacts of 2026-03-01.")
    assert holder is not None
    assert holder.doing == "delivers companies of 2026-03-01"
    with state.reading() as tx:
        assert leases.held_by(tx, LEASE) is None


def test_what_a_host_that_died_had_is_free_after_a_silence(state: State) -> None:
    taken_elsewhere(state, leases.SILENCE + timedelta(seconds=1))
    with writing_alone("follows webhooks", never):
        pass


def test_a_delivery_that_fails_gives_its_turn_back(state: State) -> None:
    with pytest.raises(RuntimeError, match="refused"), writing_alone("follows webhooks", never):
        raise RuntimeError("refused")
    with state.reading() as tx:
        assert leases.held_by(tx, LEASE) is None


def test_a_delivery_that_was_silent_for_too_long_writes_nothing_more(state: State) -> None:
    """Its host slept: another one took its turn, and may have written newer values."""
    with writing_alone("delivers contacts of 2026-03-01", never):
        with state.writing() as tx:
            assert intend(tx, [WRITE], NOW)
        with state.writing() as tx:
            tx.execute(leases_table.update().values(beat_at=NOW - leases.SILENCE * 2))
            leases.take(tx, LEASE, "delivers contacts of 2026-03-02", NOW)
        with pytest.raises(TurnLost, match="Nothing more is written"), state.writing() as tx:
            intend(tx, [WRITE], NOW)
    with state.reading() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(hubspot_writes)).scalar() == 1
        theirs = leases.held_by(tx, LEASE)
    assert theirs is not None, "what another one has is not given back"
    assert theirs.doing == "delivers contacts of 2026-03-02"


def never(seconds: float) -> None:
    raise AssertionError(f"it waits for {seconds} s")
