"""The answers of providers, as received, each kept in the transaction that settles what it cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from gtm_platform.state.schema import bought_answers as answers
from gtm_platform.state.schema import credit_reservations as ledger

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class BoughtAnswer:
    """What a provider answered about a subject, and what that cost."""

    reservation_id: int
    provider: str
    subject: str
    outcome: str
    answer: str
    retrieved_at: datetime
    credits: Decimal = Decimal(0)


def keep_answer(tx: sa.Connection, answer: BoughtAnswer) -> None:
    """Keep an answer; what it cost stands in the ledger."""
    row = {name: value for name, value in vars(answer).items() if name != "credits"}
    tx.execute(sa.insert(answers), row)


def answers_between(tx: sa.Connection, provider: str, start: datetime, end: datetime) -> Iterator[BoughtAnswer]:
    """Yield what a provider answered from an instant on and before another, the oldest first."""
    within = (answers.c.provider == provider) & (answers.c.retrieved_at >= start) & (answers.c.retrieved_at < end)
    joined = answers.join(ledger, ledger.c.id == answers.c.reservation_id)
    query = sa.select(answers, ledger.c.charged).select_from(joined).where(within)
    ordered = query.order_by(answers.c.retrieved_at, answers.c.reservation_id)
    for row in tx.execute(ordered.execution_options(yield_per=ROWS_AT_ONCE)):
        yield BoughtAnswer(
            row.reservation_id,
            row.provider,
            row.subject,
            row.outcome,
            row.answer,
            row.retrieved_at,
            row.charged or Decimal(0),
        )
