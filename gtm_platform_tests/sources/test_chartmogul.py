"""ChartMogul, read from the emulator into a lake: its MRR, its movements and metrics, and whom its feed names."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ibis
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from gtm_platform.http.errors import CursorLoop, NotFound
from gtm_platform.ingest.feeds import PersonFeed, read
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.settings import settings
from gtm_platform.sources.chartmogul import records, streams
from gtm_platform.sources.chartmogul.client import ChartMogul, check
from gtm_platform.sources.chartmogul.feeds import FEEDS
from gtm_platform.sources.chartmogul.source import SOURCE
from gtm_platform_tests.sources.billing_world import DAY, Row, billing_world, read_whole
from gtm_platform_tests.sources.conftest import Stand

Tables = dict[str, list[Row]]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with billing_world() as box:
        yield box


@pytest.fixture(scope="module")
def tables(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Tables:  # noqa: ARG001  it has to run
    return read_whole(SOURCE, tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def people(box: Sandbox) -> list[Row]:
    people: list[Row] = box.world.truth(DAY.date())["people"]
    return people


@pytest.fixture
def answers(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a ChartMogul of a test's own answers, by path; the months that it is asked for stand under "months"."""
    shown: dict[str, Any] = {"months": []}

    async def answer(request: Request) -> Any:
        if request.query_params.get("interval") == "month":
            shown["months"].append(request.query_params["start-date"])
        return shown[request.url.path]

    stand.emulator = Starlette(routes=[Route("/v1/{path:path}", answer)])
    monkeypatch.setenv("CHARTMOGUL_API_KEY", "key")
    monkeypatch.setenv("CHARTMOGUL_BASE_URL", f"{stand.url}/v1")
    settings.cache_clear()
    yield shown
    settings.cache_clear()


@pytest.fixture
def chartmogul(answers: dict[str, Any]) -> Iterator[ChartMogul]:  # noqa: ARG001  it sets the environment
    with SOURCE.open() as client:
        yield client


def major(amount: int, currency: str) -> Decimal:
    return Decimal(amount) if currency == "JPY" else Decimal(amount) / 100


def test_mrr_is_what_chartmogul_shows_of_each_person(tables: Tables, people: list[Row]) -> None:
    customers, compared = {each["id"]: each for each in tables["customers"]}, 0
    assert set(customers) == {id_ for person in people for id_ in person["chartmogul"]}
    for person in people:
        mine = [customers[id_] for id_ in person["chartmogul"]]
        if person["chartmogul_mrr"] is None or not mine:
            continue
        assert sum(major(each["mrr"], each["currency"]) for each in mine) == Decimal(person["chartmogul_mrr"])
        assert {each["currency"].lower() for each in mine} == {person["chartmogul_currency"]}
        compared += bool(Decimal(person["chartmogul_mrr"]))
    assert compared > 50


def test_of_whom_only_chartmogul_knows_all_is_true(tables: Tables, people: list[Row]) -> None:
    customers, ends = {each["id"]: each for each in tables["customers"]}, dict[str, datetime]()
    for activity in tables["activities"]:
        if activity["type"] == "churn":
            before = ends.get(activity["customer_id"], activity["happened_at"])
            ends[activity["customer_id"]] = max(before, activity["happened_at"])
    judged = [person for person in people if person["mrr_source"] == "chartmogul"]
    assert judged
    for person in judged:
        [mine] = [customers[id_] for id_ in person["chartmogul"]]
        assert major(mine["mrr"], mine["currency"]) == Decimal(person["mrr"])
        assert mine["customer_since"] == (person["customer_since"] and datetime.fromisoformat(person["customer_since"]))
        statuses = {"Active": "active", "Past Due": "past_due", "Cancelled": "churned", "New Lead": "prospect"}
        assert statuses[mine["status"]] == person["customer_status"]
        if person["churned_at"]:
            assert ends[mine["id"]] == datetime.fromisoformat(person["churned_at"])


def test_the_movements_of_a_customer_add_up_to_its_mrr(tables: Tables) -> None:
    for customer in tables["customers"]:
        mine = [each for each in tables["activities"] if each["customer_id"] == customer["id"]]
        assert sum(each["movement"] for each in mine) == customer["mrr"]
        if mine:
            assert max(mine, key=lambda each: each["happened_at"])["mrr"] == customer["mrr"]
    plans = {each["external_id"] for each in tables["plans"]}
    assert {each["plan_external_id"] for each in tables["activities"]} <= plans
    sources = {each["id"] for each in tables["data_sources"]}
    assert {each["data_source_id"] for each in tables["activities"]} <= sources


def test_metrics_are_by_day_and_month_and_follow_from_each_other(tables: Tables) -> None:
    by_interval = {
        name: sorted((each for each in tables["metrics"] if each["interval"] == name), key=lambda each: each["day"])
        for name in ("day", "month")
    }
    assert [len(rows) for rows in by_interval.values()] == [streams.DAYS, streams.MONTHS + 1]
    for rows in by_interval.values():
        assert rows[-1]["day"] == DAY.date()
        assert rows[-1]["customers"] > 0
        for before, after in pairwise(rows):
            kinds = ("new_business", "expansion", "contraction", "churn", "reactivation")
            assert after["mrr"] == before["mrr"] + sum(after[f"mrr_{kind}"] for kind in kinds)
            assert (after["arr"], after["currency"]) == (12 * after["mrr"], "USD")
    assert by_interval["day"][-1]["mrr"] == by_interval["month"][-1]["mrr"]


def test_the_feed_names_all_customers_of_stripe_and_of_orb() -> None:
    ids = {"a": ["cus_1"], "b": ["orb_9"], "c": ["orb_9", "cus_1", "cus_2"], "d": []}
    table = ibis.memtable(
        {"id": list(ids), "external_ids": list(ids.values())}, schema={"id": "string", "external_ids": "array<string>"}
    )
    [feed] = [feed for feed in FEEDS if isinstance(feed, PersonFeed)]
    shared = table.select("id", **{name: read(table, where) for name, where in feed.shared_ids.items()})
    rows = {row["id"]: (row["stripe"], row["orb"]) for row in shared.to_pyarrow().to_pylist()}
    assert rows == {
        "a": (["cus_1"], []),
        "b": ([], ["orb_9"]),
        "c": (["cus_1", "cus_2"], ["orb_9"]),
        "d": ([], []),
    }


def test_a_customer_with_little_in_it_is_read() -> None:
    raw = b'{"uuid":"cus_1","external_id":"","email":"","company":null,"mrr":49000.0,"customer-since":null}'
    [customer], _, _ = Reader(records.Customer).read([raw])
    assert (customer.external_id, customer.email, customer.mrr) == (None, None, 49000)
    assert (customer.external_ids, customer.tags) == ([], [])


def page(entries: list[Row], *, more: bool, cursor: str | None) -> JSONResponse:
    return JSONResponse({"entries": entries, "has_more": more, "cursor": cursor})


def test_the_cursor_of_the_last_page_is_not_followed(answers: dict[str, Any], chartmogul: ChartMogul) -> None:
    answers["/v1/customers"] = page([{"uuid": "cus_1"}], more=False, cursor="cursor==")
    assert list(chartmogul.pages("/customers")) == [[b'{"uuid":"cus_1"}']]


def test_a_list_that_says_there_is_more_and_not_where_is_not_taken_for_whole(
    answers: dict[str, Any], chartmogul: ChartMogul
) -> None:
    answers["/v1/customers"] = page([{"uuid": "cus_1"}], more=True, cursor=None)
    with pytest.raises(CursorLoop, match="has_more but names no cursor"):
        list(chartmogul.pages("/customers"))


def test_an_error_in_plain_text_is_an_error_like_any_other(answers: dict[str, Any], chartmogul: ChartMogul) -> None:
    answers["/v1/account"] = PlainTextResponse("Not here", status_code=404)
    with pytest.raises(NotFound, match="Not here"):
        check(chartmogul)


def test_metrics_begin_at_the_first_of_a_month(answers: dict[str, Any], chartmogul: ChartMogul, stand: Stand) -> None:
    answers["/v1/account"] = JSONResponse({"id": "acc_1", "currency": "EUR"})
    entry = {"date": "2026-01-31", "mrr": 100}
    answers["/v1/metrics/mrr"] = JSONResponse({"entries": [entry], "summary": {}})
    answers["/v1/metrics/all"] = JSONResponse({"entries": [{**entry, "customers": 3}], "summary": {}})
    end = datetime.fromisoformat("2026-02-01T00:00:00+00:00")
    pages = list(streams.metrics(chartmogul, Window(BEGINNING, end, full=True)))
    good, _, rejected = Reader(records.Metric, ("interval", "day")).read([raw for each in pages for raw in each])
    assert rejected == []
    assert [(each.interval, each.customers, each.currency) for each in good] == [("month", 3, "EUR"), ("day", 3, "EUR")]
    assert stand.requested == ["GET /v1/account"] + ["GET /v1/metrics/all", "GET /v1/metrics/mrr"] * 2
    assert answers["months"] == ["2023-01-01"] * 2
