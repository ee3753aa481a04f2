"""What is news for a subscription: the day's values beside those that it was last sent. Pure functions."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gtm_platform.delivery.triggers.kinds import SUBJECTS, SubjectKind, kinds_of, matches
from gtm_platform.delivery.triggers.subjects import Row, Subjects, values_of
from gtm_platform.policy import Triggers
from gtm_platform.state.trigger_outbox import LastSent, NewMessage
from gtm_platform.state.trigger_subscriptions import Subscription

NEVER = LastSent(None, 0)
Known = Mapping[SubjectKind, Mapping[str, LastSent]]


def subjects_of(subscription: Subscription) -> list[SubjectKind]:
    """Return whether a subscription is about customers, companies or both."""
    return [subject for subject in SUBJECTS if kinds_of(subscription.kinds, subject)]


def new_messages(subscription: Subscription, day: Subjects, last: Known, rules: Triggers) -> list[NewMessage]:
    """Return a message for each customer and company of which there is news, by id."""
    return [
        message
        for subject in subjects_of(subscription)
        for message in _of_subject(subscription, subject, day, last[subject], rules)
    ]


def standing(subscription: Subscription, day: Subjects) -> dict[tuple[str, str], LastSent]:
    """Return how everybody stands, to be kept as if it had been sent: what comes is compared with it."""
    return {
        (subject, id): LastSent(values_of(row, subscription.kinds, subject), 0)
        for subject in subjects_of(subscription)
        for id, row in day.of(subject).items()
        if matches(row, subscription.filters)
    }


def _of_subject(
    subscription: Subscription, subject: SubjectKind, day: Subjects, last: Mapping[str, LastSent], rules: Triggers
) -> Iterator[NewMessage]:
    rows = day.of(subject)
    for id in sorted(id for id in rows.keys() | last.keys() if day.judges(id)):
        before, row = last.get(id, NEVER), rows.get(id)
        after = values_of(row, subscription.kinds, subject) if row and matches(row, subscription.filters) else None
        if after is not None and day.unknown & after.keys():
            if before.content is None:
                continue  # nothing was sent yet, and not all is known
            after |= {name: before.content.get(name) for name in day.unknown & after.keys()}
        if after is not None:
            changed = _changed(subscription, subject, before.content, after, rules)
            if changed:
                content = _content(id, subject, before, after, changed, day.day)
                yield _message(subscription, f"{subject}.changed", subject, id, content, after)
        elif before.content is not None:
            content = _content(id, subject, before, None, [], day.day)
            content["reason"] = "filter" if row else "gone"
            yield _message(subscription, f"{subject}.left", subject, id, content, None)


def _changed(
    subscription: Subscription,
    subject: SubjectKind,
    before: Mapping[str, Any] | None,
    after: Row,
    rules: Triggers,
) -> Sequence[str]:
    """Return the kinds of which there is news; all of them where nothing is known yet."""
    kinds = kinds_of(subscription.kinds, subject)
    if before is None:
        return [kind.name for kind in kinds]
    return [kind.name for kind in kinds if kind.changed(before.get(kind.name), after[kind.name], rules)]


def _content(
    id: str, subject: SubjectKind, before: LastSent, after: Mapping[str, Any] | None, changed: Sequence[str], day: str
) -> dict[str, Any]:
    return {
        f"{subject}_id": id,
        "as_of": day,
        "sequence": before.sequence + 1,
        "changed": list(changed),
        "before": None if before.content is None else dict(before.content),
        "after": after,
    }


def _message(
    subscription: Subscription,
    type: str,
    subject: SubjectKind,
    id: str,
    content: Mapping[str, Any],
    after: Mapping[str, Any] | None,
) -> NewMessage:
    number = content["sequence"]
    return NewMessage(
        _message_id(subscription.id, subject, id, number), type, subject, id, content, LastSent(after, number)
    )


def _message_id(subscription_id: str, subject: str, id: str, sequence: int) -> str:
    """Return the id of a message: the same for the same one, whoever writes it and however often."""
    text = ":".join((subscription_id, subject, id, str(sequence)))
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
