"""What readers think of alerts: reactions in Slack become `alerts/precision`."""

from datetime import timedelta
from typing import Any

import pytest

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.precision import TABLE, alert_precision, precision_of
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.settings import settings
from gtm_platform_tests.delivery.test_assets import DAYS, MENTION, World, shown, world
from gtm_platform_tests.delivery.test_portions import entry

__all__ = ["world"]


def rows(day: str) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = the_lake().partition(TABLE, day).to_pyarrow().to_pylist()
    return table


def test_reactions_are_read_back_and_read_again(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55, cancel_mentioned_at=MENTION)
    assert world.run(slack_alerts, day=DAYS[1]).success
    first, second, third, fourth, _, digest = world.workspace.messages
    first.reactions = {"+1": ["U1", "U2"], "-1": ["U3"], "eyes": ["U1"]}
    second.reactions = {"+1::skin-tone-2": ["U1"], "+1": ["U1"]}
    third.reactions = {"-1": ["U1"]}
    fourth.reactions = {"+1": ["U1"], "-1": ["U1"]}  # who says both says no
    digest.reactions = {"-1": ["U1", "U2"]}

    made = shown(world.run(alert_precision), alert_precision) or {}

    mentions = {"day": DAYS[1], "kind": "cancel_mention", "sent": 5, "useful": 2, "not_useful": 2, "precision": 0.5}
    drops = {"day": DAYS[1], "kind": "health_drop", "sent": 5, "useful": 0, "not_useful": 0, "precision": None}
    assert rows(DAYS[1]) == [mentions, drops]
    assert (made["figure/sent"], made["figure/precision"], made["technical/alerts_looked_at"]) == (10, 0.5, 5)
    assert "| cancel mention | 5 | 2 | 2 | ██████████ 50% |" in made["plot"]

    third.reactions = {}
    assert (shown(world.run(alert_precision), alert_precision) or {})["technical/judgements_changed"] == 1
    assert rows(DAYS[1])[0] == mentions | {"not_useful": 1, "precision": 2 / 3}

    written = [file.stamp for file in the_lake().files(TABLE)]
    assert world.run(alert_precision).success
    assert [file.stamp for file in the_lake().files(TABLE)] == written, "what did not change is not written again"


def test_a_token_that_may_not_read_leaves_the_judgement_open(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55)
    assert world.run(slack_alerts, day=DAYS[1]).success
    world.slack_api.fault = lambda _: (200, {"ok": False, "error": "missing_scope", "needed": "channels:history"})
    ran = world.run(alert_precision)
    assert ran.success
    assert rows(DAYS[1])[0]["precision"] is None
    logged = "\n".join(entry.user_message for entry in world.instance.all_logs(ran.run_id))
    assert "It needs channels:history." in logged


def test_before_anything_was_sent_nothing_is_written(world: World) -> None:
    ran = world.run(alert_precision)
    assert ran.success
    assert shown(ran, alert_precision) is None


def test_it_stays_fresh_when_no_alert_was_sent_for_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55)
    assert world.run(slack_alerts, day=DAYS[1]).success
    assert shown(world.run(alert_precision), alert_precision)
    monkeypatch.setenv("GTM_NOW", (settings().now() + timedelta(days=400)).isoformat())
    settings.cache_clear()
    assert (shown(world.run(alert_precision), alert_precision) or {})["figure/sent"] == 0


@pytest.mark.parametrize(("useful", "not_useful", "verdict"), [(2, 1, "useful"), (1, 1, "not_useful"), (0, 0, None)])
def test_the_majority_judges_and_a_tie_is_not_useful(useful: int, not_useful: int, verdict: str | None) -> None:
    [row] = precision_of([entry("c1", status="sent", useful=useful, not_useful=not_useful)])
    assert {name for name in ("useful", "not_useful") if row[name]} == ({verdict} if verdict else set())


def test_the_asset_runs_after_the_alerts() -> None:
    assert slack_alerts.key in alert_precision.asset_deps[alert_precision.key]
