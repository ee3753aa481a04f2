"""Rules tried one by one on the past of a lake: as they are, and with each refinement of health alone in force.

History stays as it is: each trial makes health of all days again into an overlay of the lake, and tests that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gtm_platform.health.backtest import RulesTested, backtest
from gtm_platform.health.customer_health import TABLE as HEALTH
from gtm_platform.health.replay import replayed
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy

AS_THEY_ARE = "as they are"
# The values of each refinement that are tried; what they do stands beside them in policy.toml.
TRIED: Mapping[str, tuple[Any, ...]] = {
    "tenure_from_days": (60, 365),
    "never_seen_counts_from_signup": (True,),
    "logins_by_days_since_signup": (True,),
    "csat_prior_answers": (3,),
    "inactive_ramp_days": (7,),
    "overrides_beside_components": (False,),
    "failed_payments_from": (2,),
    "new_within_days": (60,),
    "new_below_confidence": (0.5,),
}


def with_values(rules: Policy, tables: Mapping[str, Any]) -> Policy:
    """Return rules with other values: `{"health": {"status": {"healthy": 65}}}`."""
    return Policy.model_validate(_merged(rules.model_dump(mode="json"), tables))


def _merged(values: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: _merged(values[name], to) if isinstance(to, Mapping) else to for name, to in other.items()}
    return {**values, **changed}


def single_refinements(rules: Policy) -> Iterator[tuple[str, Policy]]:
    """Yield the rules as they are, and with each refinement that is not in force yet, by what is changed."""
    yield AS_THEY_ARE, rules
    for name, values in TRIED.items():
        for value in values:
            if getattr(rules.health.refinements, name) != value:
                refined = with_values(rules, {"health": {"refinements": {name: value}}})
                yield f"{name} = {str(value).lower()}", refined


def trials(lake: Lake, rules: Policy) -> Iterator[tuple[str, RulesTested | None]]:
    """Yield how health would have done by each of the rules; None where nobody is to judge."""
    for name, refined in single_refinements(rules):
        with replayed(lake, refined, len(lake.partitions(HEALTH.key))) as replay:
            yield name, next(iter(backtest(replay.lake).rules), None)
