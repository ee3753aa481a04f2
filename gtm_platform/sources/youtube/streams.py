"""YouTube's one stream: videos that name a competitor, from searches and from the uploads of channels.

A search shows what it likes, and other results another day. So what was read once stays, and nothing is taken for
deleted.
"""

import html
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.record import instant_or_none, with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.youtube import records
from gtm_platform.sources.youtube.client import YouTube
from gtm_platform.sources.youtube.mentions import company_in, competitor_in, pains_in

SHOWN_LATE = timedelta(days=2)


def videos(youtube: YouTube, window: Window) -> Iterator[Page]:
    """Read the videos that name a competitor, all or those public since a window began."""
    queries = _discovered(youtube, window)
    for page in youtube.videos(list(queries)):
        described = [_described(youtube, video, queries) for video in page]
        yield [video for video in described if video is not None]


def _discovered(youtube: YouTube, window: Window) -> dict[str, str | None]:
    """Return the ids of candidates, each with the query that brought it."""
    bounds = {} if window.full else {"publishedAfter": _text(window.start)}
    queries: dict[str, str | None] = {}
    for name in youtube.settings.competitors:
        query = f'"{name}" vector database customer story'
        for page in youtube.search(query, **bounds):
            for result in page:
                if id_ := get_path_or_none(result, "id", "videoId"):
                    queries.setdefault(str(id_), query)
    for channel_id in youtube.settings.channel_ids:
        for page in youtube.uploads(channel_id):
            dates = [instant_or_none(row, "contentDetails", "videoPublishedAt") for row in page]
            for row, published in zip(page, dates, strict=True):
                id_ = get_path_or_none(row, "contentDetails", "videoId")
                if id_ and (window.full or published is None or published >= window.start):
                    queries.setdefault(str(id_), None)
            if not window.full and any(published and published < window.start for published in dates):
                break
    return queries


def _described(youtube: YouTube, video: bytes, queries: dict[str, str | None]) -> bytes | None:
    """Put what its texts say beside a video; None for one that names no competitor, as searches bring them, too."""
    texts = (get_path_or_none(video, "snippet", name) for name in ("title", "description"))
    title, description = (html.unescape(text) if isinstance(text, str) else "" for text in texts)
    names = youtube.settings.competitors
    competitor = competitor_in(title, description, names)
    if competitor is None and title:
        return None
    return with_facts(
        video,
        competitor=competitor,
        matched_query=queries.get(str(get_path_or_none(video, "id"))),
        pain_points=pains_in(f"{title} {description}"),
        **company_in(title, description, names).facts(),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _probe(youtube: YouTube) -> object:
    """A page of a search is one of a hundred a day; a video by its id costs next to nothing."""
    return next(youtube.videos(["jNQXAC9IVRw"]), None)


STREAMS = (
    Stream(
        "videos",
        records.Video,
        videos,
        sync_mode="append_only",
        cursor_field="published_at",
        lookback=SHOWN_LATE,
        probe=_probe,
        totals="`totalResults` of a search is an estimate.",
    ),
)
