"""Checks of tables: which days are bad, for how long a table stays red, and what a run for an old day looks at."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import pytest

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.dagster.daily_assets import daily_asset
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.day_check import RECENT_DAYS, ContractCheck, DayCheck, Severity, days_to_check
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.verdicts import judge
from gtm_platform_tests.lake.tables import ALBUMS, album, declared, write

FIRST = date(2026, 11, 1)
SHELF = Contract({"id": Column("string", nullable=False), "title": Column("string")}, key=("id",))


def day(number: int) -> str:
    return str(FIRST + timedelta(days=number))


@pytest.fixture
def shelf() -> Iterator[DailyTable]:
    with declared(shop__albums=ALBUMS):
        yield DailyTable("shop/shelf", SHELF, {"albums": "shop/albums"}, lambda albums: albums.select("id", "title"))


def untitled(shelf: ibis.Table) -> ibis.Table:
    return shelf.filter(shelf["title"].isnull()).select("id")


def check_of(table: DailyTable, severity: Severity = "ERROR") -> DayCheck:
    return DayCheck(table.key, "titled", "Every album has a title.", {"shelf": table.key}, untitled, severity)


def run(table: DailyTable, first: int, last: int, severity: Severity = "ERROR") -> dict[str, dg.AssetCheckEvaluation]:
    """Make the days and evaluate the checks, as one run."""
    tags = {"dagster/asset_partition_range_start": day(first), "dagster/asset_partition_range_end": day(last)}
    ran = dg.materialize(
        [daily_asset(table), *day_checks([table], [check_of(table, severity)])],
        tags=tags,
        resources={"lake": LakeResource()},
        raise_on_error=False,
    )
    return {evaluation.check_name: evaluation for evaluation in ran.get_asset_check_evaluations()}


def bad_days(evaluation: dg.AssetCheckEvaluation) -> str:
    return str(evaluation.metadata["bad_days"].value)


def test_a_check_says_which_days_are_bad_and_shows_the_rows(shelf: DailyTable) -> None:
    write(the_lake(), day(0), [album("a")], full=True)
    write(the_lake(), day(1), [album("b", title=None)])
    write(the_lake(), day(3), [album("b", title="found")])
    titled = run(shelf, 0, 3)["titled"]
    assert not titled.passed
    assert bad_days(titled) == f"{day(1)}, {day(2)}"
    assert titled.metadata["bad_rows"].value == 2
    rows = titled.metadata["rows"]
    assert isinstance(rows, dg.TableMetadataValue)
    assert [record.data for record in rows.records] == [
        {"day": day(1), "id": "b"},
        {"day": day(2), "id": "b"},
    ]


def test_a_later_good_day_covers_nothing_until_the_bad_one_is_made_again_or_old(shelf: DailyTable) -> None:
    write(the_lake(), day(0), [album("a", title=None)], full=True)
    write(the_lake(), day(1), [album("a", title="x")])
    assert bad_days(run(shelf, 0, 0)["titled"]) == day(0)
    assert bad_days(run(shelf, 1, 1)["titled"]) == day(0)
    last = RECENT_DAYS - 1
    assert bad_days(run(shelf, 2, last)["titled"]) == day(0)
    assert run(shelf, last + 1, last + 1)["titled"].passed


def test_a_bad_day_made_again_turns_it_green(shelf: DailyTable) -> None:
    write(the_lake(), day(0), [album("a", title=None)], full=True)
    run(shelf, 0, 1)
    write(the_lake(), day(0), [album("a", title="x")], full=True)
    assert bad_days(run(shelf, 0, 0)["titled"]) == day(1)
    assert run(shelf, 1, 1)["titled"].passed


def test_an_old_day_is_checked_by_the_run_that_makes_it(shelf: DailyTable) -> None:
    write(the_lake(), day(0), [album("a", title=None)], full=True)
    write(the_lake(), day(1), [album("a", title="x")])
    run(shelf, 1, RECENT_DAYS + 5)
    assert bad_days(run(shelf, 0, 0)["titled"]) == day(0)


def days_read(evaluations: dict[str, dg.AssetCheckEvaluation]) -> list[Any]:
    return [evaluations[name].metadata["days_read"].value for name in ("contract", "titled")]


def test_only_new_files_are_read_and_a_bad_day_stays_red(shelf: DailyTable) -> None:
    write(the_lake(), day(0), [album("a", title=None)], full=True)
    write(the_lake(), day(1), [album("a", title="x")])
    assert days_read(run(shelf, 0, 4)) == [5, 5]
    again = run(shelf, 5, 5)
    assert days_read(again) == [1, 1]
    assert bad_days(again["titled"]) == day(0)
    assert again["titled"].metadata["days_checked"].value == 6
    rows = again["titled"].metadata["rows"]
    assert isinstance(rows, dg.TableMetadataValue)
    assert [record.data for record in rows.records] == [{"day": day(0), "id": "a"}]


def test_a_day_made_again_is_read_again(shelf: DailyTable) -> None:
    write(the_lake(), day(0), [album("a", title=None)], full=True)
    run(shelf, 0, 3)
    write(the_lake(), day(0), [album("a", title="x")], full=True)
    repaired = run(shelf, 1, 2)
    assert days_read(repaired) == [2, 2]
    assert bad_days(repaired["titled"]) == f"{day(0)}, {day(3)}"


def test_another_rule_or_contract_reads_all_days_again(shelf: DailyTable, tmp_path: Path) -> None:
    lake = the_lake()
    write(lake, day(0), [album("a", title="x")], full=True)
    for number in range(3):
        shelf.write_day(lake, day(number))
    days, check = [day(number) for number in range(3)], check_of(shelf)
    assert [judge(lake, check, days, tmp_path).days_read for _ in range(2)] == [3, 0]
    assert [judge(lake, ContractCheck(shelf), days, tmp_path).days_read for _ in range(2)] == [3, 0]
    strict = Contract({**SHELF.columns, "title": Column("string", rule=lambda title: title != "x")}, key=("id",))
    with declared(shop__shelf=strict):
        judged = judge(lake, ContractCheck(shelf), days, tmp_path)
        assert judged.days_read == 3
        assert not any(verdict.passed for verdict in judged.verdicts.values())

    policy = {"most": 1}
    inputs = {**check.inputs, "policy": lambda: policy}
    valued = replace(check, inputs=inputs, rule=lambda shelf, policy: untitled(shelf).limit(policy["most"]))
    assert [judge(lake, valued, days, tmp_path).days_read for _ in range(2)] == [3, 0]
    policy["most"] = 2
    assert judge(lake, valued, days, tmp_path).days_read == 3


def test_another_input_s_new_file_has_the_day_read_again(shelf: DailyTable, tmp_path: Path) -> None:
    def missing(shelf: ibis.Table, albums: ibis.Table) -> ibis.Table:
        return albums.anti_join(shelf, "id").select("id")

    lake = the_lake()
    write(lake, day(0), [album("a")], full=True)
    shelf.write_day(lake, day(0))
    shelf.write_day(lake, day(1))
    inputs = {"shelf": shelf.key, "albums": "shop/albums"}
    check = DayCheck(shelf.key, "complete", "Every album is on the shelf.", inputs, missing)
    assert judge(lake, check, [day(0), day(1)], tmp_path).days_read == 2
    write(lake, day(1), [album("b")])
    judged = judge(lake, check, [day(0), day(1)], tmp_path)
    assert (judged.days_read, [verdict.count for verdict in judged.verdicts.values()]) == (1, [0, 1])


def test_what_could_not_be_read_or_kept_is_read_again(shelf: DailyTable, tmp_path: Path) -> None:
    lake, check = the_lake(), ContractCheck(shelf)
    write(lake, day(0), [album("a")], full=True)
    shelf.write_day(lake, day(0))
    file = lake.files(shelf.key)[0].path
    right = file.read_bytes()
    file.write_bytes(b"PAR1 damaged")
    assert [judge(lake, check, [day(0)], tmp_path).days_read for _ in range(2)] == [1, 1]
    file.write_bytes(right)
    assert judge(lake, check, [day(0)], tmp_path).verdicts[day(0)].passed
    [kept] = tmp_path.glob("*.json")
    kept.write_text("{")
    assert [judge(lake, check, [day(0)], tmp_path).days_read for _ in range(2)] == [1, 0]


def test_only_errors_block_what_is_made_of_the_table(shelf: DailyTable) -> None:
    severities: tuple[Severity, ...] = ("ERROR", "WARN")

    def blocking(severity: Severity) -> dict[str, bool]:
        checks = day_checks([shelf], [check_of(shelf, severity)])
        return {spec.name: spec.blocking for check in checks for spec in check.check_specs}

    assert {severity: blocking(severity) for severity in severities} == {
        "ERROR": {"contract": True, "titled": True},
        "WARN": {"contract": True, "titled": False},
    }


def test_a_day_whose_file_was_damaged_breaks_the_contract_with_its_name(shelf: DailyTable) -> None:
    lake = the_lake()
    write(lake, day(0), [album("a")], full=True)
    assert run(shelf, 0, 1)["contract"].passed
    damaged = lake.files("shop/shelf")[0]
    damaged.path.write_bytes(b"PAR1 damaged")
    contract = run(shelf, 2, 2)["contract"]
    assert not contract.passed
    assert bad_days(contract) == day(0)
    assert f"gtm run shop/shelf --partition {day(0)}" in str(contract.metadata["reasons"].value)


def test_rows_that_break_the_contract_are_found_however_they_got_there(shelf: DailyTable) -> None:
    lake = the_lake()
    write(lake, day(0), [album("a"), album("b")], full=True)
    shelf.write_day(lake, day(0))
    assert ContractCheck(shelf).verdict(lake, day(0)).passed
    strict = Contract({**SHELF.columns, "title": Column("string", rule=lambda title: title != "x")}, key=("id",))
    with declared(shop__shelf=strict):
        assert ContractCheck(shelf).verdict(lake, day(0)).reason.endswith("of 2 rows, 2: title breaks its rule")


def test_a_table_without_days_has_none_to_check(shelf: DailyTable) -> None:
    assert days_to_check(Lake(the_lake().root), ContractCheck(shelf), [day(0)]) == []
