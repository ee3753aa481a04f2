"""What an alert is: a value that says whom it is about, when it is due, and how it reads."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from gtm_platform.state.slack_journal import Fact

SubjectKind = Literal["customer", "company", "source", "asset", "run", "platform"]
Severity = Literal["critical", "warning", "info"]
# The channel of the people for customers, that of the data team, or that of summaries.
Route = Literal["customers", "ops", "summaries"]

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")  # from the most to the least pressing
FINGERPRINT_LENGTH = 200  # of the journal's column

Observed = TypeVar("Observed")
Facts = Mapping[str, Any]
Wording = str | Callable[[Facts], str]


@dataclass(frozen=True)
class Occurrence:
    """One occasion for an alert; `mark` is unique among the occasions of the same kind and subject."""

    subject_id: str
    mark: str
    facts: Facts


@dataclass(frozen=True)
class Alert(Generic[Observed]):
    """One kind of alert. What `detect` returns of what it is shown is sent once each.

    Facts hold ids, figures and moments; names and addresses are looked up when the message is written. `columns` are
    read of the customers of the day, `history` of those of the days before. Occurrences with the same `group` become
    one message. `page` is what the message links to in Dagster's UI, `runbook` a page of
    docs/runbooks that is nearer than that of the kind. `advice` and `severity` are of what is wrong: a
    recovery needs no advice, and is for information. `quote` returns the subject's own words, out of its row, which are
    shown and never journaled.
    """

    kind: str
    subject: SubjectKind
    detect: Callable[[Observed], Iterable[Occurrence]]
    title: Wording
    why: Wording
    advice: Wording
    severity: Severity | Callable[[Facts], Severity]
    route: Route
    columns: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    group: Callable[[Facts], str] | None = None
    page: Callable[[Facts], str] | None = None
    runbook: Callable[[Facts], str | None] | None = None
    quote: Callable[[Facts, Mapping[str, Any]], str | None] | None = None

    def facts_of(self, observed: Observed, day: str) -> list[Fact]:
        """Return what is to be journaled of what `detect` returns."""
        return [
            Fact(self._fingerprint(each), self.kind, self.subject, each.subject_id, day, each.facts)
            for each in self.detect(observed)
        ]

    def severity_of(self, facts: Facts) -> Severity:
        """Return how pressing one occurrence is."""
        if recovered(facts):
            return "info"
        return self.severity(facts) if callable(self.severity) else self.severity

    def advice_of(self, facts: Facts) -> str:
        """Return what to do about one occurrence."""
        return "" if recovered(facts) else worded(self.advice, facts)

    def _fingerprint(self, occurrence: Occurrence) -> str:
        text = ":".join(part for part in (self.kind, occurrence.subject_id, occurrence.mark) if part)
        if len(text) <= FINGERPRINT_LENGTH:
            return text
        return f"{self.kind}:{hashlib.sha256(text.encode()).hexdigest()}"


def recovered(facts: Facts) -> bool:
    """Whether the occurrence says that what was alerted before is over."""
    return bool(facts.get("recovered"))


def worded(wording: Wording, facts: Facts) -> str:
    """Return a wording, about these facts where it depends on them."""
    return wording(facts) if callable(wording) else wording
