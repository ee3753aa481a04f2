"""What a tool works with: one snapshot, who asks, and what of a customer may be shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gtm_platform.serving.answers.churned import Churned
from gtm_platform.serving.api.access_log import AccessLog
from gtm_platform.serving.snapshot.layout import SHOWN
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform.serving.store.sight import noting_people
from gtm_platform.serving.tokens import Principal
from gtm_platform.state import State

# Of a customer's columns those that a conversation needs; the rest is on the API.
BRIEF = (
    "customer_id",
    "name",
    "email",
    "company_name",
    "company_domain",
    "assigned_am",
    "customer_status",
    "plan_tier",
    "mrr_reporting",
    "health_score",
    "health_status",
    "score_change_7d",
    "churn_risk",
    "risk_signals",
    "recommended_actions",
    "last_seen_at",
    "current_period_end",
    "churned_at",
    "churn_reason",
)


@dataclass(frozen=True)
class Question:
    """One call of a tool, about one snapshot; `subjects` are the customers that it turns out to be about."""

    snapshot: Snapshot
    principal: Principal
    now: datetime
    state: State
    subjects: list[str] = field(default_factory=list)

    @property
    def personal(self) -> bool:
        """Whether names and addresses are shown."""
        return self.principal.sees_personal

    def origin(self, *tables: str) -> dict[str, Any]:
        """Return what every answer says of itself: the day, and the tables that it is made from."""
        return {"as_of": self.snapshot.as_of, "tables": list(tables)}

    def brief(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return rows of customers with the columns of a conversation, personal ones where they may be seen."""
        shown = [name for name in BRIEF if self.personal or not SHOWN[name].personal]
        return [{name: row[name] for name in shown} for row in rows]

    def departed(self, left: Churned) -> list[Any]:
        """Return who left, with their rows in short."""
        return [
            {**departure.model_dump(), "customer": row}
            for departure, row in zip(left.departures, self.brief(left.rows), strict=True)
        ]


@dataclass(frozen=True)
class Asker:
    """Where questions come from: whoever `principal` returns at that moment. Each call is audited."""

    store: Store
    log: AccessLog
    now: Callable[[], datetime]
    principal: Callable[[], Principal]
    written: Callable[[], object] = lambda: None  # called with each call; over HTTP the API writes once a second

    @contextmanager
    def question(self, tool: str) -> Iterator[Question]:
        """Yield the question that a call of a tool is; then log it."""
        principal = self.principal()
        question = Question(self.store.current().seen(principal.sight), principal, self.now(), self.log.state)
        with noting_people() as people:
            try:
                yield question
            finally:
                subject = question.subjects[0] if question.subjects else ""
                actor = f"token {principal.token_id}"
                self.log.add(actor, f"chat {tool}", subject, personal=question.personal, people=list(people))
                self.written()
