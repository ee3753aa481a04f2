"""The facts of a made-up company's customers on a day, as its truth has them, written as the tables behind health.

What truth does not have is taken from the world itself: the tone of what customers wrote, when they signed up, and
their logins over further windows. A customer's id is the person's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from gtm_platform.core.messages import CUSTOMERS, SPOKEN
from gtm_platform.core.tone import tone
from gtm_platform.health import customer_health, rules
from gtm_platform.ingest.plain_text import plain_text
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.history import PersonHistory
from gtm_platform.unified import customers
from gtm_platform_tests.tables import filled

Row = Mapping[str, Any]
TONE_DAYS = 90
LOGINS = {"logins_14d": (13, 0), "logins_14d_before": (27, 14), "logins_28d_before": (34, 7)}  # from and to, days ago
EMPTY = ("core/calls", "core/pipeline", "quality/customer_quality")  # of what health is not made from


@dataclass
class LivedFacts:
    """Writes days of a world into a lake, and the health that they come to."""

    world: World
    lake: Lake
    _tones: dict[str, float | None] = field(default_factory=dict)

    @cached_property
    def _rates(self) -> Mapping[str, Decimal]:
        return policy().money.rates

    def write(self, day: date) -> None:
        """Write the day at whose end the world stands."""
        people = self.world.truth(day)["people"]
        histories = {history.key: history for history in self.world._context.histories}
        tones = self._tones_of_contacts(day)
        tables: dict[str, list[Row]] = {
            "identity/people": [
                {"customer_id": row["person"], "company_id": row["company_domain"], "shared_inbox": row["shared_inbox"]}
                for row in people
            ],
            "core/profile": [_profile(row, histories[row["person"]], day) for row in people],
            "core/revenue": [self._revenue(row) for row in people],
            "core/activity": [_activity(row, histories[row["person"]], day) for row in people],
            "core/support": [_support(row, tones) for row in people],
            **{table: [] for table in EMPTY},
        }
        for table, rows in tables.items():
            self.lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))
        for table in (rules.TABLE, customer_health.TABLE, customers.TABLE):
            table.write_day(self.lake, str(day))

    def _revenue(self, row: Row) -> Row:
        mrr = Decimal(row["mrr"])
        return {
            "customer_id": row["person"],
            "mrr": mrr,
            "mrr_reporting": round(mrr * self._rates[row["currency"]], 2) if mrr else Decimal(0),
            "currency": row["currency"],
            "subscription_status": row["subscription_status"],
            "is_delinquent": row["delinquent"],
            "failed_payments_30d": row["failed_payments_30d"],
            "first_paid_at": _moment(row["customer_since"]),
        }

    def _tones_of_contacts(self, day: date) -> Mapping[str, Sequence[float]]:
        """Return the tones of what each contact wrote in 90 days; each message is judged once."""
        tones: dict[str, list[float]] = {}
        end = _end_of(day)
        for id, contact, at, body in self._messages():
            if end - timedelta(days=TONE_DAYS) <= at < end:
                if id not in self._tones:
                    text = plain_text(body)
                    self._tones[id] = tone(text) if text else None
                if (judged := self._tones[id]) is not None:
                    tones.setdefault(contact, []).append(judged)
        return tones

    def _messages(self) -> Iterator[tuple[str, str, datetime, str | None]]:
        for conversation in self.world.intercom.conversations.values():
            if conversation.deleted:
                continue
            contact = conversation.contact_id
            if conversation.author_type in CUSTOMERS:
                yield f"conversation:{conversation.id}", contact, conversation.created, conversation.body
            for part in conversation.parts:
                if part.author_type in CUSTOMERS and part.part_type in SPOKEN:
                    yield f"part:{part.id}", contact, part.created, part.body


def _profile(row: Row, history: PersonHistory, day: date) -> Row:
    product = history.product
    signed_up = product.use.signed_up if product and product.use.signed_up < _end_of(day) else None
    columns = ("customer_status", "is_customer", "churn_reason", "mail_bounces", "seat_deactivated")
    moments = {name: _moment(row[name]) for name in ("customer_since", "churned_at")}
    return {"customer_id": row["person"], "signup_at": signed_up, **{name: row[name] for name in columns}, **moments}


def _activity(row: Row, history: PersonHistory, day: date) -> Row:
    seen, logins, onboarding = _moment(row["last_seen_at"]), row["logins_30d"], row["onboarding_pct"]
    counts: dict[str, int | None] = dict.fromkeys(LOGINS)
    if logins is not None and history.product:
        use = history.product.use
        counts = {
            name: use.count(day - timedelta(days=first), day - timedelta(days=last), _end_of(day))
            for name, (first, last) in LOGINS.items()
        }
    return {
        "customer_id": row["person"],
        "last_seen_at": seen,
        "days_since_seen": (day - seen.date()).days if seen else None,
        "logins_7d": row["logins_7d"],
        "logins_30d": logins,
        "onboarding_pct": onboarding,
        "engagement_score": _engagement(logins, onboarding),
        **counts,
    }


def _engagement(logins: int | None, onboarding: float | None) -> float | None:
    health = policy().health
    used = None if logins is None else min(1, logins / health.logins_for_full_engagement) * 100
    parts = [(health.logins_share, used), (health.onboarding_share, onboarding)]
    present = [(share, part) for share, part in parts if part is not None]
    if len(present) < len(parts):
        return float(present[0][1]) if present else None
    return sum(share * part for share, part in present)


def _support(row: Row, tones: Mapping[str, Sequence[float]]) -> Row:
    written = [each for contact in row["intercom"] for each in tones.get(contact, ())]
    columns = (
        *("conversations_90d", "open_conversations", "open_critical_tickets"),
        *("csat_avg_90d", "csat_count_90d"),
    )
    return {
        "customer_id": row["person"],
        **{name: row[name] for name in columns},
        "sentiment_90d": sum(written) / len(written) if written else None,
        "cancel_mentioned_at": _moment(row["cancel_mentioned_at"]),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
