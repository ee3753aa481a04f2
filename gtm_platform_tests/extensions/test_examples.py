"""The examples of docs/examples do what docs/adding-a-table.md says of them."""

import importlib.util
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from gtm_platform.automation.definitions import automated
from gtm_platform.core.customer_status import CURRENT
from gtm_platform.definitions import platform
from gtm_platform.extensions.merging import merge
from gtm_platform.lake.catalogue import path_of, reading
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_TAG
from gtm_platform.settings import settings
from gtm_platform_tests.tables import filled, rows_of

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
DAYS = ("2026-02-10", "2026-02-11")
MARTS = {f"marts/{name}" for name in ("countries", "plans", "domains", "company_sizes")}
CUSTOMERS = {
    DAYS[0]: [("c1", "US", "pro", 49, "acme.example"), ("c2", None, "pro", 51, "acme.example")],
    DAYS[1]: [
        *[("c1", "US", "pro", 49, "acme.example"), ("c2", None, "pro", 51, "acme.example")],
        ("c3", "US", "free", 0, "tiny.example"),
    ],
}


@pytest.fixture
def lake() -> Lake:
    """Two days of customers and of HubSpot's contacts."""
    lake = the_lake()
    for number, day in enumerate(DAYS):
        names = ("customer_id", "country", "plan_name", "mrr", "company_domain")
        customer = {"is_customer": True, "customer_status": CURRENT[0]}
        rows = [dict(zip(names, row, strict=True)) | customer for row in CUSTOMERS[day]]
        moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
        lake.write("core/unified_customers", day, engine().to_pyarrow(filled("core/unified_customers", *rows)))
        revenue = filled("core/revenue", {"customer_id": "c1", "mrr": 49, "currency": "usd"})
        lake.write("core/revenue", day, engine().to_pyarrow(revenue))
        contact = {"id": f"h{number}", "email": f"{number}@acme.example", "_window": moment, "_extracted_at": moment}
        rows_read = engine().to_pyarrow(filled("hubspot/contacts", contact)).to_reader()
        lake.write("hubspot/contacts", f"{day}T0000", rows_read, full=number == 0)
    return lake


@pytest.fixture
def defs(monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    monkeypatch.setenv("GTM_EXTENSIONS", str(EXAMPLES / "extensions"))
    settings.cache_clear()
    merged, broken = merge(platform(), automated)
    assert broken == []
    return merged


def make(
    definitions: dg.Definitions, key: str, first: str, last: str | None = None, raise_on_error: bool = True
) -> dg.ExecuteInProcessResult:
    """Materialise an asset with its checks, as a run of Dagster would."""
    span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
    return dg.materialize(
        [*(definitions.assets or []), *(definitions.asset_checks or [])],
        resources=dict(definitions.resources or {}),
        tags=span if last else {"dagster/partition": first},
        selection=dg.AssetSelection.assets(key.split("/")),
        raise_on_error=raise_on_error,
    )


def rows(lake: Lake, table: str, day: str) -> list[dict[str, Any]]:
    return sorted(rows_of(lake.partition(table, day)), key=str)


def test_they_load_with_true_lineage(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    assets = defs.resolve_asset_graph()
    assert assets.external_asset_keys == set()
    parents = {
        table: {key.to_user_string() for key in assets.get(dg.AssetKey(table.split("/"))).parent_keys}
        for table in MARTS
    }
    assert parents == {
        "marts/countries": {"core/unified_customers", "marts/countries"},
        "marts/plans": {"core/unified_customers"},
        "marts/domains": {"core/unified_customers", "hubspot/contacts"},
        "marts/company_sizes": {"core/unified_customers"},
    }


def test_those_with_the_tag_are_made_every_day(defs: dg.Definitions) -> None:
    made = dg.AssetSelection.tag(DAILY_TAG, "").resolve(defs.resolve_asset_graph())
    assert {key.to_user_string() for key in made} & MARTS == MARTS - {"marts/company_sizes"}
    assert defs.resolve_schedule_def("every_morning").job_name == "company_sizes"


def test_sql_with_its_check(defs: dg.Definitions, lake: Lake) -> None:
    ran = make(defs, "marts/countries", *DAYS)
    assert rows(lake, "marts/countries", DAYS[0]) == [
        {"country": "?", "customers": 1, "mrr": Decimal(51), "change": None},
        {"country": "US", "customers": 1, "mrr": Decimal(49), "change": None},
    ]
    assert [row["change"] for row in rows(lake, "marts/countries", DAYS[1])] == [0, 1]
    checks = {check.check_name: check.passed for check in ran.get_asset_check_evaluations()}
    assert checks == {"nobody_is_lost": True, "contract": True}


def test_a_daily_table_in_pandas(defs: dg.Definitions, lake: Lake) -> None:
    assert make(defs, "marts/plans", *DAYS).success
    [plan] = rows(lake, "marts/plans", DAYS[1])
    assert plan == {"plan_name": "pro", "mrr": Decimal(100), "largest": Decimal(100), "share": 1.0}


def test_a_plain_asset_in_sql_sees_each_day_as_it_was(defs: dg.Definitions, lake: Lake) -> None:
    assert make(defs, "marts/domains", *DAYS).success
    days = [rows(lake, "marts/domains", day) for day in DAYS]
    assert days == [[{"domain": "acme.example", "contacts": contacts, "customers": 2}] for contacts in (1, 2)]


def test_a_plain_asset_in_pandas(defs: dg.Definitions, lake: Lake) -> None:
    ran = make(defs, "marts/company_sizes", DAYS[1])
    assert rows(lake, "marts/company_sizes", DAYS[1]) == [{"people": 1, "companies": 1}, {"people": 2, "companies": 1}]
    [made] = ran.get_asset_materialization_events()
    assert made.materialization.metadata["dagster/row_count"].value == 2
    with the_views() as views:
        assert views.execute("select count(*) from latest.company_sizes").fetchone() == (2,)


def test_a_past_day_that_was_not_made_is_a_sentence(defs: dg.Definitions) -> None:
    ran = make(defs, "marts/company_sizes", DAYS[1], raise_on_error=False)
    assert "gtm run core/unified_customers --partition 2026-02-11" in str(ran.all_events)


def test_a_second_code_location(lake: Lake) -> None:
    workspace = yaml.safe_load((EXAMPLES / "workspace.yaml").read_text())
    [file] = [entry["python_file"]["relative_path"] for entry in workspace["load_from"] if "python_file" in entry]
    spec = importlib.util.spec_from_file_location("second_location", EXAMPLES / file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dg.Definitions.validate_loadable(module.defs)
    assert make(module.defs, "finance/currencies", DAYS[0]).success
    assert rows(lake, "finance/currencies", DAYS[0]) == [{"currency": "usd", "mrr": Decimal(49)}]
    parents = module.defs.resolve_asset_graph().external_asset_keys
    assert parents <= platform().resolve_asset_graph().get_all_asset_keys()


def the_views() -> Any:
    return reading(path_of(the_lake()))
