"""The explanation of a score out of a snapshot: the customer's row, its row of health, and the rules of both.

How it is explained, and in which sentences, stands in `health.explanation`, which `gtm health explain` uses too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gtm_platform.health.explanation import Explanation, explained
from gtm_platform.health.rules import read_again
from gtm_platform.policy import Policy

LISTS = ("risk_signals", "recommended_actions")  # of a row of health, which the customer's row has


@dataclass(frozen=True)
class ServedRules:
    """The rules of a snapshot: the hash of those in force, and those that its scores were made with."""

    in_force: str
    policies: Mapping[str, Policy | None] = field(default_factory=dict)

    @classmethod
    def of(cls, fact: bytes) -> "ServedRules":
        """Read the fact that a snapshot has of them."""
        rules: dict[str, Any] = orjson.loads(fact)
        return cls(rules["policy_hash"], {name: read_again(text) for name, text in rules["policies"].items()})

    def explain(self, customer: Mapping[str, Any], health: bytes, changes: bytes) -> Explanation:
        """Explain the score of a customer by its row, its row of health and its changes, as the snapshot has them."""
        row: dict[str, Any] = orjson.loads(health)
        row |= {name: customer[name] for name in ("customer_id", *LISTS)}
        rules = row["policy_hash"]
        in_force = rules == self.in_force
        return explained(row, customer, self.policies.get(rules), orjson.loads(changes), rules_in_force=in_force)
