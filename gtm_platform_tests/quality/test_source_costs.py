"""What each source took on a day and what that costs, computed anew by hand."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Costs, PolicyError, policy
from gtm_platform.quality.source_costs import TABLE, cost_of, metered, table
from gtm_platform.serving.snapshot.facts import costs
from gtm_platform.settings import settings
from gtm_platform.state import open_state, spend
from gtm_platform.state.source_use import add, use_since
from gtm_platform_tests.tables import filled

DAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PRICES = Costs(minute=Decimal("0.01"), gb_month=Decimal("30.4375"), credits={"sumble": Decimal("0.5")})


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", NOW.isoformat())
    settings.cache_clear()


def used(system: str, at: datetime, *counted: int) -> None:
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        add(tx, system, at, *counted)


def stored(partition: str, size: int, stamp: int = 1) -> None:
    path: Path = settings().home / "lake/stripe/charges" / f"{partition}.{stamp:020d}0000.full.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def rows(day: date = DAY) -> dict[str, dict[str, object]]:
    made = table(filled("quality/daily_metrics"), metered(), PRICES, day)
    return {row["source"]: row for row in made.to_pylist()}


def test_runs_of_a_day_add_up() -> None:
    used("stripe", NOW, 40, 3_000, 90_000)
    used("stripe", NOW + timedelta(hours=3), 2, 5, 30_000)
    used("stripe", NOW - timedelta(days=1), 7, 7, 7)
    used("hubspot", NOW, 10, 100, 60_000)
    stripe = rows()["stripe"]
    assert (stripe["runs"], stripe["calls"], stripe["records"], stripe["minutes"]) == (2, 42, 3_005, 2.0)
    assert stripe["cost"] == Decimal("0.0200")
    assert rows()["hubspot"]["calls"] == 10
    assert rows(DAY - timedelta(days=1))["stripe"]["calls"] == 7, "of a past day what that took"
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        assert [(each.day, each.system) for each in use_since(tx, DAY)] == [
            ("2026-03-10", "hubspot"),
            ("2026-03-10", "stripe"),
        ]


def test_what_is_stored_counts_from_its_day_on_and_once() -> None:
    stored("2026-03-09", 1_000_000)
    stored("2026-03-09", 2_000_000, stamp=2)  # in the place of the first
    stored("2026-03-11", 4_000_000)
    assert rows()["stripe"]["stored_mb"] == 2.0
    assert rows(date(2026, 3, 11))["stripe"]["stored_mb"] == 6.0
    assert "stripe" not in rows(date(2026, 3, 8))


def test_credits_are_those_that_were_charged_on_the_day() -> None:
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        wishes = [("a", Decimal(10)), ("b", Decimal(10)), ("c", Decimal(10))]
        first, second, third = spend.reserve(tx, "sumble", wishes, Decimal(1000), "run", NOW)
        spend.begin(tx, [first.id, second.id, third.id], NOW)
        spend.charge(tx, first.id, Decimal("7.5"), NOW)
        spend.charge(tx, second.id, Decimal(3), NOW - timedelta(days=1))
    sumble = rows()["sumble"]
    assert sumble["credits"] == Decimal("7.500"), "what is only reserved costs nothing yet"
    assert sumble["cost"] == Decimal("3.7500")


def test_a_day_of_a_gigabyte_is_a_day_of_a_month() -> None:
    assert cost_of("stripe", 0, Decimal(0), 10**9, PRICES) == Decimal("1.0000")
    assert cost_of("stripe", 0, Decimal(100), 0, PRICES) == 0, "a credit without a price costs nothing"


def test_a_source_that_took_nothing_has_no_row() -> None:
    assert rows() == {}
    assert TABLE.key == "quality/source_costs"


def test_the_month_stands_beside_the_prices_of_the_policy(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for day, cost in (("2026-02-28", "9"), ("2026-03-09", "0.30"), ("2026-03-10", "0.20")):
        row = {"day": date.fromisoformat(day), "source": "stripe", "calls": 10, "cost": Decimal(cost), "stored_mb": 1.5}
        lake.write(TABLE.key, day, engine().to_pyarrow(filled(TABLE.key, row)))
    draft = SimpleNamespace(landing=SimpleNamespace(lake=lake, day="2026-03-10"))
    fact = costs.make(draft)  # type: ignore[arg-type]
    assert (fact["since"], fact["days"], fact["currency"]) == ("2026-03-01", 2, "usd")
    [stripe] = fact["sources"]
    assert (stripe["source"], stripe["calls"], stripe["stored_mb"]) == ("stripe", 20, 1.5)
    assert fact["cost"] == pytest.approx(0.5)
    assert fact["a_month"] == pytest.approx(0.25 * 30.4375)
    assert [tier["name"] for tier in fact["tiers"]] == ["free", "starter", "growth", "scale"]


def test_before_anything_was_counted_there_is_nothing_to_show(tmp_path: Path) -> None:
    draft = SimpleNamespace(landing=SimpleNamespace(lake=Lake(tmp_path / "lake"), day="2026-03-10"))
    assert costs.make(draft)["sources"] == []  # type: ignore[arg-type]


def test_the_tiers_are_those_that_the_policy_names() -> None:
    tiers = {tier.name: (tier.least, tier.most) for tier in policy().costs.tiers}
    assert tiers == {"free": (0, 0), "starter": (25, 25), "growth": (75, 150), "scale": (200, 500)}


def test_a_tier_that_costs_at_most_less_than_at_least_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = Path(__file__).parents[2] / "gtm_platform/policy/policy.toml"
    mine = tmp_path / "policy.toml"
    mine.write_text(packaged.read_text().replace('least = "75"', 'least = "175"'))
    monkeypatch.setenv("GTM_POLICY", str(mine))
    settings.cache_clear()
    policy.cache_clear()
    with pytest.raises(PolicyError, match="the tier growth costs at most 150, and at least 175"):
        policy()
