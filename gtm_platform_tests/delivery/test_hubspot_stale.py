"""Values of a source that is past its freshness wait, and are counted as held."""

import dagster as dg
import pytest

from gtm_platform.delivery.hubspot.object_types.contacts import HEALTH
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.stale import stale_properties
from gtm_platform.lake.contracts import TABLES, Column, Contract
from gtm_platform.orchestration.source_columns import LINEAGE, SourceColumns
from gtm_platform.policy.hubspot import ValueFreshness
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.state import State
from gtm_platform_tests.delivery.hubspot_account import contacts, journal, plan_of, run, value_in
from gtm_platform_tests.delivery.world import Watched

LATE = {"stripe/charges": "stripe/charges has nothing after Monday, and is late since Tuesday."}
REASON = f"gtm_health_score waits for fresh data: {LATE['stripe/charges']}"


def test_stale_values_wait_while_the_rest_of_the_record_goes_on(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2, 3], gtm_mrr="5"), contacts(hubspot_api), state, run(1))
    hubspot_api.calls.clear()
    stale = DeliveryRules(stale={"gtm_health_score": REASON})
    desired = [
        *plan_of([1], score="60", gtm_mrr="6"),
        *plan_of([2], score="60", gtm_mrr="5"),
        *plan_of([3], gtm_mrr="5"),
    ]

    report = deliver(desired, contacts(hubspot_api), state, run(2), rules=stale)

    assert (report.written, report.held_back, report.unchanged, report.lost) == (1, 1, 1, 0)
    assert report.causes == {"stale": 2}
    assert [(value_in(portal, n), value_in(portal, n, "gtm_mrr")) for n in (1, 2)] == [("72", "6"), ("72", "5")]
    looked_at = {each["id"] for call in hubspot_api.calls_to("batch/read") for each in call.body["inputs"]}
    assert looked_at == {"1"}, "of what only waits nothing is asked"
    assert [row["reason"] for row in journal(state, status="held")] == [REASON] * 2

    assert deliver(desired, contacts(hubspot_api), state, run(3)).written == 2
    assert [value_in(portal, n) for n in (1, 2)] == ["60", "60"]


@pytest.mark.parametrize(
    ("waiting", "properties"),
    [
        (("health/customer_health",), {"gtm_health_score", "gtm_health_status", "gtm_churn_risk", "gtm_risk_signals"}),
        (("health/customer_health.churn_risk",), {"gtm_churn_risk"}),
        (("gtm_mrr", "contacts.gtm_health_score"), {"gtm_mrr", "gtm_health_score"}),
        (("contacts",), set(CONTACTS.names)),
        ((), set()),
    ],
)
def test_the_policy_says_which_wait(waiting: tuple[str, ...], properties: set[str]) -> None:
    rules = ValueFreshness(waiting=waiting)
    stale = stale_properties(CONTACTS, rules, LATE, lambda _table, _column: {("stripe/charges", "amount")})
    assert set(stale) == properties
    assert stale_properties(CONTACTS, rules, LATE, lambda _table, _column: {("intercom/contacts", "id")}) == {}
    assert stale_properties(CONTACTS, rules, {}, lambda _table, _column: set()) == {}


def test_a_value_needs_the_sources_of_its_own_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in ("stripe/charges", "intercom/contacts"):
        contract = Contract({"id": Column("string")}, ("id",), cadence=4)
        monkeypatch.setitem(TABLES, table, contract)
    middle, health = dg.AssetKey(["core", "revenue"]), dg.AssetKey(HEALTH.split("/"))

    @dg.asset(key=["core", "revenue"], deps=[["stripe", "charges"], ["intercom", "contacts"]])
    def revenue() -> None: ...

    @dg.asset(key=HEALTH.split("/"), deps=[middle])
    def scores() -> None: ...

    graph = dg.Definitions(assets=[revenue, scores]).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        whole = {("stripe/charges", ""), ("intercom/contacts", "")}
        assert SourceColumns(instance, graph).of(HEALTH, ["health_score"]) == whole, (
            "without lineage all upstream counts"
        )
        made_of = {
            health: {"health_score": [dg.TableColumnDep(middle, "paid")]},
            middle: {"paid": [dg.TableColumnDep(dg.AssetKey(["stripe", "charges"]), "amount")]},
        }
        for key, columns in made_of.items():
            lineage = dg.TableColumnLineage(columns)
            instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata={LINEAGE: lineage}))
        lineage = SourceColumns(instance, graph)
        assert lineage.of(HEALTH, ["health_score"]) == {("stripe/charges", "amount")}
        assert lineage.of(HEALTH, ["a_constant"]) == set()
