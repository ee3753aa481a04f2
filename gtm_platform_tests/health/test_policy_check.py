"""Rules that are wrong are named, with the key and a customer that shows it; the packaged ones are right."""

from typing import Any

import pytest

from gtm_platform.health.policy_check import check
from gtm_platform.policy import Policy, policy


def changed(**tables: dict[str, Any]) -> Policy:
    """The policy in force with other values: `health={"csat_share": 1.0, "status": {"healthy": 99}}`."""
    return Policy.model_validate(merged(policy().model_dump(mode="json"), tables))


def merged(values: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return values | {
        name: merged(values[name], value) if isinstance(value, dict) else value for name, value in other.items()
    }


def test_the_packaged_rules_have_no_errors_and_one_known_weak_spot() -> None:
    findings = check(policy())
    assert [(finding.kind, finding.key) for finding in findings] == [("weak_spot", "health.weights.activity")]
    assert findings[0].example.startswith("never seen scores 100")


@pytest.mark.parametrize(
    ("tables", "kind", "key"),
    [
        ({"health": {"csat_share": 0.9}}, "contradiction", "health.csat_share"),
        ({"health": {"logins_share": 0.1}}, "contradiction", "health.logins_share"),
        (
            {"health": {"weights": {"activity": 40, "engagement": 0}}},
            "contradiction",
            "health.weights.engagement",
        ),
        ({"health": {"payment_points": {"past_due": 80}}}, "worse_scores_higher", "health.payment_points"),
        (
            {"health": {"activity_points": [[3, 60], [7, 85], [60, 0]]}},
            "worse_scores_higher",
            "health.activity_points",
        ),
        (
            {"health": {"activity_points": [[3, 50], [60, 0]], "status": {"healthy": 95}}},
            "out_of_reach",
            "health.status.healthy",
        ),
        ({"health": {"signals": {"low_csat": 1}}}, "never_fires", "health.signals"),
        ({"health": {"signals": {"low_engagement": 0}}}, "never_fires", "health.signals"),
        ({"health": {"overrides": {"critical": 0}}}, "never_fires", "health.overrides.critical"),
        ({"alerts": {"health_drop_points": 100, "health_drop_margin": 90}}, "never_fires", "alerts.health_drop_margin"),
        ({"health": {"churn": {"min_risk_when_leaving": 0}}}, "never_fires", "health.churn.min_risk_when_leaving"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(tables: dict[str, Any], kind: str, key: str) -> None:
    findings = check(changed(**tables))
    assert (kind, key) in {(finding.kind, finding.key) for finding in findings}, findings


def test_a_worse_customer_who_scores_higher_is_shown() -> None:
    (finding, *_) = check(changed(health={"payment_points": {"past_due": 80}}))
    assert finding.kind == "worse_scores_higher"
    assert "subscription_status paused scores" in finding.example
    assert "subscription_status past_due scores" in finding.example
