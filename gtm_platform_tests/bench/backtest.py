"""Whether health sees it coming: made-up companies live a year in weekly steps, then health is tested on who churned.

In a world of the sandbox most customers have a reason to leave that shows before, which truth names. Of those who would
leave in an ordinary world of the sandbox three quarters stay here: where half of all customers leave within some
months, no flag could be three times as likely to be right as a guess. The facts of each week are truth's
(`lived_facts`): that the platform reads these very facts from the systems is what the end-to-end tests show.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child

FIRST, WEEKS, STEP = date(2025, 10, 5), 52, timedelta(days=7)
STAYING = 0.75
SEEDS = (711, 712, 713)  # not looked at while the world and the rules were made, nor to choose the refined ones
AT_ONCE = 2  # worlds
# Of `[health]` in the policy, as chosen on other seeds.
REFINED = {
    "weights": {"activity": 30, "support": 10, "payment": 25, "engagement": 20, "tenure": 10, "mrr": 5},
    "overrides": {"critical": -25},
    "refinements": {
        "tenure_from_days": 365,
        "csat_prior_answers": 3,
        "overrides_beside_components": False,
        "failed_payments_from": 2,
    },
}
RULES: dict[str, dict[str, Any]] = {"packaged": {}, "refined": REFINED}


def measure(effort: Effort) -> Iterator[Row]:
    """Live a year of some worlds, and print what the back-test says of each and of all together."""
    people, weeks = effort.of(800, 120), effort.of(WEEKS, 17)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        children = [
            pool.submit(in_child, f"{__name__}:live", seed=seed, people=people, weeks=weeks)
            for seed in SEEDS[: effort.of(len(SEEDS), 1)]
        ]
        lived = [child.result().findings for child in children]
    for rules in RULES:
        for world in lived:
            yield from _rows(f"{rules}, seed {world['seed']}", world["rules"][rules])
        if len(lived) > 1:
            yield from _rows(f"{rules}, all seeds", _together([world["rules"][rules] for world in lived]))


def _together(worlds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up what is counted in each world."""
    counts = Counter[str]()
    for world in worlds:
        counts.update(world["counts"])
    return {"counts": dict(counts)}


def _rows(name: str, world: Mapping[str, Any]) -> Iterator[Row]:
    count = Counter(world["counts"])
    rate = count["churned"] / max(1, count["cases"])
    precision = count["right"] / max(1, count["flagged"])
    alerts = count["alerts_right"] / max(1, count["alerts"])
    caused = max(1, count["caused"])
    yield Row(f"{name}: churners with a cause", "customers", count["caused"])
    yield Row(f"{name}: of them flagged 42 days ahead", "share", count["caused_early"] / caused, Target("≥", 0.6))
    yield Row(f"{name}: of them flagged 14 days ahead", "share", count["caused_late"] / caused)
    yield Row(f"{name}: of them green at churn", "share", count["caused_green"] / caused, Target("≤", 0.15))
    yield Row(f"{name}: flags", "cases", count["flagged"], None, "all cases", count["cases"])
    yield Row(f"{name}: precision of at-risk", "share", precision, Target("≥", 3), "the base rate", rate)
    yield Row(f"{name}: precision of alerts", "share", alerts, None, "the base rate", rate)
    yield Row(f"{name}: churners without a cause flagged 42 days ahead", "share", _share(count, "uncaused_early"))
    for measured in ("auc_score", "flagged_42_days_ahead", "green_at_churn", "false_alarms_per_100"):
        if (value := world.get("figures", {}).get(measured)) is not None:
            yield Row(f"{name}: all churners, {measured.replace('_', ' ')}", "", value)


def _share(count: Mapping[str, int], name: str) -> float:
    return count[name] / max(1, count["uncaused"])


# --- in the child ----------------------------------------------------------------------------------------------------


def live(seed: int, people: int, weeks: int, keep: str | None = None) -> dict[str, Any]:
    """Live the weeks of a world in the folder of the process, or read those that were lived there, and test health."""
    home = Path(keep) if keep else Path.cwd()
    os.environ |= {"GTM_HOME": str(home / "home"), "GTM_FIRST_DAY": FIRST.isoformat()}
    os.environ |= {"DAGSTER_DISABLE_TELEMETRY": "1", "GTM_CACHE": str(home.parent / "cache")}
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform.sandbox.world import World
    from gtm_platform_tests.bench.lived_facts import LivedFacts

    lake, world = the_lake(), World(seed, people, _midnight(FIRST), staying=STAYING)
    facts = LivedFacts(world, lake)
    for week in range(weeks):
        day = FIRST + week * STEP
        world.advance(_midnight(day + timedelta(days=1)))
        if not lake.has("core/unified_customers", str(day)):
            facts.write(day)
    causes = {
        history.key: [(departure.end, departure.cause) for departure in history.departures]
        for history in world._context.histories
    }
    return {"seed": seed, "rules": {name: _tested(lake, causes, health) for name, health in RULES.items()}}


def _tested(lake: Any, causes: Mapping[str, Sequence[tuple[datetime, str]]], health: Mapping[str, Any]) -> Any:
    from gtm_platform.cli.backtest import tested_under
    from gtm_platform.health.refinement_trials import with_values
    from gtm_platform.policy import policy

    with tested_under(lake, with_values(policy(), {"health": health}) if health else None) as (overlay, result):
        counts, by_cause = Counter[str](), dict[str, Counter[str]]()
        for churn in _churns(overlay):
            cause = next((c for end, c in causes.get(churn.customer_id, ()) if _is_end(end, churn.day)), "")
            group = "caused" if cause not in ("", "none") else "uncaused"
            early, late = ((churn.days_ahead or 0) >= least for least in (42, 14))
            marks = {"": True, "_early": early, "_late": late, "_green": churn.was_green}
            counts.update({f"{group}{name}": int(value) for name, value in marks.items()})
            by_cause.setdefault(cause or "left soon", Counter[str]()).update(
                {name or "all": int(value) for name, value in marks.items()}
            )
        for tested in result.rules:
            counts.update(_counted(tested))
    figures = {name: each.value for name, each in result.rules[0].figures.items()}
    return {"counts": dict(counts), "figures": figures, "by_cause": {c: dict(n) for c, n in by_cause.items()}}


def _churns(lake: Any) -> list[Any]:
    from gtm_platform.health.backtest_history import history_of

    with history_of(lake) as history:
        return history.churns()


def _is_end(end: datetime, churned: date) -> bool:
    """Whether a churn that was seen on a day is this end, which may lie anywhere in the week before."""
    return timedelta(days=-1) <= churned - end.date() <= timedelta(days=8)


def _counted(tested: Any) -> dict[str, int]:
    """The numbers behind the shares of some rules."""
    cases, alerts = tested.counts["cases"], tested.counts["alerts"]
    shares = {name: each.value or 0.0 for name, each in tested.figures.items()}
    flagged = shares.get("at_risk_share", 0.0) * cases
    return {
        "cases": cases,
        "churned": tested.counts["churns"],
        "flagged": round(flagged),
        "right": round(flagged * shares.get("precision_at_risk", 0.0)),
        "alerts": alerts,
        "alerts_right": round(alerts * shares.get("precision_alerts", 0.0)),
    }


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


FIGURE = Figure(
    "backtest",
    "A year of worlds that nobody looked at: of the churners with a cause 60 % are flagged 42 days ahead and at most "
    "15 % are green to the end; who is at risk churns three times as often as anybody; by the packaged rules, and by "
    "refined ones.",
    measure,
)
