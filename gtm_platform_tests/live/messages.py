"""What was posted in the sandbox's Slack, by what each message is about, and what was said there twice."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gtm_platform.delivery.alerts.wording import REPEAT

Post = Mapping[str, Any]


def posts(home: Path) -> list[Post]:
    """Every message that the sandbox of a home took, in its order."""
    journal = home / "sandbox" / "writes.jsonl"
    deeds = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    return [deed["write"] for deed in deeds if deed["system"] == "slack" and deed["write"]["do"] == "post"]


def counted(posted: Iterable[Post]) -> "Counter[str]":
    """How many messages of each kind there were: what stands before the first colon of their identity."""
    return Counter((_fact(post) or "without an identity").partition(":")[0] for post in posted)


def said_twice(posted: Sequence[Post]) -> list[str]:
    """Name what a channel was told again: the same fact, the same words, or what may be a repeat."""
    facts = Counter((post["channel"], fact) for post in posted if (fact := _fact(post)))
    words = Counter((post["channel"], _words(post)) for post in posted)
    wrong = [f"{fact} was posted {times} times in {channel}" for (channel, fact), times in facts.items() if times > 1]
    wrong += [
        f"the same words were posted {times} times in {channel}: {text.partition(chr(0))[0]}"
        for (channel, text), times in words.items()
        if times > 1
    ]
    return wrong + [f"it may be a repeat: {post['text']}" for post in posted if post["text"].startswith(REPEAT)]


def _fact(post: Post) -> str | None:
    payload = (post.get("metadata") or {}).get("event_payload") or {}
    return payload.get("fingerprint")


def _words(post: Post) -> str:
    return f"{post['text']}\0{json.dumps(post['blocks'], sort_keys=True)}"
