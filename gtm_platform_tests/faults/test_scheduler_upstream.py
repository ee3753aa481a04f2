"""What failed upstream: nothing is made from a table that is missing, nothing is sent from one that a check refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import ibis
import pytest

from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.lake.contracts import declare
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.orchestration.graph_policy import DAYS as DAILY
from gtm_platform_tests.delivery.test_assets import DAYS, DELIVERIES, MENTION, World, values_in_hubspot, world
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, daily, write

__all__ = ["world"]  # fixtures

CUSTOMERS = dg.AssetKey(["core", "unified_customers"])


@dg.asset_check(asset=CUSTOMERS, name="one_row_for_every_person", blocking=True)
def row_each() -> dg.AssetCheckResult:
    raise AssertionError("it is not evaluated here")


def evaluated(world: World, passed: bool, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR) -> None:
    result = dg.AssetCheckEvaluation(
        asset_key=CUSTOMERS, check_name="one_row_for_every_person", passed=passed, severity=severity, metadata={}
    )
    world.instance.report_runless_asset_event(result)


def delivered(world: World, *deliveries: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    """Run the deliveries in a graph whose customers are guarded by the check."""
    customers = dg.AssetSpec(CUSTOMERS, partitions_def=DAILY)
    return dg.materialize(
        [*deliveries, customers, row_each],
        selection=list(deliveries),
        instance=world.instance,
        resources={"lake": LakeResource()},
        raise_on_error=False,
    )


def reason(result: dg.ExecuteInProcessResult) -> str:
    [failed] = [event for event in result.all_events if event.is_step_failure]
    return str(failed.step_failure_data.error)


@pytest.mark.faults("T9")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_nothing_is_sent_after_a_check_that_failed(world: World, delivery: dg.AssetsDefinition) -> None:
    world.land_day(DAYS[0], score=55, cancel_mentioned_at=MENTION)
    evaluated(world, passed=False)
    result = delivered(world, delivery)
    assert not result.success
    assert "the check one_row_for_every_person of core/unified_customers failed" in reason(result)
    assert world.hubspot_api.calls == world.slack_api.calls == []


@pytest.mark.faults("T9")
def test_nothing_is_sent_before_the_check_was_evaluated(world: World) -> None:
    world.land_day(DAYS[0], score=55)
    result = delivered(world, hubspot_contacts)
    assert "one_row_for_every_person of core/unified_customers was never evaluated" in reason(result)
    assert world.hubspot_api.calls == []


@pytest.mark.faults("T9")
def test_once_the_check_passes_it_is_sent(world: World) -> None:
    world.land_day(DAYS[0], score=55, cancel_mentioned_at=MENTION)
    evaluated(world, passed=False)
    evaluated(world, passed=True)
    assert delivered(world, *DELIVERIES).success
    assert values_in_hubspot(world, "gtm_health_score") == {"55"}


@dataclass
class Shop:
    """A daily table that can break, and one that is made from it."""

    instance: dg.DagsterInstance
    broken: bool = False

    def sales(self) -> dg.AssetsDefinition:
        def rule(albums: ibis.Table) -> ibis.Table:
            if self.broken:
                raise RuntimeError("no sales today")
            return albums.select("id", sold=albums.count().cast("int64"))

        return daily("shop/sales", SALES, albums="shop/albums")(rule)

    def sums(self) -> dg.AssetsDefinition:
        def rule(albums: ibis.Table, sales: ibis.Table) -> ibis.Table:
            return albums.left_join(sales, "id").select("id", "sold")

        return daily("shop/sums", SALES, albums="shop/albums", sales="shop/sales")(rule)

    def make(self, day: str, *assets: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
        given = {"lake": LakeResource()}
        return dg.materialize(
            list(assets), partition_key=day, instance=self.instance, resources=given, raise_on_error=False
        )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    declare("shop/albums", ALBUMS)
    write(the_lake(), DAYS[0], [album("one")], full=True)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield Shop(instance)


@pytest.mark.faults("T9")
def test_nothing_is_made_from_a_table_whose_day_failed(shop: Shop) -> None:
    sales, sums = shop.sales(), shop.sums()
    assert shop.make(DAYS[0], sales, sums).success
    shop.broken = True
    assert not shop.make(DAYS[1], sales, sums).success
    alone = shop.make(DAYS[1], sums)  # as when another table that it needs lands later
    [failed] = [event for event in alone.all_events if event.is_step_failure]
    assert "shop/sums is not made for 2026-02-03: shop/sales of that day is missing" in str(
        failed.step_failure_data.error
    )
    assert "gtm run shop/sales --partition 2026-02-03" in str(failed.step_failure_data.error)
    assert the_lake().partitions("shop/sums") == [DAYS[0]]
    shop.broken = False
    assert shop.make(DAYS[1], sales, sums).success
    assert the_lake().partitions("shop/sums") == DAYS[:2]


@pytest.mark.faults("T9")
def test_a_table_that_never_was_is_no_failure(shop: Shop) -> None:
    """As of a source that is off."""
    shop.sales()
    assert shop.make(DAYS[0], shop.sums()).success
    assert the_lake().partition("shop/sums", DAYS[0]).to_pyarrow().to_pylist() == [{"id": "one", "sold": None}]
