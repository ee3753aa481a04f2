"""The life of canaries: when one is born, and doing what is due of it, each act journaled before and after."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gtm_platform.delivery.canaries.systems import INTERCOM, LEFT, PAYS_LATE, CanarySystems
from gtm_platform.http.errors import ApiFailure
from gtm_platform.policy import Canaries
from gtm_platform.state import State
from gtm_platform.state import canaries as journal
from gtm_platform.state.canaries import CHURN, COMPLAIN, PAY_LATE, REMOVED, SIGN_UP, CanaryAct

NONE = "There are no canaries: the policy names no domain for them ([canaries] domains)."


def plan_life(rules: Canaries, begins: datetime) -> dict[str, datetime]:
    """Return when each act of a canary is due."""
    days = {
        SIGN_UP: 0,
        COMPLAIN: rules.complains_on_day,
        PAY_LATE: rules.pays_late_on_day,
        CHURN: rules.churns_on_day,
        REMOVED: rules.lives_days,
    }
    return {act: begins + timedelta(days=number) for act, number in days.items()}


def bear(state: State, rules: Canaries, now: datetime) -> str:
    """Plan a new canary; return its name."""
    with state.writing() as tx:
        names = {each.canary for each in journal.every_act(tx)}
        name = next(name for name in _names(now) if name not in names)
        journal.plan(tx, name, f"{name}@{rules.domains[0]}", plan_life(rules, now))
    return name


def bear_when_due(state: State, rules: Canaries, now: datetime) -> str | None:
    """Plan the next canary once the newest is as old as the policy says."""
    with state.reading() as tx:
        births = [each.due_at for each in journal.every_act(tx) if each.act == SIGN_UP]
    if births and now - max(births) < timedelta(days=rules.born_every_days):
        return None
    return bear(state, rules, now)


def perform_due(systems: CanarySystems, state: State, now: datetime) -> list[str]:
    """Do what is due, of each canary one act after the other; return a sentence for each that failed."""
    failures = []
    for canary, acts in _by_canary(state).items():
        made = {name: id for act in acts for name, id in act.objects.items()}
        for act in acts:
            if act.done_at:
                continue
            if act.due_at > now:
                break
            try:
                made |= _perform(systems, state, act, made, now)
            except ApiFailure as failure:
                with state.writing() as tx:
                    journal.change(tx, act, error=failure.message)
                failures.append(f"{canary}, {act.act}: {failure.message}")
                break
    return failures


def end_now(state: State, canary: str, now: datetime) -> None:
    """Have a canary taken away with what is due next, and drop what it was still to do."""
    with state.writing() as tx:
        acts = {each.act: each for each in journal.every_act(tx) if each.canary == canary}
        if not acts:
            raise LookupError(f"There is no canary {canary}; `gtm canary list` shows those that there are.")
        journal.forget_planned(tx, canary)
        if not acts[REMOVED].done_at:
            journal.change(tx, acts[REMOVED], due_at=now)


def _perform(
    systems: CanarySystems, state: State, act: CanaryAct, made: Mapping[str, str], now: datetime
) -> Mapping[str, str]:
    with state.writing() as tx:
        journal.change(tx, act, begun_at=now, error=None)
    objects = _do(systems, act, made, now)
    with state.writing() as tx:
        journal.change(tx, act, done_at=now, objects=dict(objects))
    return objects


def _do(systems: CanarySystems, act: CanaryAct, made: Mapping[str, str], now: datetime) -> Mapping[str, str]:
    if act.act == SIGN_UP:
        return systems.sign_up(act.canary, act.address, now)
    if act.act == COMPLAIN:
        return systems.complain(made[INTERCOM])
    if act.act == REMOVED:
        if INTERCOM in made:
            systems.remove(made)
        return {}
    systems.set(made[INTERCOM], PAYS_LATE if act.act == PAY_LATE else LEFT)
    return {}


def _by_canary(state: State) -> dict[str, list[CanaryAct]]:
    with state.reading() as tx:
        acts = journal.every_act(tx)
    by_canary: dict[str, list[CanaryAct]] = {}
    for act in acts:
        by_canary.setdefault(act.canary, []).append(act)
    return by_canary


def _names(now: datetime) -> Sequence[str]:
    return [f"canary-{now:%Y%m%d}", *(f"canary-{now:%Y%m%d}-{number}" for number in range(2, 100))]
