"""What came of a dropped file, as a sentence and as a row: for Dagster, messages, `gtm doctor` and `gtm import`."""

from dataclasses import dataclass

from gtm_platform.http.redaction import ADDRESSES
from gtm_platform.ingest.files.reading import FileReport
from gtm_platform.state.dropped_files import READ, REFUSED, DroppedFile

REASONS_IN_SENTENCE = 3


@dataclass(frozen=True)
class Outcome:
    """A file with its report."""

    file: DroppedFile
    report: FileReport

    @property
    def is_clean(self) -> bool:
        """Whether every row was accepted."""
        return not self.report.refused and not self.report.quarantined

    @property
    def name(self) -> str:
        """The file's name, without any address in it."""
        return ADDRESSES.sub("…", self.file.name)

    def row(self) -> dict[str, str | int]:
        """Return it as a row for people."""
        return {
            "file": self.name,
            "received": f"{self.file.received_at:%Y-%m-%d %H:%M} UTC",
            "outcome": self.file.status,
            "rows": self.report.rows,
            "accepted": self.report.accepted,
            "quarantined": self.report.quarantined,
            "why": self.report.refused or reasons(self.report),
        }

    def __str__(self) -> str:
        name, report = self.name, self.report
        if self.file.status == REFUSED:
            return f"{name} was refused: {report.refused}"
        waits = "" if self.file.status == READ else " It is not in the tables yet."
        return f"{name}: {counts(report)}.{waits}"


def outcome_of(file: DroppedFile) -> Outcome:
    """Return what came of a file so far."""
    return Outcome(file, FileReport.from_json(file.report))


def counts(report: FileReport, *, with_reasons: bool = True) -> str:
    """Say how many rows were accepted and quarantined, with the most frequent reasons."""
    sentence = f"{report.accepted:,} of {report.rows:,} rows accepted as {report.stream}"
    if not report.quarantined:
        return sentence
    sentence = f"{sentence}, {report.quarantined:,} quarantined"
    return f"{sentence} ({reasons(report)})" if with_reasons else sentence


def reasons(report: FileReport) -> str:
    """Name the most frequent reasons why rows are quarantined, each with the first lines."""
    shown = dict(list(report.reasons.items())[:REASONS_IN_SENTENCE])
    named = "; ".join(f"{lines_of(report, reason)}: {reason}" for reason in shown)
    more = report.quarantined - sum(shown.values())
    return f"{named}; and {more:,} for other reasons" if named and more > 0 else named


def lines_of(report: FileReport, reason: str) -> str:
    """Name the first lines that are quarantined for a reason, and how many more there are."""
    first, count = report.lines.get(reason, []), report.reasons[reason]
    if not first:  # the report is of an earlier version
        return f"{count:,} row{'s' if count > 1 else ''}"
    more = count - len(first)
    named = f"{'line' if len(first) == 1 and not more else 'lines'} {', '.join(map(str, first))}"
    return f"{named} and {more:,} more" if more else named
