"""What of a subscription counts, by status, paused collection and discounts; and that a changed rule is followed."""

from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.core import subscriptions
from gtm_platform.core.billing_feeds import FEEDS
from gtm_platform.core.revenue import TABLE as REVENUE
from gtm_platform.identity import assets as identity
from gtm_platform.ingest.feeds import SUBSCRIPTIONS, complete
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions.days import end_of
from gtm_platform.policy import Subscriptions, policy
from gtm_platform.settings import settings
from gtm_platform_tests.core.billing import billing, subscriptions_of
from gtm_platform_tests.tables import DAY, filled, rows_of

RULES = Subscriptions(count_paused_collection=["keep_as_draft"], discounts="recurring")
AMOUNTS = {"forever_only": 10000, "recurring": 5000, "all": 2500}
PHASE = {
    "begins": None,
    "ends": None,
    **{f"mrr_{mode}": amount for mode, amount in AMOUNTS.items()},
    **{f"arr_{mode}": Decimal(12 * amount) for mode, amount in AMOUNTS.items()},
}


def subscription(**fields: Any) -> dict[str, Any]:
    return {"id": "sub_1", "customer_id": "s1", "status": "active", "currency": "usd", "phases": [PHASE], **fields}


def counted(rules: Subscriptions = RULES, **fields: Any) -> tuple[Decimal, Decimal]:
    stored = billing({"stripe/subscriptions": [subscription(**fields)]})
    feed = next(feed for feed in FEEDS if feed.source == "stripe")
    rows = complete(feed.subscriptions(stored, end_of(DAY)), SUBSCRIPTIONS)
    (row,) = rows_of(subscriptions.counted(rows, rules, DAY).select("mrr", "arr"))
    return row["mrr"], row["arr"]


@pytest.mark.parametrize(("discounts", "mrr"), AMOUNTS.items())
def test_the_policy_says_which_discounts_count(discounts: Any, mrr: int) -> None:
    rules = Subscriptions(count_paused_collection=[], discounts=discounts)
    assert counted(rules) == (mrr, 12 * mrr)


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("active", True),
        ("past_due", True),
        ("trialing", False),
        ("unpaid", False),
        ("canceled", False),
        ("incomplete", False),
        ("incomplete_expired", False),
        ("paused", False),
    ],
)
def test_statuses_that_count(status: str, counts: bool) -> None:
    assert counted(status=status)[0] == (5000 if counts else 0)


@pytest.mark.parametrize(
    ("allowed", "behaviour", "counts"),
    [
        (["keep_as_draft"], "keep_as_draft", True),
        (["keep_as_draft"], "void", False),
        (["keep_as_draft", "mark_uncollectible"], "mark_uncollectible", True),
        ([], "keep_as_draft", False),
        ([], None, True),
    ],
)
def test_the_policy_says_which_paused_collections_count(allowed: Any, behaviour: str | None, counts: bool) -> None:
    rules = Subscriptions(count_paused_collection=allowed, discounts="recurring")
    assert counted(rules, paused_collection=behaviour)[0] == (5000 if counts else 0)


def test_a_simulated_subscription_never_counts() -> None:
    people = filled("identity/people", {"customer_id": "a"})
    links = filled("identity/links", {"source": "stripe", "record_id": "s1", "customer_id": "a"})
    rows = {"stripe/subscriptions": [subscription(is_simulated=True)]}
    assert rows_of(subscriptions_of(people, links, filled("identity/former_records"), rows)) == []


@pytest.mark.soak
def test_a_changed_rule_reaches_a_past_day_out_of_what_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The windows are stored once; each figure of the day follows the rules that it is computed with."""
    lake, day = the_lake(), DAY.isoformat()
    end = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    stored = {
        "stripe/customers": [{"id": "s1", "email": "dana@acme.example", "currency": "usd"}],
        "stripe/subscriptions": [subscription(), subscription(id="sub_2", paused_collection="void")],
    }
    for table, rows in stored.items():
        stamped = [{"_window": end, "_extracted_at": end, **row} for row in rows]
        lake.write(table, day, engine().to_pyarrow(filled(table, *stamped)).to_reader(), full=True)

    def figures() -> tuple[Decimal, Decimal]:
        settings.cache_clear()
        policy.cache_clear()
        for table in (*identity.TABLES, subscriptions.TABLE, REVENUE):
            table.write_day(lake, day)
        (row,) = rows_of(lake.partition("core/revenue", day))
        return row["mrr"], row["arr"]

    assert figures() == (Decimal("50.00"), Decimal("600.00"))
    text = (files("gtm_platform.policy") / "policy.toml").read_text()
    changed = text.replace('discounts = "recurring"', 'discounts = "all"')
    changed = changed.replace('count_paused_collection = ["keep_as_draft"]', 'count_paused_collection = ["void"]')
    assert changed.count("void") > text.count("void")
    (tmp_path / "policy.toml").write_text(changed)
    monkeypatch.setenv("GTM_POLICY", str(tmp_path / "policy.toml"))
    assert figures() == (Decimal("50.00"), Decimal("600.00"))  # twice 25.00
    (tmp_path / "policy.toml").write_text(text.replace('discounts = "recurring"', 'discounts = "forever_only"'))
    assert figures() == (Decimal("100.00"), Decimal("1200.00"))
