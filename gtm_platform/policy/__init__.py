"""The business rules, typed: a module per room. `policy.toml` holds their values; a RevOps person edits that file only.

Each room reads its own rules; what a rule does belongs to the room that follows it.
"""

import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path

from gtm_platform.policy import domain_lists
from gtm_platform.policy.access import Access
from gtm_platform.policy.actions import Actions
from gtm_platform.policy.activity import ActivityRules
from gtm_platform.policy.alerts import Alerts
from gtm_platform.policy.automation import Automation
from gtm_platform.policy.canaries import Canaries
from gtm_platform.policy.companies import Companies
from gtm_platform.policy.competition import Competition
from gtm_platform.policy.costs import Costs, Tier
from gtm_platform.policy.effect import Effect, Success
from gtm_platform.policy.enrichment import Enrichment
from gtm_platform.policy.health import Churn, Health, Refinements, Signals, Status
from gtm_platform.policy.hooks import Hooks
from gtm_platform.policy.hubspot import HubSpot
from gtm_platform.policy.identity import Identity
from gtm_platform.policy.intelligence import Intelligence
from gtm_platform.policy.limits import Limits
from gtm_platform.policy.market import Market
from gtm_platform.policy.money import Money
from gtm_platform.policy.privacy import Privacy
from gtm_platform.policy.publish import Publish
from gtm_platform.policy.quality import Anomalies, Quality
from gtm_platform.policy.reading import PolicyError, parse
from gtm_platform.policy.revenue import MrrPolicy, Revenue
from gtm_platform.policy.rules import Rules
from gtm_platform.policy.subscriptions import Subscriptions
from gtm_platform.policy.support import Support
from gtm_platform.policy.sync import Sync
from gtm_platform.policy.triggers import Triggers
from gtm_platform.settings import settings

__all__ = [
    "Access",
    "Actions",
    "ActivityRules",
    "Alerts",
    "Anomalies",
    "Automation",
    "Canaries",
    "Churn",
    "Companies",
    "Competition",
    "Costs",
    "Effect",
    "Enrichment",
    "Health",
    "Hooks",
    "HubSpot",
    "Identity",
    "Intelligence",
    "Limits",
    "Market",
    "Money",
    "MrrPolicy",
    "Policy",
    "PolicyError",
    "Privacy",
    "Publish",
    "Quality",
    "Refinements",
    "Revenue",
    "Signals",
    "Status",
    "Subscriptions",
    "Success",
    "Support",
    "Sync",
    "Tier",
    "Triggers",
    "policy",
    "read",
]

OURS = "ours"  # the definition of MRR that all other tables show


class Policy(Rules):
    """All rules."""

    money: Money
    sync: Sync
    limits: Limits
    subscriptions: Subscriptions
    revenue: Revenue = Revenue()
    identity: Identity
    support: Support
    health: Health
    quality: Quality
    market: Market = Market()
    companies: Companies = Companies()
    competition: Competition = Competition()
    activity: ActivityRules = ActivityRules()
    hubspot: HubSpot
    hooks: Hooks = Hooks()
    alerts: Alerts
    automation: Automation
    costs: Costs = Costs()
    enrichment: Enrichment = Enrichment()
    intelligence: Intelligence = Intelligence()
    triggers: Triggers = Triggers()
    actions: Actions = Actions()
    canaries: Canaries = Canaries()
    effect: Effect = Effect()
    success: Success = Success()
    publish: Publish = Publish()
    access: Access = Access()
    privacy: Privacy = Privacy()

    @property
    def mrr_policies(self) -> tuple[MrrPolicy, ...]:
        """The definitions of MRR that movements are counted by, the house's own first."""
        rules = self.subscriptions
        pauses = tuple(rules.count_paused_collection)
        ours = MrrPolicy(name=OURS, count_paused_collection=pauses, discounts=rules.discounts)
        return ours, *self.revenue.compared

    @property
    def hash(self) -> str:
        """Twelve digits that change with any value that decides what a table says, and with nothing else.

        The public lists of domains are such values.
        """
        decides_no_table = {
            "alerts",
            "automation",
            "limits",
            "enrichment",
            "hubspot",
            "triggers",
            "actions",
            "effect",
            "success",
            "hooks",
            "publish",
            "access",
            "privacy",
            "canaries",
        }
        canonical = json.dumps(self.model_dump(mode="json", exclude=decides_no_table), sort_keys=True)
        return hashlib.sha256(f"{canonical} {domain_lists.version()}".encode()).hexdigest()[:12]


def read(text: str, name: str) -> Policy:
    """Return the policy of a file's text; `name` is what the file is called in errors."""
    return parse(text, name, Policy)


@cache
def policy() -> Policy:
    """Return the policy in force: that of GTM_POLICY, else the packaged one."""
    path = settings().gtm_policy
    if path is None:
        return read(files("gtm_platform").joinpath("policy/policy.toml").read_text(), "policy.toml")
    try:
        return read(Path(path).read_text(), str(path))
    except OSError as error:
        raise PolicyError(f"GTM_POLICY names {path}, which cannot be read: {error.strerror}") from None
