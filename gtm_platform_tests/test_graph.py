"""The graph as text: a change of it shows as a change of `graph.txt`, to be read and agreed to.

`GTM_ACCEPT=1 python -m pytest gtm_platform_tests/test_graph.py` writes it anew.
"""

import ast
import gc
import os
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import pytest

import gtm_platform
from gtm_platform import definitions
from gtm_platform.definitions import defs
from gtm_platform.lake.contracts import TABLES, Contract
from gtm_platform.lake.dagster.daily_assets import dependencies

SNAPSHOT = Path(__file__).parent / "graph.txt"
ROOM = Path(gtm_platform.__file__).parent
FLOORS = [
    {"settings", "keyring", "sealed_files", "policy", "orchestration", "lake", "state", "http"},
    {"ingest"},
    {"sources", "sync_rules"},
    {"identity"},
    {"core", "market"},
    {"cohorts", "health", "quality"},
    {"unified"},
    {"intelligence"},
    {"delivery", "enrichment", "serving", "privacy", "publish"},
    {"reports", "dashboard"},
    {"extensions"},
    {"automation", "backups"},
    {"definitions"},
    {"cli", "demo"},
]


def lines() -> Iterator[str]:
    graph = defs.resolve_asset_graph()
    for key in sorted(graph.materializable_asset_keys, key=lambda key: key.to_user_string()):
        node, spec = graph.get(key), graph.get(key).to_asset_spec()
        yield f"asset {key.to_user_string()}"
        yield f"  group {spec.group_name}; owners {', '.join(spec.owners)}; pools {sorted(node.pools or [])}"
        yield f"  partitions {node.partitions_def}; {'one run for a range' if node.backfill_policy else 'a run each'}"
        yield f"  fresh {_fresh(spec)}; condition {'as data lands' if spec.automation_condition else 'none'}"
        for parent in sorted(node.parent_keys, key=lambda parent: parent.to_user_string()):
            yield f"  needs {parent.to_user_string()}"
        for check in sorted(node.check_keys, key=lambda check: check.name):
            yield f"  checked by {check.name}"
    repository = defs.get_repository_def()
    for job in sorted(name for name in repository.job_names if not name.startswith("__")):
        yield f"job {job}"
    for schedule in sorted(repository.schedule_defs, key=lambda schedule: schedule.name):
        ticks = f"{schedule.cron_schedule} {schedule.execution_timezone}"
        yield f"schedule {schedule.name}: {ticks}, {schedule.default_status.value}"
    for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name):
        yield f"sensor {sensor.name}: every {sensor.minimum_interval_seconds} s, {sensor.default_status.value}"


def _fresh(spec: dg.AssetSpec) -> str:
    policy = spec.freshness_policy
    return f"within {policy.fail_window.to_timedelta()}" if policy else "never asked"  # type: ignore[union-attr]


def test_the_graph_is_the_one_agreed_on() -> None:
    found = "\n".join(lines()) + "\n"
    if os.environ.get("GTM_ACCEPT"):
        SNAPSHOT.write_text(found)
    assert found.splitlines() == SNAPSHOT.read_text().splitlines()


# What is made when a person asks for it is never late; each with its reason.
NEVER_LATE = {
    "clay/companies": "Every answer costs credits: `gtm enrich` or a run by hand asks, no schedule does.",
    "zoominfo/companies": "Every answer costs credits: `gtm enrich` or a run by hand asks, no schedule does.",
}


def test_every_asset_says_when_it_is_late() -> None:
    graph = defs.resolve_asset_graph()
    silent = {key for key in graph.materializable_asset_keys if not graph.get(key).freshness_policy}
    assert {key.to_user_string() for key in silent} == set(NEVER_LATE)


def test_what_is_never_late_is_made_by_no_schedule_or_sensor() -> None:
    repository, graph = defs.get_repository_def(), defs.resolve_asset_graph()
    launched = {each.job_name for each in repository.schedule_defs} | {
        target.job_name for sensor in repository.sensor_defs for target in sensor.targets
    }
    made = {
        key.to_user_string()
        for name in launched - {None}
        for key in repository.get_job(str(name)).asset_layer.selected_asset_keys
    }
    conditions = {
        key.to_user_string() for key in graph.materializable_asset_keys if graph.get(key).automation_condition
    }
    assert made, "schedules launch jobs"
    assert not set(NEVER_LATE) & (made | conditions)


def test_no_dependency_is_misspelt() -> None:
    """A dependency on what nobody makes would silently be an asset of the world outside."""
    assert defs.resolve_asset_graph().external_asset_keys == set()


def test_no_edge_runs_backwards_between_groups() -> None:
    """The graph reads from the left to the right, also with its groups collapsed."""
    graph = defs.resolve_asset_graph()
    below: dict[str, set[str]] = {}
    for key in graph.materializable_asset_keys:
        group = graph.get(key).group_name
        below.setdefault(group, set()).update(graph.get(parent).group_name for parent in graph.get(key).parent_keys)
        below[group].discard(group)
    order = list(TopologicalSorter(below).static_order())  # raises where groups read each other in a circle
    assert order.index("identity") < order.index("core") < order.index("unified") < order.index("delivery")


# Which tables of quality read tables of sources, and why. The others ask when these were synced.
READS_SOURCES = {"quality/daily_metrics": "it counts what is in them; only anomalies are made of its figures"}


def test_quality_reads_when_sources_were_synced_and_not_their_tables() -> None:
    graph = defs.resolve_asset_graph()
    synced = {name for name, contract in TABLES.items() if contract.cadence}
    readers = {
        key.to_user_string()
        for key in graph.materializable_asset_keys
        if key.path[0] == "quality" and synced & {parent.to_user_string() for parent in graph.get(key).parent_keys}
    }
    assert readers == set(READS_SOURCES)
    assert {graph.get(dg.AssetKey(name.split("/"))).group_name for name in readers} == {"monitoring"}, "read by none"


@pytest.mark.parametrize("table", ["identity/links", "health/customer_health"])
def test_a_table_that_reads_its_own_past_says_so(table: str) -> None:
    assert defs.resolve_asset_graph().get(dg.AssetKey(table.split("/"))).has_self_dependency


def test_a_backfill_of_some_days_of_any_tables_goes_on_into_no_other_day() -> None:
    edges = [(table.key, edge) for table in definitions.DAILY_TABLES for edge in dependencies(table)]
    days = {table.key for table in definitions.DAILY_TABLES}
    others = {(key, edge.asset_key.to_user_string()): edge.partition_mapping for key, edge in edges}
    wider = {pair for pair, mapping in others.items() if pair[1] in days and pair[0] != pair[1] and mapping}
    assert wider == set()


def test_garbage_is_collected_again_once_the_definitions_are_loaded() -> None:
    assert defs
    assert gc.isenabled()


def test_it_loads() -> None:
    """As a code location does, which takes a module with one `Definitions` only."""
    assert [name for name, value in vars(definitions).items() if isinstance(value, dg.Definitions)] == ["defs"]
    dg.Definitions.validate_loadable(defs)


def contracts() -> dict[str, Contract]:
    """Of the platform's own tables; tests declare others."""
    rooms = {key.path[0] for key in defs.resolve_asset_graph().materializable_asset_keys}
    return {name: one for name, one in TABLES.items() if (one.made_with or name).split("/")[0] in rooms}


NO_TABLES = ("delivery/", "privacy/", "reports/", "serving/")  # rooms with assets that are none


def test_every_daily_table_and_stream_has_a_contract() -> None:
    made = {key.to_user_string() for key in defs.resolve_asset_graph().materializable_asset_keys}
    no_tables = {key for key in made if key.startswith(NO_TABLES)} - TABLES.keys()
    assert made - no_tables == {name for name, one in contracts().items() if not one.made_with}


def test_every_column_says_what_it_is() -> None:
    silent = [
        f"{table}.{name}"
        for table, contract in contracts().items()
        for name, column in contract.columns.items()
        if not column.about
    ]
    assert silent == []


def imports() -> Iterator[tuple[str, str, str]]:
    """(module, its room, the room it imports from) for every import within the platform."""
    for path in sorted(ROOM.rglob("*.py")):
        module = path.relative_to(ROOM).with_suffix("")
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                inside = node.module == "gtm_platform"
                names = [f"{node.module}.{alias.name}" for alias in node.names] if inside else [node.module]
            for name in names:
                if name.startswith("gtm_platform."):
                    yield str(module), module.parts[0], name.split(".")[1]


def test_imports_run_down_the_floors_only() -> None:
    height = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    wrong = [
        f"{module} imports {target}"
        for module, room, target in imports()
        if room in height and target in height and height[target] > height[room]
    ]
    assert wrong == []


def test_pages_read_the_snapshot_and_nothing_of_the_lake() -> None:
    """Besides the store they take words and names of what is shown, from rooms that declare it."""
    crossing = [
        f"{module} imports {target}"
        for module, room, target in imports()
        if room == "dashboard"
        and target not in {"dashboard", "serving", "settings", "keyring", "health", "unified", "delivery"}
    ]
    assert crossing == []


@pytest.mark.parametrize("room", sorted(FLOORS[0]))
def test_the_ground_floor_knows_no_gtm(room: str) -> None:
    assert {target for _, at, target in imports() if at == room} <= FLOORS[0]


def test_the_sandbox_and_the_platform_share_nothing() -> None:
    crossing = [
        f"{module} imports {target}"
        for module, room, target in imports()
        if (room == "sandbox") != (target == "sandbox") and room not in ("cli", "demo")
    ]
    assert crossing == []
