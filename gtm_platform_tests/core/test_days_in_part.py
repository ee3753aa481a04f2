"""The platform's own tables, made again in part and in whole: in random histories they have the very same rows."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import ibis
import pytest

from gtm_platform.lake.columns_read import columns_read
from gtm_platform.lake.daily_table import DailyTable, arguments
from gtm_platform.lake.day_check import PartCheck
from gtm_platform.lake.duckdb_engine import cursor, engine, queries_in
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.delivery.hotpath.hot_home import COMPUTED, DAY, HotHome, Record, keyed
from gtm_platform_tests.delivery.hotpath.random_histories import KINDS, OF_IDENTITY, address, change, first

pytestmark = pytest.mark.soak

SEATS_CHANGE = 0.4
PEOPLE, ROUNDS, MOST = 24, 3, 4  # at once few things happen, so that few customers are touched


def rows(lake: Lake, table: DailyTable) -> list[str]:
    """Every row of the day, canaries included, in one order."""
    with cursor() as connection:
        query = lake.reading("included").query_day(table.key, DAY).sql
        return sorted(map(str, connection.execute(query).fetchall()))


def seats(random: Random) -> Record:
    """An account of a product, whose members are named by their addresses."""
    people = [address(random, number) for number in range(PEOPLE)]
    members = random.sample(people, 3)
    return {
        "id": "account",
        "email": "nobody@nowhere.example",
        "member_emails": members[:2],
        "deactivated_emails": members,
    }


def live(root: Path, seed: int, kinds: tuple[str, ...], rounds: int = ROUNDS) -> tuple[set[str], set[str]]:
    """Let a home live, made again by itself after each round; return the tables made in part, and those left."""
    random, home = Random(seed), HotHome(root)
    home.begin({**first(random, PEOPLE), "listkit_admin/accounts": [seats(random)]})
    in_part, left = set[str](), set[str]()
    for nth in range(rounds):
        changes: dict[str, dict[str, Record]] = {}
        for _ in range(random.randrange(1, MOST)):
            for table, records in change(random, home, PEOPLE, kinds).items():
                changes.setdefault(table, {}).update(keyed(table, records))
        if random.random() < SEATS_CHANGE:
            changes["listkit_admin/accounts"] = {"account": seats(random)}
        home.change({table: list(records.values()) for table, records in changes.items()})
        for each in COMPUTED:
            if written := each.write_day(home.lake, DAY, anew=False):
                in_part |= {each.key} if written.part and written.part.computed else set()
                left |= set() if written.is_new else {each.key}
        whole = home.full(f"whole{nth}")
        for each in COMPUTED:
            assert rows(home.lake, each) == rows(whole, each), f"seed {seed}, round {nth}: {each.key}"
            if each.is_local:
                assert PartCheck(each).verdict(home.lake, DAY).passed
    return in_part, left


def test_days_in_which_money_and_talks_change(tmp_path: Path) -> None:
    in_part, left = live(tmp_path, 2, KINDS)
    assert {"core/profile", "core/unified_customers"} <= in_part
    assert {"identity/links", "identity/companies"} <= left


@pytest.mark.long
def test_days_in_which_people_change(tmp_path: Path) -> None:
    live(tmp_path, 7, (*KINDS, *OF_IDENTITY))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_hundred_homes(tmp_path: Path, seed: int) -> None:
    live(tmp_path, seed, (*KINDS, *KINDS, *OF_IDENTITY) if seed % 2 else KINDS, rounds=5)


@pytest.mark.long
def test_what_is_not_read_could_as_well_be_nothing(tmp_path: Path) -> None:
    """Each rule makes the same rows where all that it is said not to read is null."""
    home = HotHome(tmp_path)
    home.begin(first(Random(3), PEOPLE))
    spared = 0
    for table in COMPUTED:
        if not table.eager:
            inputs = arguments(home.lake.reading("included"), table.inputs, table.rule, DAY)
            made = table.contract.shaped(table.rule(**inputs))
            read = columns_read(made)
            poorer = {name: _with_nulls(value, read) for name, value in inputs.items()}
            spared += sum(len(query.schema) - len(read[view]) for view, query in queries_in(made).items())
            assert _made(made) == _made(table.contract.shaped(table.rule(**poorer))), table.key
    assert spared


def _with_nulls(value: Any, read: Mapping[str, frozenset[str]]) -> Any:
    """Return an input without what no rule reads of it."""
    if isinstance(value, Mapping):
        return {name: _with_nulls(each, read) for name, each in value.items()}
    if not isinstance(value, ibis.Table):
        return value
    columns = read.get(value.get_name(), frozenset())
    unread = {name: kind for name, kind in value.schema().items() if name not in columns}
    return value.mutate(**{name: ibis.null(kind) for name, kind in unread.items()}) if unread else value


def _made(table: ibis.Table) -> list[str]:
    with cursor() as connection:
        return sorted(map(str, connection.execute(engine().compile(table)).fetchall()))
