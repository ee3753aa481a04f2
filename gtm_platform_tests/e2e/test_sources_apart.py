"""What one source lacks or does wrong stays with it: keys that are missing, wrong or too weak, and when it is asked."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from gtm_platform.definitions import defs
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.e2e.conftest import DAYS
from gtm_platform_tests.e2e.home import Control, execute, failure_of, frame, made, windows_of

pytestmark = pytest.mark.soak

DAY = str(DAYS[0])
KEYS = {"hubspot": "HUBSPOT_ACCESS_TOKEN", "intercom": "INTERCOM_ACCESS_TOKEN", "stripe": "STRIPE_API_KEY"}
WINDOWS = {job: (first, last) for job, first, last in windows_of(DAYS[0])}


def sync(dagster: dg.DagsterInstance, source: str) -> dg.ExecuteInProcessResult:
    return execute(dagster, f"sync_{source}", *WINDOWS[f"sync_{source}"])


def tick(source: str, at: datetime) -> Any:
    schedule, whole = defs.resolve_schedule_def(f"{source}_schedule"), defs.get_repository_def()
    with (
        dg.instance_for_test() as instance,
        dg.build_schedule_context(instance, scheduled_execution_time=at, repository_def=whole) as context,
    ):
        return schedule(context)


@pytest.mark.soak
def test_without_its_key_a_source_is_off_and_everything_else_works(
    box: Sandbox, dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_API_KEY")
    settings.cache_clear()
    control = Control(box.url)
    control.forget_requests()
    off = sync(dagster, "stripe")
    assert not off.success  # whoever asks for it hears why; a schedule skips it
    assert made(off) == {}
    assert "stripe is off: set STRIPE_API_KEY" in failure_of(off)
    assert control.requests("stripe") == {}
    for source in ("hubspot", "intercom"):
        ran = sync(dagster, source)
        assert ran.success, failure_of(ran)
    ran = execute(dagster, "daily_tables", DAY)
    assert ran.success, failure_of(ran)
    wide = frame(settings().home, "core/unified_customers", DAY)
    assert len(wide) > 30
    assert wide["stripe_customer_id"].isna().all()
    assert wide["last_seen_at"].notna().sum() > 10
    assert set(wide["mrr_source"].dropna()) == {"intercom"}  # what it copied of Stripe takes Stripe's place


@pytest.mark.parametrize("source", KEYS)
def test_a_source_that_is_off_says_so_at_its_hour(source: str) -> None:
    answer = tick(source, datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == f"{source} is off: set {KEYS[source]} (see .env.example)"


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("source", "at", "closed"),
    [
        ("hubspot", datetime(2026, 3, 2, 0, 5, tzinfo=UTC), "2026-03-01T1200"),
        ("hubspot", datetime(2026, 3, 2, 12, 5, tzinfo=UTC), "2026-03-02T0000"),
        ("intercom", datetime(2026, 3, 2, 0, 10, tzinfo=UTC), "2026-03-01T1800"),
        ("intercom", datetime(2026, 3, 2, 18, 10, tzinfo=UTC), "2026-03-02T1200"),
        ("stripe", datetime(2026, 3, 2, 0, 15, tzinfo=UTC), "2026-03-01"),
    ],
)
def test_each_schedule_asks_for_the_window_that_has_just_closed(source: str, at: datetime, closed: str) -> None:
    answer = tick(source, at)
    assert isinstance(answer, dg.RunRequest)
    assert (answer.partition_key, answer.run_key) == (closed, closed)


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(("source", "other"), [("hubspot", "stripe"), ("intercom", "stripe"), ("stripe", "intercom")])
def test_a_wrong_key_is_told_by_its_variable_and_never_shown(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, source: str, other: str
) -> None:
    wrong = "wrong_" + "k" * 20
    monkeypatch.setenv(KEYS[source], wrong)
    settings.cache_clear()
    ran = sync(dagster, source)
    assert not ran.success
    assert made(ran) == {}
    assert "401" in failure_of(ran)
    assert KEYS[source] in failure_of(ran)
    assert "does not accept the key" in failure_of(ran)
    assert not any(wrong in str(entry) for entry in dagster.all_logs(ran.run_id))
    assert set(made(sync(dagster, other)))


def test_one_stream_that_fails_leaves_the_others(box: Sandbox, dagster: dg.DagsterInstance) -> None:
    Control(box.url).go_wrong("stripe", "/v1/refunds", status=403)
    ran = sync(dagster, "stripe")
    assert not ran.success
    streams = {table for table, _ in made(ran)}
    assert streams == {
        f"stripe/{each}"
        for each in ("customers", "subscriptions", "products", "prices", "coupons", "invoices", "charges", "disputes")
    }
    assert failure_of(ran).startswith("stripe: 1 of 9 streams failed. refunds: Stripe answered 403")
    assert "STRIPE_API_KEY lacks a permission" in failure_of(ran)
    Control(box.url).go_right()
    again = execute(dagster, "sync_stripe", DAY, tables=["stripe/refunds"])
    assert again.success
    assert set(made(again)) == {("stripe/refunds", DAY)}


def test_every_source_has_its_schedule() -> None:
    schedules = {schedule.name for schedule in defs.get_repository_def().schedule_defs}
    assert {f"{source.name}_schedule" for source in SCHEDULED} <= schedules
