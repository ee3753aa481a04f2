"""Experiments: registering one before it begins, stopping it, and its terms as the tables read them."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gtm_platform.policy import Effect
from gtm_platform.settings import settings
from gtm_platform.state import audit, open_state
from gtm_platform.state import experiments as kept
from gtm_platform.state.experiments import Registered

ACTOR = "person"
WITHHELD, TREATED = "withheld", "treated"


class NotRegistered(ValueError):
    """An experiment cannot be registered, or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class Experiment:
    """An experiment as it was registered: its terms, and the last day of it where it was stopped early."""

    name: str
    terms: Effect
    registered_at: datetime
    registered_by: str
    digest: str
    stopped_on: date | None = None
    stopped_reason: str = ""

    @property
    def starts_on(self) -> date:
        """The first day on which something is withheld."""
        assert self.terms.starts_on is not None
        return self.terms.starts_on

    def ends_on(self, sampled_on: date | None = None) -> date | None:
        """Return the last day of it as far as it is known; `sampled_on` is the day on which the sample was complete."""
        sampled = sampled_on + timedelta(days=self.terms.outcome_days) if sampled_on else None
        return min((day for day in (self.terms.ends_on, self.stopped_on, sampled) if day), default=None)

    def begun(self, day: date) -> bool:
        """Whether it had begun on a day; one that was stopped before its first day never did."""
        return self.starts_on <= day and (self.stopped_on is None or self.stopped_on >= self.starts_on)


def experiments_of_home() -> tuple[Experiment, ...]:
    """Return the experiments that were registered in the home, the first one first."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return tuple(_experiment(each) for each in kept.all_experiments(tx))


def register(terms: Effect, who: str, now: datetime) -> tuple[Experiment, bool]:
    """Register an experiment; return it, and whether it was not registered already with the same terms."""
    if not terms.share:
        raise NotRegistered("The policy withholds from nobody: [effect] has share = 0. Give it a share first.")
    values = terms.model_dump(mode="json")
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        earlier = kept.all_experiments(tx)
        if same := next((each for each in earlier if each.name == terms.experiment), None):
            if same.digest == kept.digest_of(values):
                return _experiment(same), False
            raise NotRegistered(
                f"{same.name} was registered on {same.registered_at:%Y-%m-%d} with other terms "
                f"({', '.join(_changed(same, values))}), and stays as it was. Give the new one another name."
            )
        _check_time(terms, now, [_experiment(each) for each in earlier])
        row = kept.add_experiment(tx, terms.experiment, values, who, now)
        audit.note(tx, now, ACTOR, "effect.register", row.name, {"who": who, "digest": row.digest})
        return _experiment(row), True


def stop(name: str, who: str, reason: str, now: datetime) -> Experiment:
    """Stop an experiment: its day is the last on which something is withheld."""
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        if not kept.stop_experiment(tx, name, who, reason, now):
            raise NotRegistered(f"No experiment {name} goes on. `gtm effect show` lists those that were registered.")
        audit.note(tx, now, ACTOR, "effect.stop", name, {"who": who, "why": reason})
        return next(_experiment(each) for each in kept.all_experiments(tx) if each.name == name)


def _check_time(terms: Effect, now: datetime, earlier: list[Experiment]) -> None:
    assert terms.starts_on is not None
    if terms.starts_on <= now.date():
        raise NotRegistered(
            f"It has to be registered before it starts: starts_on is {terms.starts_on}, today is {now:%Y-%m-%d}."
        )
    for each in earlier:
        ends_on = each.ends_on()
        if ends_on is None or ends_on >= terms.starts_on:
            raise NotRegistered(
                f"{each.name} goes on until {ends_on or 'its sample is complete'}. One runs at a time: start after it, "
                f"or end it with: gtm effect stop {each.name}"
            )


def _changed(row: Registered, values: dict[str, object]) -> list[str]:
    return sorted(name for name, value in values.items() if row.terms.get(name) != value)


def _experiment(row: Registered) -> Experiment:
    if not row.is_intact:
        raise NotRegistered(
            f"The terms of {row.name} in the state are not those that were registered: their hash differs. Restore "
            "the state from a backup."
        )
    stopped_on = row.stopped_at.date() if row.stopped_at else None
    return Experiment(
        row.name,
        Effect.model_validate(row.terms),
        row.registered_at,
        row.registered_by,
        row.digest,
        stopped_on,
        row.stopped_reason or "",
    )
