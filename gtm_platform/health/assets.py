"""The daily table of health, wired to the tables it is made from."""

import gtm_platform.core.assets  # noqa: F401  declares the tables of core
from gtm_platform.health import customer_health
from gtm_platform.lake.daily import Ago, daily
from gtm_platform.policy import policy

ASSETS = [
    daily(
        "health/customer_health",
        customer_health.CONTRACT,
        profile="core/profile",
        revenue="core/revenue",
        activity="core/activity",
        support="core/support",
        one_day_ago=Ago("health/customer_health", 1),
        seven_days_ago=Ago("health/customer_health", 7),
        thirty_days_ago=Ago("health/customer_health", 30),
        policy=policy,
    )(customer_health.table),
]
