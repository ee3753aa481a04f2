"""Answers that are not what they should be: asked for again, stopped, or set aside with the reason; never lost."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagster as dg
import httpx
import pytest

from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.conftest import DAYS
from gtm_platform_tests.e2e.home import Control, execute, failure_of, made, queried

DAY = str(DAYS[0])
PAGE = 100
NO_JSON = "<html><body>Back soon</body></html>"


@dataclass
class Clock:
    """Time that passes only while somebody waits."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    waiting = partial(RetryPolicy, now=clock.now, sleep=clock.sleep)
    monkeypatch.setattr("gtm_platform.sources.stripe.client.RetryPolicy", waiting)
    return clock


def sync(dagster: dg.DagsterInstance, *streams: str) -> dg.ExecuteInProcessResult:
    return execute(dagster, "sync_stripe", DAY, tables=[f"stripe/{stream}" for stream in streams])


def page(box: Sandbox, path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {box.env['STRIPE_API_KEY']}"}
    answer = httpx.get(f"{box.url}/stripe{path}", params={"limit": PAGE}, headers=headers, trust_env=False)
    return dict(answer.raise_for_status().json())


def test_a_page_that_is_not_json_is_asked_for_again(box: Sandbox, dagster: dg.DagsterInstance, clock: Clock) -> None:
    control = Control(box.url)
    control.go_wrong("stripe", "/v1/charges", status=200, body=NO_JSON, times=3)
    ran = sync(dagster, "charges")
    assert ran.success, failure_of(ran)
    assert made(ran)["stripe/charges", DAY]["dagster/row_count"] == len(box.world.stripe.charges)
    assert 0 < clock.seconds < 10


def test_a_system_that_never_says_json_fails_with_a_sentence(
    box: Sandbox, dagster: dg.DagsterInstance, clock: Clock
) -> None:
    Control(box.url).go_wrong("stripe", "/v1/charges", status=200, body=NO_JSON)
    ran = sync(dagster, "charges", "refunds")
    assert not ran.success
    assert set(made(ran)) == {("stripe/refunds", DAY)}
    assert failure_of(ran).startswith("stripe: 1 of 2 streams failed. charges: Stripe was asked")
    assert "The answer is not JSON. It begins: <html><body>Back soon" in failure_of(ran)
    assert clock.seconds >= 200


def test_a_page_cut_short_is_asked_for_again(box: Sandbox, dagster: dg.DagsterInstance) -> None:
    Control(box.url).go_wrong("stripe", "/v1/charges", truncate=True, nth=1)
    ran = sync(dagster, "charges")
    assert ran.success, failure_of(ran)
    assert made(ran)["stripe/charges", DAY]["dagster/row_count"] == len(box.world.stripe.charges)


def test_paging_that_does_not_advance_is_stopped(box: Sandbox, dagster: dg.DagsterInstance) -> None:
    control = Control(box.url)
    assert len(box.world.stripe.charges) > PAGE
    control.go_wrong("stripe", "/v1/charges", cursor_loop=True)
    control.forget_requests()
    ran = sync(dagster, "charges", "refunds")
    assert not ran.success
    assert set(made(ran)) == {("stripe/refunds", DAY)}
    assert "charges: Paging does not advance: the cursor" in failure_of(ran)
    assert control.requests("stripe")["GET", "/v1/charges"] <= 5
    assert not list((settings().home / "lake" / "stripe" / "charges").glob("*.parquet"))


def quarantine_check(ran: dg.ExecuteInProcessResult, stream: str) -> dg.AssetCheckEvaluation:
    [check] = [
        each
        for each in ran.get_asset_check_evaluations()
        if (each.asset_key.path[-1], each.check_name) == (stream, "nothing_quarantined")
    ]
    return check


def test_a_record_without_an_id_is_set_aside_with_its_reason(box: Sandbox, dagster: dg.DagsterInstance) -> None:
    control, right = Control(box.url), page(box, "/v1/products")
    bad = {name: value for name, value in right["data"][2].items() if name != "id"}
    control.go_wrong("stripe", "/v1/products", status=200, body={**right, "data": [*right["data"], bad]})
    ran = sync(dagster, "products")
    assert ran.success, failure_of(ran)  # one bad record never stops the rest
    facts = made(ran)["stripe/products", DAY]
    assert (facts["technical/quarantined"], facts["dagster/row_count"]) == (1, len(right["data"]))
    columns = "reason, payload, record_id"
    [[reason, payload, record]] = queried(settings().home, f"select {columns} from quarantine.stripe_products")
    assert reason == "id: missing"
    assert json.loads(payload) == bad
    assert record is None
    check = quarantine_check(ran, "products")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["quarantined"].value == 1
    assert "quarantine.stripe_products" in str(check.metadata["look"].value)


def test_what_is_right_again_leaves_the_quarantine(box: Sandbox, dagster: dg.DagsterInstance) -> None:
    control, right = Control(box.url), page(box, "/v1/coupons")
    bad = {**right["data"][0], "duration_in_months": "a while"}
    control.go_wrong("stripe", "/v1/coupons", status=200, body={**right, "data": [bad, *right["data"][1:]]})
    assert sync(dagster, "coupons").success
    [[record]] = queried(settings().home, "select record_id from quarantine.stripe_coupons")
    assert record == bad["id"]
    control.go_right()
    ran = sync(dagster, "coupons")
    assert made(ran)["stripe/coupons", DAY]["technical/quarantined"] == 0
    assert queried(settings().home, "select * from quarantine.stripe_coupons") == []
    assert quarantine_check(ran, "coupons").passed
