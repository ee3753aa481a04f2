"""What the policy has the platform do in other systems, and what came of it. Counts, nobody."""

from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from gtm_platform.delivery.actions.systems import is_enabled, off_reason
from gtm_platform.policy import Actions
from gtm_platform.state import State
from gtm_platform.state.actions import DONE, REFUSED, UNDONE, deeds_since, standing

SHOWN_DAYS = 30


class ActionState(BaseModel):
    """An action of the policy, and what came of it in 30 days."""

    rule: str
    does: str = Field(description="hubspot_task, intercom_tag or intercom_company_tag.")
    text: str = Field(description="The task's subject, or the tag.")
    health: list[str] = Field(description="For customers in these states; empty for one about companies.")
    cohorts: list[str] = Field([], description="For companies in these cohorts; empty for one about customers.")
    min_mrr: float = Field(description="Who pay at least so much a month, in the reporting currency.")
    state: str = Field(description="on, off, or dry: it is shown and not done.")
    about: str = Field(description="Why it is not on; empty where it is.")
    standing: int = Field(description="Customers or companies for whom it was done and still holds.")
    done: int = Field(description="Done in 30 days.")
    refused: int
    undone: int = Field(description="Taken back by a person.")
    last_at: datetime | None = Field(description="When it was done last, in 30 days.")


class ActionsAnswer(BaseModel):
    """Every action of the policy."""

    actions: list[ActionState]


def actions_now(state: State, rules: Actions, now: datetime) -> ActionsAnswer:
    """Return the actions as they are now."""
    with state.reading() as tx:
        journaled = deeds_since(tx, f"{now - timedelta(days=SHOWN_DAYS):%Y-%m-%d}")
        stands = standing(tx)
    states = []
    for rule in rules.rules:
        own = [each for each in journaled if each.rule == rule.name]
        status, about = _state(rule.does, enabled=rule.enabled)
        count = {name: sum(each.status == name for each in own) for name in (DONE, REFUSED, UNDONE)}
        last = max((each.settled_at for each in own if each.status == DONE and each.settled_at), default=None)
        states.append(
            ActionState(
                rule=rule.name,
                does=rule.does,
                text=rule.text,
                health=[] if rule.of_companies else list(rule.health),
                cohorts=list(rule.cohorts),
                min_mrr=rule.min_mrr,
                state=status,
                about=about,
                standing=stands.get(rule.name, 0),
                done=count[DONE],
                refused=count[REFUSED],
                undone=count[UNDONE],
                last_at=last,
            )
        )
    return ActionsAnswer(actions=states)


def _state(does: str, *, enabled: bool) -> tuple[str, str]:
    if not enabled:
        return "off", "The policy has it off: enabled = true in [[actions.rules]]."
    if reason := off_reason(does):
        return "dry", f"It is shown and not done: {reason}."
    return ("on", "") if is_enabled(does) else ("dry", "It is shown and not done: the system's …_WRITE_ENABLED is off.")
