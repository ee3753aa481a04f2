"""ChartMogul's emulator, read by ChartMogul's own client, against what is true of billing and of its mirror."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import chartmogul
import httpx
import pytest

from gtm_platform.sandbox.chartmogul import TOKEN, Limits, app
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.world import World
from gtm_platform_tests.sandbox.conftest import DAY, START, serving


@pytest.fixture(scope="module")
def config(box: Sandbox) -> chartmogul.Config:
    made = chartmogul.Config(box.env["CHARTMOGUL_API_KEY"])
    made.uri = box.env["CHARTMOGUL_BASE_URL"]
    return made


@pytest.fixture(scope="module")
def plain(box: Sandbox) -> Iterator[httpx.Client]:
    auth = (box.env["CHARTMOGUL_API_KEY"], "")
    with httpx.Client(base_url=box.env["CHARTMOGUL_BASE_URL"], auth=auth, trust_env=False) as client:
        yield client


def every(resource: Any, config: chartmogul.Config, root: str = "entries", **params: Any) -> list[Any]:
    """All pages of a list."""
    rows: list[Any] = []
    while True:
        page = resource(config, **params).get()
        rows += getattr(page, root)
        if not page.has_more:
            return rows
        params["cursor"] = page.cursor


def major(amount: int, currency: str) -> Decimal:
    return Decimal(amount) if currency.lower() == "jpy" else Decimal(amount) / 100


@pytest.fixture(scope="module")
def customers(config: chartmogul.Config) -> dict[str, Any]:
    return {each.uuid: each for each in every(chartmogul.Customer.all, config, per_page=37)}


def test_customers_mirror_billing_but_for_the_planted_differences(
    customers: dict[str, Any], true_people: list[dict[str, Any]]
) -> None:
    assert set(customers) == {uuid for person in true_people for uuid in person["chartmogul"]}
    same, sources = 0, Counter[str]()
    for person in true_people:
        mine = [customers[uuid] for uuid in person["chartmogul"]]
        shown = sum(major(each.mrr, each.currency) for each in mine)
        if person["mrr_source"] == "chartmogul":
            assert shown == Decimal(person["mrr"])
            assert {each.status for each in mine} <= {"Active", "Cancelled"}
        elif person["mrr_source"] in ("stripe", "orb"):
            expected = person["chartmogul_mrr"]
            assert shown == Decimal(expected or 0)
            assert (expected is None) == (not mine)
            if person["chartmogul_difference"] is None and mine:
                assert shown == Decimal(person["mrr"])
                same += bool(shown)
        sources[person["mrr_source"]] += bool(shown)
    assert same > 40
    assert all(sources[source] for source in ("stripe", "orb", "chartmogul"))


def test_a_customer_may_be_one_at_stripe_and_at_orb(customers: dict[str, Any], box: Sandbox) -> None:
    ids = [id_ for each in customers.values() for id_ in each.external_ids]
    assert {id_ for id_ in ids if id_.startswith("orbcus_")} <= set(box.world.orb.customers)
    world = World(7, 900, START)
    both = [each for each in world.chartmogul.customers.values() if len(each.accounts) > 1]
    assert both
    assert all([account.external_id[:3] for account in each.accounts] == ["cus", "orb"] for each in both)


def test_movements_add_up_to_what_customers_are_worth(config: chartmogul.Config, customers: dict[str, Any]) -> None:
    rows = every(chartmogul.Activity.all, config, per_page=41)
    assert len({row.uuid for row in rows}) == len(rows) > 100
    dates = [row.date for row in rows]
    assert dates == sorted(dates)
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.customer_uuid] += row.activity_mrr_movement
        assert sums[row.customer_uuid] == row.activity_mrr
        assert (row.activity_mrr_movement < 0) == (row.type in ("contraction", "churn"))
    assert {row.type for row in rows} == {"new_biz", "expansion", "contraction", "churn", "reactivation"}
    late = [uuid for uuid, each in customers.items() if each.mrr != sums[uuid]]
    assert len(late) <= 1
    churns = every(chartmogul.Activity.all, config, type="churn", start_date="2026-03-01", order="-date")
    assert [row.uuid for row in churns] == [row.uuid for row in rows if row.type == "churn" and row.date >= START][::-1]


def test_one_customer_with_subscriptions_and_movements(config: chartmogul.Config, customers: dict[str, Any]) -> None:
    paying = next(each for each in customers.values() if each.mrr)
    fetched = chartmogul.Customer.retrieve(config, uuid=paying.uuid).get()
    assert (fetched.mrr, fetched.arr, fetched.status) == (paying.mrr, 12 * paying.mrr, paying.status)
    subscriptions = chartmogul.Customer.subscriptions(config, uuid=paying.uuid).get().entries
    assert sum(each.mrr for each in subscriptions) == paying.mrr
    movements = chartmogul.CustomerActivity.all(config, uuid=paying.uuid).get().entries
    assert movements[-1].activity_mrr == paying.mrr
    search = chartmogul.Customer.search(config, email=paying.email).get().entries
    assert paying.uuid in [each.uuid for each in search]
    active = every(chartmogul.Customer.all, config, status="Active")
    assert {each.uuid for each in active} == {uuid for uuid, each in customers.items() if each.status == "Active"}
    past_due = every(chartmogul.Customer.all, config, status="Past_Due")
    assert len(past_due) == sum(each.status == "Past Due" for each in customers.values())


def test_metrics_are_a_running_sum(config: chartmogul.Config) -> None:
    months = chartmogul.Metrics.mrr(config, start_date="2025-06-01", end_date="2026-12-31", interval="month").get()
    assert [each.date for each in months.entries[-2:]] == [START.date() - timedelta(days=1), DAY + timedelta(days=1)]
    for before, after in zip(months.entries, months.entries[1:], strict=False):
        moved = (after.mrr_new_business, after.mrr_expansion, after.mrr_contraction, after.mrr_churn)
        assert after.mrr == before.mrr + sum(moved) + after.mrr_reactivation
        assert after.mrr_churn <= 0
        assert after.mrr_contraction <= 0
    assert months.summary.current == months.entries[-1].mrr > 0
    days = chartmogul.Metrics.mrr(config, start_date="2026-03-01", end_date="2026-03-15", interval="day").get()
    assert len(days.entries) == 15
    everything = chartmogul.Metrics.all(config, start_date="2026-01-01", end_date="2026-03-15").get().entries
    assert everything[-1].mrr == days.entries[-1].mrr
    assert everything[-1].arr == 12 * everything[-1].mrr
    counts = chartmogul.Metrics.customer_count(config, start_date="2026-01-01", end_date="2026-03-15").get().entries
    assert counts[-1].customers == everything[-1].customers > 50
    for name in ("arr", "arpa", "asp", "ltv", "customer_churn_rate", "mrr_churn_rate"):
        assert getattr(chartmogul.Metrics, name)(config, start_date="2026-01-01", end_date="2026-03-15").get().entries


def test_the_account_its_sources_and_plans(config: chartmogul.Config, plain: httpx.Client) -> None:
    assert chartmogul.Ping.ping(config).get().data == "pong!"
    assert chartmogul.Account.retrieve(config).get().churn_recognition == "churn_at_time_of_cancellation"
    sources = chartmogul.DataSource.all(config).get().data_sources
    assert [each.name for each in sources] == ["Stripe", "Orb", "By hand"]
    plans = every(chartmogul.Plan.all, config, "plans", per_page=20, data_source_uuid=sources[1].uuid)
    assert {each.external_id for each in plans} >= {"plan_growth_usd", "plan_sprint_jpy"}
    assert set(plain.get("/metrics/mrr?start-date=2026-03-01&end-date=2026-03-02").json()) == {"entries", "summary"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/customers/nobody", 404),
        ("/customers?per_page=201", 400),
        ("/customers?page=2", 400),
        ("/customers?cursor=!", 400),
        ("/customers/search", 400),
        ("/activities?type=mood", 422),
        ("/metrics/mrr", 400),
        ("/metrics/mrr?start-date=soon&end-date=2026-01-01", 400),
        ("/metrics/mrr?start-date=2026-01-01&end-date=2026-02-01&interval=hour", 400),
        ("/nothing", 404),
    ],
)
def test_what_is_asked_wrongly_is_refused(plain: httpx.Client, path: str, status: int) -> None:
    assert plain.get(path).status_code == status


def test_who_may_call_and_how_often(config: chartmogul.Config) -> None:
    other = chartmogul.Config("other")
    other.uri = config.uri
    with pytest.raises(chartmogul.APIError, match="No valid API key provided"):
        chartmogul.Ping.ping(other).get()
    world = World(5, 5, START)
    with serving(app(world.chartmogul, world.clock, Limits(Limit(1, 60))), {}) as client:
        answers = [client.get("/v1/ping", auth=(TOKEN, "")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json() == {"message": "Your request rate has exceeded our rate limit."}
