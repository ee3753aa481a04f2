"""What a provider of facts about companies is: asked about some, it answers at once or later, and charges credits.

A provider is the client of a source whose trigger is `OnDemand`. Its answers are kept in the state, together with what
they cost; its stream reads them from there, so that reading them again costs nothing. Whom to ask, and how much may be
spent, belongs to `gtm_platform.enrichment`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Literal, Protocol

from gtm_platform.http.errors import Permanent
from gtm_platform.http.pages import Page
from gtm_platform.ingest.record import Amount, Id, Instant, Record, fact, with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state, spend
from gtm_platform.state.bought_answers import BoughtAnswer, answers_between, keep_answer

PAGE = 500
ARRIVES_LATE = timedelta(days=2)  # an answer may come after the run of its day has ended

Outcome = Literal["matched", "no_match", "failed", "refused"]


class CreditsExhausted(Permanent):
    """The provider says that the account has no credits left; nothing more can be asked until it has."""


@dataclass(frozen=True)
class Question:
    """A company that a provider is asked about; the id is that of its reservation of credits."""

    id: int
    domain: str
    name: str | None = None


@dataclass(frozen=True)
class Answer:
    """What came back about a company, as received, and what that cost.

    `refused` is a question that was not answered for want of credits, and cost nothing. A `unit` is what the provider
    charges for once in a contract's year, however often and under whatever name it is asked for.
    """

    question: Question
    outcome: Outcome
    raw: bytes
    credits: Decimal | None = Decimal(0)  # None where the provider does not say: then all that was reserved
    unit: str | None = None


@dataclass(frozen=True)
class Reply:
    """What a call brought: answers, or a reference by which they are collected later."""

    answers: tuple[Answer, ...] = ()
    reference: str | None = None


class Provider(Protocol):
    """A provider of facts, opened for one run."""

    batch_size: int  # companies to a call
    repeats_are_free: bool  # whether a company may be asked for again without a second charge
    units_free_since: datetime | None  # from when on a unit that was charged for is free

    def ask(self, questions: Sequence[Question]) -> Reply:
        """Ask about some companies; what it raises says whether the call may have been charged (see `was_refused`)."""
        ...

    def collect(self, reference: str, questions: Sequence[Question], *, wait: bool) -> list[Answer] | None:
        """Return the answers to an earlier call; None while they are not there yet, after waiting for them or not."""
        ...

    def credits_left(self) -> Decimal | None:
        """Return what the account itself has left, by the provider; None where it does not say."""
        ...


def keep(state: State, provider: str, answer: Answer, at: datetime, units_free_since: datetime | None = None) -> bool:
    """Keep an answer together with what it cost; return False where it was kept before."""
    question = answer.question
    with state.writing() as tx:
        if not spend.charge(tx, question.id, answer.credits, at, answer.unit, units_free_since):
            return False
        text = answer.raw.decode("utf-8", "replace")
        keep_answer(tx, BoughtAnswer(question.id, provider, question.domain, answer.outcome, text, at))
    return True


class AnsweredCompany(Record):
    """What every answer about a company is kept with."""

    id: Id = fact("id", default=..., about="The reservation of credits that it was bought with.")
    domain: Id = fact("domain", default=..., about="The domain that was asked for.")
    outcome: Id = fact("outcome", default=..., about="matched, no_match, or failed.")
    credits: Amount = fact("credits", default=..., about="What the answer cost.")
    retrieved_at: Instant = fact("retrieved_at", default=..., about="When it came.")


Facts = Callable[[bytes], Mapping[str, Any]]


def no_facts(_raw: bytes) -> Mapping[str, Any]:
    """Put nothing beside an answer, as its fields lie where they always do."""
    return {}


def companies_stream(
    record: type[AnsweredCompany], provider: str, probe: Callable[[Any], object], facts: Facts = no_facts
) -> Stream:
    """Return the stream of a provider's answers about companies, of which none is ever lost."""
    return Stream(
        "companies",
        record,
        lambda _client, window: kept_answers(provider, window, facts),
        sync_mode="append_only",
        cursor_field="retrieved_at",
        lookback=ARRIVES_LATE,
        probe=probe,
        totals="What is read is what was bought; the provider keeps no list of it.",
    )


def kept_answers(provider: str, window: Window, facts: Facts = no_facts) -> Iterator[Page]:
    """Yield the answers of a window as received, each with what was asked and what it cost."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        answers = answers_between(tx, provider, window.start, window.end)
        while page := [_raw(answer, facts) for answer in islice(answers, PAGE)]:
            yield page


def _raw(answer: BoughtAnswer, facts: Facts) -> bytes:
    raw = answer.answer.encode()
    return with_facts(
        raw,
        **facts(raw),
        id=str(answer.reservation_id),
        domain=answer.subject,
        outcome=answer.outcome,
        credits=str(answer.credits),
        retrieved_at=answer.retrieved_at.isoformat(),
    )
