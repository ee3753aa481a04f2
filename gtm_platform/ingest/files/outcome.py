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
            "first reasons": self.report.refused or first_reasons(self.report),
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


def counts(report: FileReport) -> str:
    """Say how many rows were accepted and quarantined, with the first reasons."""
    sentence = f"{report.accepted:,} of {report.rows:,} rows accepted as {report.stream}"
    if not report.quarantined:
        return sentence
    return f"{sentence}, {report.quarantined:,} quarantined ({first_reasons(report)})"


def first_reasons(report: FileReport) -> str:
    """Name the first rows that are quarantined, each with its line."""
    shown = "; ".join(f"line {line}: {reason}" for line, reason in report.first[:REASONS_IN_SENTENCE])
    more = report.quarantined - REASONS_IN_SENTENCE
    return f"{shown}; and {more:,} more" if more > 0 else shown
