"""Each message is judged once, kept while its text is the same, and forgotten when it no longer counts."""

from typing import Any

import pytest

from gtm_platform.core import judged_tones, message_tone
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

PART = {"conversation_id": "1", "author_id": "i1", "author_type": "user", "part_type": "comment"}


def tones(previous: list[dict[str, Any]], **rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    table = computed(
        message_tone.table,
        "core/message_tone",
        conversations=filled("intercom/conversations", *rows.get("conversations", [])),
        parts=filled("intercom/conversation_parts", *rows.get("parts", [])),
        previous=filled("core/message_tone", *previous),
        policy=policy(),
        day=DAY,
    )
    return by("message_id", table)


def part(id: str, body: str | None, days: int = 1, **fields: Any) -> dict[str, Any]:
    return {**PART, "id": id, "body": body, "created_at": days_ago(days), **fields}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were judged."""
    texts: list[str] = []

    def listening(text: str) -> float:
        texts.append(text)
        return -0.5 if "terrible" in text else 0.5

    monkeypatch.setattr(judged_tones, "tone", listening)
    return texts


def test_the_messages_of_customers_are_judged(judged: list[str]) -> None:
    first = {"id": "1", "author_id": "i1", "author_type": "lead", "body": "terrible", "created_at": days_ago(3)}
    found = tones(
        [],
        conversations=[first, {**first, "id": "2", "author_type": "admin"}],
        parts=[
            part("1", "fine"),
            part("2", "an answer", author_type="admin"),
            part("3", "a note", part_type="note"),
            part("4", None),
            part("5", "long ago", days=90),
        ],
    )
    assert {message: row["tone"] for message, row in found.items()} == {"conversation:1": -0.5, "part:1": 0.5}
    assert sorted(judged) == ["fine", "terrible"]


def test_a_message_is_judged_once_and_again_when_its_text_changes(judged: list[str]) -> None:
    yesterday = list(tones([], parts=[part("1", "fine"), part("2", "good")]).values())
    judged.clear()
    today = tones(yesterday, parts=[part("1", "fine"), part("2", "terrible"), part("3", "new")])
    assert sorted(judged) == ["new", "terrible"]
    assert {message: row["tone"] for message, row in today.items()} == {"part:1": 0.5, "part:2": -0.5, "part:3": 0.5}


def test_what_no_longer_counts_is_forgotten(judged: list[str]) -> None:
    yesterday = list(tones([], parts=[part("1", "fine", days=89)]).values())
    assert tones(yesterday, parts=[part("1", "fine", days=90)]) == {}
    assert judged == ["fine"]


def test_the_real_tone_is_that_of_the_text() -> None:
    (row,) = tones([], parts=[part("1", "This is terrible, the worst support ever")]).values()
    assert row["tone"] < -0.5
    assert len(row["text_hash"]) == 64


def test_only_the_writers_own_words_are_judged(judged: list[str]) -> None:
    quoted = "fine\n> this is terrible\nOn Mon, 16 Nov 2026, Support wrote:\nterrible indeed"
    away = "Automatic reply: I am out of the office until Monday. Terrible timing, I know."
    assert tones([], parts=[part("1", quoted), part("2", away), part("3", "> terrible")]).keys() == {"part:1"}
    assert judged == ["fine"]
