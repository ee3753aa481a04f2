"""The four emulators in one app, as the sandbox holds them, around a world that has something of everything."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from gtm_platform.sandbox import hubspot, intercom, slack, stripe
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.slack.access import LIMITS
from gtm_platform.sandbox.stripe.store import StripeEvent, StripeStore
from gtm_platform.sandbox.world import World
from gtm_platform_tests.contract.recorder import Exchange

NOW = datetime(2026, 3, 4, tzinfo=UTC)
PEOPLE = 60
MANY = 10**6


@dataclass(frozen=True)
class Systems:
    world: World
    apps: dict[str, Starlette]

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Mount(f"/{name}", app) for name, app in self.apps.items()])

    def answered(self, system: str, exchanges: list[Exchange]) -> Counter[str]:
        """How often each route of an emulator answered."""
        routes = [route for route in self.apps[system].routes if isinstance(route, Route)]
        counts = Counter({_name(route): 0 for route in routes})
        for exchange in exchanges:
            fitting = (each for each in routes if each.path_regex.match(exchange.path))
            counts[_name(next(each for each in fitting if exchange.method in (each.methods or ())))] += 1
        return counts


def _name(route: Route) -> str:
    return f"{' '.join(sorted((route.methods or set()) - {'HEAD'}))} {route.path}"


def systems(calls: int = MANY) -> Systems:
    """`calls` are let through before a system says that there were too many."""
    world = World(1, PEOPLE, NOW - timedelta(days=3))
    world.advance(NOW)
    _add_what_is_rare(world)
    burst, searches = Limit(calls, 3600), Limit(calls, 3600)
    limits = hubspot.Limits(burst=burst, search=searches)
    apps = {
        "hubspot": hubspot.app(world.hubspot, world.clock, limits=limits),
        "stripe": stripe.app(world.stripe, world.clock, stripe.Limits(calls, calls)),
        "intercom": intercom.app(world.intercom, world.clock, intercom.Limits(calls=calls)),
        "slack": slack.app(world.slack, world.clock, limits=dict.fromkeys(LIMITS, (calls, 3600.0))),
    }
    return Systems(world, apps)


def _add_what_is_rare(world: World) -> None:
    """What goes on at another address because there is more of it than is shown with its owner."""
    told = world.intercom
    contact = next(each for each in told.contacts.values() if not each.deleted and not each.merged_into)
    for number in range(12):
        told.tags[f"9{number}"] = f"tag-{number}"
    contact.tags, contact.companies, contact.updated = list(told.tags), list(told.companies)[:11], NOW
    company = next(iter(told.companies.values()))
    company.tags = list(told.tags)[:2]
    billed = next(each for each in world.stripe.invoices.values() if each.lines)
    billed.lines = [billed.lines[0]] * 12
    subscribed = next(each for each in world.stripe.subscriptions.values() if each.status == "active")
    subscribed.items = [replace(subscribed.items[0], id=f"si_many_{number}") for number in range(12)]
    next(iter(world.stripe.customers.values())).deleted = NOW
    _touch_what_is_old(world.stripe)


def _touch_what_is_old(account: StripeStore) -> None:
    """Something of each kind that is not new has changed, so that it is read again by itself."""
    kinds: dict[str, Mapping[str, Any]] = {
        "customer.updated": {key: each for key, each in account.customers.items() if not each.deleted},
        "charge.updated": account.charges,
        "refund.updated": account.refunds,
        "charge.dispute.updated": account.disputes,
    }
    for number, (kind, records) in enumerate(kinds.items()):
        oldest = min(records.values(), key=lambda record: record.created)
        account.events.append(StripeEvent(f"evt_old_{number}", kind, NOW, stripe.render(oldest, account)))
