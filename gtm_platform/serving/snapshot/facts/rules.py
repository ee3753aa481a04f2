"""The business rules that the shown scores were made with, and where each status begins by those in force."""

from typing import Any

from gtm_platform.health.rules import canonical, policy_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft, Landing
from gtm_platform.serving.snapshot.layout import SCORES


def make(draft: Draft) -> dict[str, Any]:
    """Return the hash of the rules in force, and those that scores are explained with by hash."""
    landing = draft.landing
    policies = {landing.rules.hash: landing.rules}
    for policy_hash in _hashes(landing, landing.day) - set(policies):
        if kept := policy_of(landing.lake, policy_hash):
            policies[policy_hash] = kept
    return {
        "policy_hash": landing.rules.hash,
        "statuses": landing.rules.health.status.model_dump(),
        "policies": {policy_hash: canonical(rules) for policy_hash, rules in policies.items()},
    }


def _hashes(landing: Landing, day: str) -> set[str]:
    query = landing.lake.query_day(SCORES, day)
    with cursor() as connection, landing.lake.naming_damage(lambda: query.files):
        return {row[0] for row in connection.execute(f"select distinct policy_hash from ({query.sql})").fetchall()}


FACT = Fact("rules", "The rules that the shown scores were made with, and the lowest score of each status.", make)
