"""A failed run is said once, names no customer, and is not lost while Slack is down."""

import dagster as dg

from gtm_platform.delivery.assets import slack_alerts
from gtm_platform.delivery.sensors import when_a_run_fails
from gtm_platform.http.errors import Forbidden
from gtm_platform_tests.delivery.test_assets import DAYS, World, world

__all__ = ["world"]  # the fixture


@dg.op
def refused() -> None:
    raise dg.Failure("stripe: 1 of 9 streams failed. refunds: <Stripe> refuses.") from Forbidden("Stripe", "refuses")


@dg.job
def sync_stripe() -> None:
    refused()


def failed_run(world: World, *tables: str) -> dg.RunFailureSensorContext:
    """Of the job; or, as a backfill launches it, of tables."""
    ran = sync_stripe.execute_in_process(instance=world.instance, raise_on_error=False)
    asked = frozenset(dg.AssetKey(table.split("/")) for table in tables) or None
    event = next(event for event in ran.all_events if event.is_run_failure)
    context = dg.build_run_status_sensor_context(
        sensor_name="when_a_run_fails",
        dagster_instance=world.instance,
        dagster_run=ran.dagster_run._replace(asset_selection=asked),
        dagster_event=event,
    )
    return context.for_run_failure()


def test_it_is_said_once_with_its_sentence(world: World) -> None:
    failed = failed_run(world)
    when_a_run_fails(failed)
    when_a_run_fails(failed)
    [message] = world.workspace.messages
    assert message.text.startswith("Run failed: sync_stripe.")
    assert "&lt;Stripe&gt; refuses" in message.text


def test_a_run_of_tables_is_called_by_them(world: World) -> None:
    when_a_run_fails(failed_run(world, "core/revenue"))
    when_a_run_fails(failed_run(world, "core/revenue", "core/profile", "core/support"))
    assert [message.text.split(". ")[0] for message in world.workspace.messages] == [
        "Run failed: core/revenue",
        "Run failed: core/profile and 2 more",
    ]


def test_slack_being_down_does_not_lose_it(world: World) -> None:
    world.slack_api.fault = lambda _: (200, {"ok": False, "error": "account_inactive"})
    when_a_run_fails(failed_run(world))
    assert world.workspace.messages == []
    world.slack_api.fault = None
    world.land_day(DAYS[0], score=80)
    assert world.run(slack_alerts, day=DAYS[0]).success
    assert [message.text.split(":")[0] for message in world.workspace.messages] == ["Run failed"]
