"""The table of the kinds of alerts: what raises each in a test that sees it in the sandbox's Slack, once.

What the sandbox cannot do is written into the tables or the records of Dagster that the alert is made of, and says why.
"""

import ast
from pathlib import Path
from typing import NamedTuple

import gtm_platform_tests
from gtm_platform.delivery.alerts.kinds import discover

TESTS = Path(gtm_platform_tests.__file__).parent
CUSTOMERS = "e2e/test_alerts.py", "test_what_happens_in_the_systems_is_in_slack_once"
USE = "e2e/test_alerts.py", "test_use_that_stops_and_comes_back_is_in_slack_once"
SIGNS = "delivery/test_kinds_in_slack.py", "test_a_new_sign_that_a_company_may_buy_more_is_in_slack_once"
OPS = "automation/test_ops_kinds_in_slack.py", "test_what_goes_wrong_is_in_slack_once_and_so_is_its_end"
APPROVAL = "cli/test_hubspot_approval.py", "test_a_stopped_delivery_asks_is_approved_once_and_goes_on"
CANARIES = ("e2e/test_canaries.py", "test_stop_any_one_stage_and_the_alarm_names_it")
HOOKS = "hooks/test_hook_state.py", "test_a_hook_that_stops_or_is_refused_is_in_slack_once_and_so_is_its_end"
SUMMARIES = "e2e/test_again.py", "test_each_day_and_the_week_are_summed_up_once"


class Raised(NamedTuple):
    """How a kind of alert is raised, and in which test; `unlike_life` is why not by the sandbox."""

    by: str
    test: tuple[str, str]
    unlike_life: str = ""


TABLE = {
    "cancel_mention": Raised("a message in Intercom speaks of cancelling", CUSTOMERS),
    "cancellation_scheduled": Raised("a subscription in Stripe is set to end, and that is taken back", CUSTOMERS),
    "payment_failed": Raised("a subscription in Stripe is past due, and paid", CUSTOMERS),
    "health_drop": Raised("either of them takes the points, and gives them back", CUSTOMERS),
    "engagement_drop": Raised("somebody stops to use the product, and begins again", USE),
    "cohort_transition": Raised("a company posts a job, buys, or becomes a partner", CUSTOMERS),
    "competitor_displacement": Raised("a company that uses a competitor's product buys", CUSTOMERS),
    "run_failed": Raised("Stripe answers 401: its key was revoked", OPS),
    "file_dropped": Raised("a file of the sandbox's world is dropped", OPS),
    "hook_trouble": Raised("a hook that came every day does not; all that comes is refused", HOOKS),
    "canary_late": Raised("a canary in the sandbox is not read, recognised, scored, delivered or reported", CANARIES),
    "hubspot_delivery": Raised("a delivery to the sandbox's HubSpot stops, and goes on once approved", APPROVAL),
    "webhooks_lost": Raised(
        "a message of the outbox dies", OPS, "a receiver fails for days until then: its last refusal is written"
    ),
    "check_turned": Raised(
        "three days are not read; a file is overwritten; a day has few records", OPS,
        "a day of records like that takes weeks to live: windows and odd days are written",
    ),
    "stale_asset": Raised(
        "Dagster records that an asset was not made in time", OPS, "its freshness daemon decides, by its own clock"
    ),
    "sensor_failing": Raised(
        "Dagster records ticks that failed", OPS, "no system is behind a sensor: these ticks are its daemon's"
    ),
    "late_schedule": Raised(
        "Dagster records no tick for three weeks", OPS, "no system is behind a schedule: these ticks are its daemon's"
    ),
    "expansion_opportunity": Raised(
        "a paying company comes near its limits", SIGNS,
        "a company grows into its limits over weeks: the days of the table are written",
    ),
    "model_result": Raised(
        "a month's test has no signal, or its customers drifted", OPS,
        "a test takes half a year to live: months of the registry are written",
    ),
    "daily_summary": Raised("a day is over", SUMMARIES),
    "weekly_summary": Raised("a Sunday is over", SUMMARIES),
}  # fmt: skip


def test_every_kind_is_in_the_table_and_no_other() -> None:
    assert TABLE.keys() == discover().keys()


def test_every_test_of_the_table_is_there() -> None:
    for raised in TABLE.values():
        file, name = raised.test
        tree = ast.parse((TESTS / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, raised
