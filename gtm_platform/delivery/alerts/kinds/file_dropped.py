"""A dropped file was read or refused, or came a second time: what came of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, Severity


@dataclass(frozen=True)
class FileNews:
    """A file of a source, and what came of it: in `why`, as a sentence that shows nothing of its content."""

    source: str
    stream: str
    name: str
    digest: str
    at: str
    is_refused: bool
    is_repeated: bool  # the same content was picked up before
    quarantined: int
    why: str
    run_id: str


def detect(files: Iterable[FileNews]) -> Iterator[Occurrence]:
    """Yield each of them."""
    for file in files:
        facts = {name: getattr(file, name) for name in FileNews.__dataclass_fields__}
        yield Occurrence(file.source, f"{file.digest[:16]}:{file.at}", facts)


def _title(facts: Facts) -> str:
    what = "File refused" if facts["is_refused"] else "File read"
    return f"{'File dropped again' if facts['is_repeated'] else what}: {facts['name']} ({facts['source']})"


def _advice(facts: Facts) -> str:
    if facts["is_repeated"]:
        return ""
    if facts["is_refused"]:
        return "Mend the file and drop it again. `gtm import SOURCE FILE --dry-run` shows what would come of it."
    if facts["quarantined"]:
        table = f"quarantine.{facts['source']}_{facts['stream']}"
        command = f"gtm import {facts['source']} {facts['name']} --dry-run --rejected to_mend.csv"
        return (
            f"Mend these rows and drop the file again; rows that are in the tables stay as they are. "
            f"`{command}` writes them into a file to mend. "
            f'All of them: gtm query "select record_id, reason from {table}"'
        )
    return ""


def _severity(facts: Facts) -> Severity:
    return "warning" if facts["is_refused"] or facts["quarantined"] else "info"


def _page(facts: Facts) -> str:
    stream = f"/{facts['stream']}" if facts["stream"] else ""
    return f"/runs/{facts['run_id']}" if facts["run_id"] else f"/assets/{facts['source']}{stream}"


ALERT = Alert(
    kind="file_dropped",
    subject="source",
    detect=detect,
    title=_title,
    why=lambda facts: str(facts["why"]),
    advice=_advice,
    severity=_severity,
    route="ops",
    page=_page,
)
