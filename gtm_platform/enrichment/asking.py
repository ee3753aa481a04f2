"""Asking a provider about companies: credits are reserved, the call is made, its answers are kept with what they cost.

Each step is a transaction of its own, so that whenever a run is killed the ledger says what may have been spent:

- reserved and not begun: the call was not made. The next run gives it back, and the run that is late may not call.
- begun, with a reference: the provider is asked what became of the call.
- begun, without one: where asking again is free it is asked again; else it stays reserved until a person settles it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from gtm_platform.enrichment.candidates import Candidate
from gtm_platform.http.errors import ApiFailure
from gtm_platform.ingest.credits import was_refused
from gtm_platform.ingest.enrichment import Answer, CreditsExhausted, Provider, Question, Reply, keep
from gtm_platform.policy import Enrichment
from gtm_platform.state import State, spend
from gtm_platform.state.spend import Reservation

UNBEGUN_FOR = timedelta(hours=1)  # longer than any wait between a reservation and its call
LOST_AFTER = timedelta(minutes=30)  # longer than any call with its retries


@dataclass
class AskReport:
    """What became of the companies that a run asked about, and of those that earlier ones did."""

    companies: int = 0
    matched: int = 0
    without_match: int = 0
    charged: Decimal = Decimal(0)
    pending: int = 0  # asked about, with answers still to come
    in_doubt: int = 0  # begun, and nobody knows whether it was charged
    stopped: str = ""  # why no more were asked about
    is_exhausted: bool = False  # by the provider's own count

    def __str__(self) -> str:
        sentence = (
            f"{self.companies} companies asked about, {self.matched} matched, {self.without_match} without a match; "
            f"{spend.as_text(self.charged)} credits charged"
        )
        more = [f"{self.pending} answers still to come"] if self.pending else []
        more += [f"{self.in_doubt} in doubt"] if self.in_doubt else []
        return "; ".join([sentence, *more, *([self.stopped] if self.stopped else [])])


@dataclass(frozen=True)
class Asking:
    """A provider, asked by one run within the cap of the month."""

    state: State
    name: str
    provider: Provider
    rules: Enrichment
    clock: Callable[[], datetime]
    run_id: str
    report: AskReport = field(default_factory=AskReport)

    def ask(self, candidates: Iterable[Candidate], limit: int | None = None) -> AskReport:
        """Settle what earlier runs left, then ask about candidates in their order, up to the limit and the cap."""
        references: dict[str, list[Question]] = {}
        try:
            self.settle_earlier()
            chunks = _chunks(candidates, limit, self.provider.batch_size)
            if chunks and self._is_exhausted():
                chunks = []
            for wishes in chunks:
                if self.report.stopped:
                    break
                names = {wish.domain: wish.name for wish in wishes}
                reserved = self._reserve(wishes)
                questions = [Question(each.id, each.subject, names[each.subject]) for each in reserved]
                self._call(questions, references)
        except CreditsExhausted as failure:
            self.report.stopped, self.report.is_exhausted = failure.message, True
        for reference, questions in references.items():
            self._collect(reference, questions, wait=True)
        return self.report

    def settle_earlier(self) -> AskReport:
        """Settle what runs that are over left: give back, collect, or ask again where that is free."""
        now = self.clock()
        with self.state.writing() as tx:
            spend.release_unbegun(tx, self.name, now - UNBEGUN_FOR, now)
        with self.state.reading() as tx:
            begun, lost = spend.unsettled(tx, self.name), spend.unsettled(tx, self.name, now - LOST_AFTER)
        by_reference: dict[str, list[Question]] = {}
        for each in begun:
            if each.reference:
                by_reference.setdefault(each.reference, []).append(_question(each))
        for reference, questions in by_reference.items():
            self._collect(reference, questions, wait=False)
        without = [_question(each) for each in lost if not each.reference]
        if not self.provider.repeats_are_free:
            self.report.in_doubt += len(without)
            return self.report
        for start in range(0, len(without), self.provider.batch_size):
            self._keep(self._answers(without[start : start + self.provider.batch_size]).answers)
        return self.report

    def _is_exhausted(self) -> bool:
        """Whether the account has less left than one company may cost, by the provider's own count."""
        left = self.provider.credits_left()
        if left is None or left >= self.rules.credits_of(self.name):
            return False
        self.report.is_exhausted = True
        self.report.stopped = f"the account has {spend.as_text(left)} credits left by {self.name}'s own count"
        return True

    # --- one call ----------------------------------------------------------------------------------------------------

    def _reserve(self, wishes: Sequence[Candidate]) -> list[Reservation]:
        credits, cap, now = self.rules.credits_of(self.name), self.rules.cap_of(self.name), self.clock()
        with self.state.writing() as tx:
            wished = [(wish.domain, credits) for wish in wishes]
            reserved = spend.reserve(tx, self.name, wished, cap, self.run_id, now, now - self.rules.max_age)
            committed = spend.spent_in(tx, self.name, spend.month_of(now)).committed
        if committed + credits > cap:
            self.report.stopped = f"the cap of {spend.as_text(cap)} credits for {spend.month_of(now)} is used up"
        return reserved

    def _call(self, questions: Sequence[Question], references: dict[str, list[Question]]) -> None:
        with self.state.writing() as tx:
            begun = set(spend.begin(tx, [each.id for each in questions], self.clock()))
        questions = [each for each in questions if each.id in begun]
        if not questions:
            return
        reply = self._answers(questions)
        self.report.companies += len(questions)
        if reply.reference:
            with self.state.writing() as tx:
                spend.refer(tx, begun, reply.reference)
            references.setdefault(reply.reference, []).extend(questions)
        self._keep(reply.answers)

    def _answers(self, questions: Sequence[Question]) -> Reply:
        try:
            return self.provider.ask(questions)
        except ApiFailure as failure:
            if was_refused(failure, repeats_are_free=self.provider.repeats_are_free):
                with self.state.writing() as tx:
                    spend.release(tx, [each.id for each in questions], self.clock(), failure.message)
            else:
                self.report.in_doubt += len(questions)
            raise

    def _collect(self, reference: str, questions: Sequence[Question], *, wait: bool) -> None:
        answers = self.provider.collect(reference, questions, wait=wait)
        if answers is None:
            self.report.pending += len(questions)
        else:
            self._keep(answers)

    def _keep(self, answers: Sequence[Answer]) -> None:
        """Keep each answer together with what it cost; one that was kept before changes nothing."""
        for answer in answers:
            if answer.outcome == "refused":
                with self.state.writing() as tx:
                    spend.release(tx, [answer.question.id], self.clock(), "The provider's own credits were used up.")
                self.report.is_exhausted = True
                self.report.stopped = f"{self.name} says that the account's own credits are used up"
            elif keep(self.state, self.name, answer, self.clock(), self.provider.units_free_since):
                self._count(answer)

    def _count(self, answer: Answer) -> None:
        with self.state.reading() as tx:
            [settled] = spend.reservations(tx, [answer.question.id])
        self.report.matched += answer.outcome == "matched"
        self.report.without_match += answer.outcome != "matched"
        self.report.charged += settled.charged or Decimal(0)


def _question(reservation: Reservation) -> Question:
    return Question(reservation.id, reservation.subject)


def _chunks(candidates: Iterable[Candidate], limit: int | None, size: int) -> list[list[Candidate]]:
    chosen = list(candidates)[:limit]
    return [chosen[start : start + size] for start in range(0, len(chosen), size)]
