"""Which dropped files there is news of: read, refused, or dropped a second time. Their register lies in the state."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from gtm_platform.delivery.alerts.kinds.file_dropped import FileNews
from gtm_platform.ingest.files.outcome import outcome_of
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.dropped_files import REFUSED, DroppedFile, news_since


def read_file_news(cursor: str | None, now: datetime) -> tuple[list[FileNews], str]:
    """Return what became of files since the cursor, and the next cursor.

    The first look is at what comes from now on. The moment of the cursor itself is read again: what is journaled is not
    sent twice.
    """
    if not cursor:
        return [], now.isoformat()
    since = datetime.fromisoformat(cursor)
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        files = news_since(tx, since)
    news = [each for file in files for each in _news_of(file, since)]
    return news, max([cursor, *(each.at for each in news)])


def _news_of(file: DroppedFile, since: datetime) -> Iterator[FileNews]:
    if file.settled_at and file.settled_at >= since:
        yield _news(file, file.settled_at, str(outcome_of(file)), is_repeated=False)
    if file.dropped_again_at and file.dropped_again_at >= since:
        why = (
            f"A file with this content was picked up on {file.received_at:%Y-%m-%d %H:%M} UTC; nothing was read twice."
        )
        yield _news(file, file.dropped_again_at, why, is_repeated=True)


def _news(file: DroppedFile, at: datetime, why: str, *, is_repeated: bool) -> FileNews:
    return FileNews(
        source=file.source,
        stream=file.stream,
        name=outcome_of(file).name,
        digest=file.digest,
        at=at.isoformat(),
        is_refused=file.status == REFUSED,
        is_repeated=is_repeated,
        quarantined=int(file.report.get("quarantined", 0)),
        why=why,
        run_id=file.run_id,
    )
