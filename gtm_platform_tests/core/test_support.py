"""Conversations, ratings, tone and talk of leaving: borders of the windows, and whose messages count."""

from typing import Any

import pytest

from gtm_platform.core import support
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

PEOPLE = [{"customer_id": "a"}, {"customer_id": "b"}]
LINKS = [
    {"source": "intercom", "record_id": record, "customer_id": customer, "match_method": "email"}
    for record, customer in {"i1": "a", "i2": "a", "i3": "b"}.items()
]
CONTACTS = [{"id": "i1"}, {"id": "i2"}, {"id": "i3"}]


def customers(contacts: list[dict[str, Any]] = CONTACTS, **rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    table = computed(
        support.table,
        "core/support",
        people=filled("identity/people", *PEOPLE),
        links=filled("identity/links", *LINKS),
        intercom=filled("intercom/contacts", *contacts),
        conversations=filled("intercom/conversations", *rows.get("conversations", [])),
        parts=filled("intercom/conversation_parts", *rows.get("parts", [])),
        tickets=filled("intercom/tickets", *rows.get("tickets", [])),
        tones=filled("core/message_tone", *rows.get("tones", [])),
        policy=policy(),
        day=DAY,
    )
    return by("customer_id", table)


def talk(id: str, **details: Any) -> dict[str, Any]:
    return {
        "id": id,
        "contact_id": "i1",
        "contact_ids": ["i1"],
        "created_at": days_ago(1),
        "state": "closed",
        **details,
    }


def test_counts_are_zero_while_intercom_is_on_and_null_while_it_is_off() -> None:
    counts = ("conversations_90d", "open_conversations", "open_critical_tickets", "csat_count_90d")
    for figures, expected in ((customers(), 0), (customers(contacts=[]), None)):
        assert all(figures[customer][name] == expected for customer in "ab" for name in counts)
        assert (
            figures["a"]["csat_avg_90d"] is figures["a"]["sentiment_90d"] is figures["a"]["cancel_mentioned_at"] is None
        )


def test_conversations_of_the_window_each_once_for_each_customer_in_it() -> None:
    figures = customers(
        conversations=[
            talk("1", created_at=days_ago(0), state="open", contact_ids=["i1", "i2"]),
            talk("2", created_at=days_ago(89), state="snoozed"),
            talk("3", created_at=days_ago(90), state="open"),
            talk("4", contact_ids=["i1", "i3"]),
            talk("5", contact_id="i3", contact_ids=[]),
            talk("6", contact_id="nobody", contact_ids=["nobody"]),
        ]
    )
    assert (figures["a"]["conversations_90d"], figures["a"]["open_conversations"]) == (3, 3)  # one of them snoozed
    assert (figures["b"]["conversations_90d"], figures["b"]["open_conversations"]) == (2, 0)


def test_critical_is_what_is_open_and_has_priority_or_a_tag_and_every_open_ticket() -> None:
    figures = customers(
        conversations=[
            talk("1", state="open", priority="priority"),
            talk("2", state="snoozed", tags=["critical", "other"]),
            talk("3", state="closed", priority="priority"),
            talk("4", state="open", priority="not_priority", tags=["other"]),
        ],
        tickets=[
            {"id": "t1", "contact_id": "i2", "open": True, "state": "in_progress"},
            {"id": "t2", "contact_id": "i2", "open": True, "state": None},
            {"id": "t3", "contact_id": "i2", "open": True, "state": "resolved"},
            {"id": "t4", "contact_id": "i2", "open": False, "state": "submitted"},
        ],
    )
    assert figures["a"]["open_critical_tickets"] == 4


def test_ratings_by_the_day_they_were_given() -> None:
    rated = {"1": (5, 0), "2": (2, 89), "3": (1, 90), "4": (None, 0)}
    figures = customers(
        conversations=[
            talk(id, rating=stars, rated_at=days_ago(days), created_at=days_ago(300))
            for id, (stars, days) in rated.items()
        ]
    )
    assert (figures["a"]["csat_avg_90d"], figures["a"]["csat_count_90d"]) == (3.5, 2)


def test_tone_and_cancelling_in_the_customers_own_messages() -> None:
    part = {"conversation_id": "1", "author_id": "i2", "author_type": "user", "part_type": "comment"}
    tones = {"conversation:1": 0.5, "conversation:2": -1.0, "part:p1": -0.25, "part:p2": -0.75} | {
        f"part:p{number}": 1.0 for number in (4, 5, 6)
    }
    figures = customers(
        conversations=[
            talk("1", author_type="user", author_id="i1", body="I may CANCEL my plan", created_at=days_ago(89)),
            talk("2", author_type="admin", author_id="i1", body="cancel", created_at=days_ago(0)),
        ],
        parts=[
            {**part, "id": "p1", "body": "thanks", "created_at": days_ago(0)},
            {**part, "id": "p2", "body": "cancellation, please", "created_at": days_ago(90)},
            {**part, "id": "p3", "body": None, "created_at": days_ago(0)},
            {**part, "id": "p4", "body": "cancel", "created_at": days_ago(0), "author_type": "admin"},
            {**part, "id": "p5", "body": "uncancelled", "created_at": days_ago(0), "author_id": "i3"},
            {**part, "id": "p6", "body": "cancel", "created_at": days_ago(0), "part_type": "note"},
        ],
        tones=[{"message_id": message, "tone": tone} for message, tone in tones.items()],
    )
    assert figures["a"]["sentiment_90d"] == pytest.approx(0.125, abs=1e-12)
    assert figures["a"]["cancel_mentioned_at"] == days_ago(89)
    assert (figures["b"]["sentiment_90d"], figures["b"]["cancel_mentioned_at"]) == (1.0, None)
