"""The truth about what somebody does: use of the product, credits, and calls. The rules are stated in `truth`."""

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from typing import Any

from gtm_platform.sandbox.chroma_admin import usage as chroma
from gtm_platform.sandbox.listkit_admin import usage as listkit
from gtm_platform.sandbox.posthog.events import last_event
from gtm_platform.sandbox.userflow.progress import TASKS
from gtm_platform.sandbox.world.history import CallHistory, IntercomHistory, PersonHistory, as_of
from gtm_platform.sandbox.world.truth_billing import within

_SECOND = timedelta(seconds=1)


def activity(
    person: PersonHistory, intercom: list[IntercomHistory], before: datetime, systems: Collection[str]
) -> dict[str, Any]:
    """Last sight, logins, onboarding, credits."""
    return {
        "last_seen_at": max(_sights(person, intercom, before, systems), default=None),
        "logins_7d": _logins(person, before, systems, 7),
        "logins_30d": _logins(person, before, systems, 30),
        "onboarding_pct": _onboarding(person, before, systems),
        **_credits(person, before, systems),
    }


def _sights(
    person: PersonHistory, intercom: list[IntercomHistory], before: datetime, systems: Collection[str]
) -> list[datetime]:
    sights = [contact.last_seen(before) for contact in intercom]
    product = person.product
    if product is None or product.use.signed_up >= before:
        return sights
    if product.in_userflow and "userflow" in systems:
        sights += [product.use.latest(before), *(done for done in product.tasks if done < before)]
    if person.posthog and "posthog" in systems and (seen := last_event(person.posthog, before)):
        sights.append(seen)
    if person.credits and "listkit_admin" in systems and (active := listkit.last_active(person.credits, before)):
        sights.append(active)
    if person.vectors and "chroma_admin" in systems and (day := chroma.last_active(person.vectors, before)):
        sights.append(datetime.combine(day, time(), UTC))
    return sights


def _logins(person: PersonHistory, before: datetime, systems: Collection[str], days: int) -> int | None:
    product = person.product
    seen = (person.posthog and "posthog" in systems) or (person.credits and "listkit_admin" in systems)
    if product is None or not seen or product.use.signed_up >= before:
        return None
    last = (before - _SECOND).date()
    return product.use.count(last - timedelta(days=days - 1), last, before)


def _onboarding(person: PersonHistory, before: datetime, systems: Collection[str]) -> int | None:
    product = person.product
    is_seen = product is not None and product.in_userflow and "userflow" in systems
    if product is None or not is_seen or product.use.signed_up >= before:
        return None
    return product.progress(before) * 100 // len(TASKS)


def _credits(person: PersonHistory, before: datetime, systems: Collection[str]) -> dict[str, Any]:
    account = person.credits
    if account is None or "listkit_admin" not in systems or account.created >= before:
        return {"credits_remaining": None, "credits_used_30d": None, "exports_30d": None}
    last = before - _SECOND
    exports, used = listkit.sums(account, listkit.window(last, 30), before)
    return {
        "credits_remaining": listkit.balance(account, last),
        "credits_used_30d": used,
        "exports_30d": exports,
    }


# --- calls ---------------------------------------------------------------------------------------------------------


def calls(person: PersonHistory, before: datetime, systems: Collection[str]) -> dict[str, Any]:
    """Calls by what had become of them."""
    booked = person.calls if "calendly" in systems else []
    states = [(call, state) for call in booked if (state := _state(call, before))]
    recent = [state for call, state in states if within(call.start, before, 90)]
    past = [call.start for call, state in states if state == "held"]
    coming = [call.start for call, state in states if state == "booked" and call.start >= before]
    kept, missed = recent.count("held"), recent.count("no_show")
    return {
        "calls_booked_90d": sum(state != "rescheduled" for state in recent),
        "calls_held_90d": kept,
        "calls_no_show_90d": missed,
        "calls_cancelled_90d": recent.count("canceled"),
        "call_show_rate": kept / (kept + missed) if kept + missed else None,
        "last_call_at": max(past, default=None),
        "next_call_at": min(coming, default=None),
    }


def _state(call: CallHistory, before: datetime) -> str | None:
    """What had become of it: a call that is over and that nobody called off or missed was held."""
    state = as_of(call.states, before)
    return "held" if state == "booked" and call.end < before else state
