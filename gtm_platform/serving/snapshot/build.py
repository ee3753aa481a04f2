"""Making a snapshot: a draft is filled from a landing and then takes its place; what fails leaves the old one."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gtm_platform.serving.snapshot import (
    company_rows,
    customer_rows,
    departures,
    events,
    facts,
    hubspot_writes,
    journals,
    metric_rows,
    score_changes,
)
from gtm_platform.serving.snapshot.files import key_of, path_of, publishing, stamps
from gtm_platform.serving.snapshot.landing import Draft, Landing, as_json, instant
from gtm_platform.serving.snapshot.layout import FORMAT, indexes, tables
from gtm_platform.state.sqlite_files import connect


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    stamp: str
    day: str
    customers: int
    companies: int
    days: int
    days_computed: int  # whose metrics were computed anew
    bytes: int


def build(landing: Landing, folder: Path) -> Built | None:
    """Make a snapshot of the landing; None where the wide table has no day yet."""
    if not landing.day:
        return None
    older = stamps(folder)
    previous = path_of(folder, older[-1]) if older else None
    with publishing(folder) as (stamp, path):
        with closing(connect(path, key_of(path), isolation_level=None)) as db:
            # Nobody reads a draft, and one that fails is thrown away: no journal is needed.
            db.executescript("pragma page_size = 8192; pragma journal_mode = off; pragma synchronous = off;")
            db.executescript(tables())
            db.execute("begin")
            built = _fill(Draft(landing, stamp, db), previous)
            db.execute("commit")
            db.executescript(f"{indexes()}; analyze; pragma user_version = {FORMAT};")
        size = path.stat().st_size
    return Built(stamp, landing.day, *built, bytes=size)


def _fill(draft: Draft, previous: Path | None) -> tuple[int, int, int, int]:
    customers = customer_rows.fill(draft)
    companies = company_rows.fill(draft)
    company_rows.fill_transitions(draft)
    computed = metric_rows.fill(draft, previous)
    score_changes.fill(draft)
    journals.fill(draft)
    departures.fill(draft)
    events.fill(draft)
    hubspot_writes.fill(draft)
    for fact in facts.discover().values():
        draft.db.execute("insert into facts values (?, ?)", (fact.name, as_json(fact.make(draft))))
    landing = draft.landing
    meta = {"stamp": draft.stamp, "as_of": landing.day, "made_at": instant(landing.made_at)}
    draft.db.executemany("insert into meta values (?, ?)", meta.items())
    return customers, companies, len(landing.days), computed
