"""A daily table of the platform is one file: its room discovers it, and everything that runs tables runs it."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gtm_platform.definitions import DAILY_ROOMS, DAILY_TABLES
from gtm_platform_tests.e2e.home import REPOSITORY

LARGE_PARTNERS = '''
"""`market/large_partners`: partners with many customers."""

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.market import partners

CONTRACT = Contract(
    {"partner_id": Column("string", "The partner.", nullable=False)}, key=("partner_id",), about="Large partners."
)


def table(partners):
    return partners.select("partner_id").distinct()


TABLE = DailyTable("market/large_partners", CONTRACT, {"partners": partners.TABLE.key}, table)
'''

LOAD = """
import json, sys
from gtm_platform import market
market.__path__.append(sys.argv[1])

import dagster as dg
from gtm_platform.definitions import DAILY_TABLES, defs

key = dg.AssetKey(["market", "large_partners"])
node = defs.resolve_asset_graph().get(key)
print(json.dumps({
    "order": [table.key for table in DAILY_TABLES if table.key.startswith("market/")],
    "group": node.group_name,
    "reads": [parent.to_user_string() for parent in node.parent_keys],
    "checks": sorted(check.name for check in node.check_keys),
    "with_the_daily_tables": key in defs.resolve_job_def("daily_tables").asset_layer.executable_asset_keys,
}))
"""


def test_a_table_is_one_file(tmp_path: Path) -> None:
    """In a process of its own, as a room is looked through when it is imported."""
    (tmp_path / "large_partners.py").write_text(LARGE_PARTNERS)
    command = [sys.executable, "-W", "ignore", "-c", LOAD, str(tmp_path)]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    loaded = json.loads(ran.stdout)
    assert loaded["order"].index("market/large_partners") > loaded["order"].index("market/partners")
    assert (loaded["group"], loaded["reads"]) == ("market", ["market/partners"])
    assert loaded["checks"], "its contract is checked"
    assert loaded["with_the_daily_tables"]


def test_no_table_is_declared_that_its_room_does_not_discover() -> None:
    folders = [Path(room.__file__ or "").parent for room in DAILY_ROOMS]
    declared = [path for folder in folders for path in folder.glob("*.py") if "= DailyTable(" in path.read_text()]
    assert len(declared) == len({table.key for table in DAILY_TABLES}) == len(DAILY_TABLES)


@pytest.mark.parametrize("room", DAILY_ROOMS, ids=lambda room: str(room.__name__.split(".")[1]))
def test_each_comes_after_those_that_it_reads(room: ModuleType) -> None:
    order = [table.key for table in room.TABLES]
    for table in room.TABLES:
        assert all(order.index(read) < order.index(table.key) for read in table.tables if read in order)
