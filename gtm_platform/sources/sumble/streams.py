"""Sumble's streams. Posts can be asked for by how many months back they were posted, and by nothing finer.

What a post mentions of the watched technologies is put beside it. Organisations are read of the posts of a window.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.record import instant_or_none, unusable, with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.sumble import records
from gtm_platform.sources.sumble.client import WHOLE, Sumble

SHOWN_LATE = timedelta(days=7)  # so long a post may take to show
NO_TOTAL = "`total` counts months back from the present, and no window."


def jobs(sumble: Sumble, window: Window) -> Iterator[Page]:
    """Read the posts that mention what is watched, all or those posted since a window began."""
    for page in sumble.jobs(_period(sumble, window)):
        yield [with_facts(job, **mentions(sumble, job)) for job in page]


def mentions(sumble: Sumble, job: bytes) -> dict[str, list[str]]:
    """Return what a post has of that which is watched, sorted."""
    config = sumble.settings
    technologies = _dicts(get_path_or_none(job, "attributes", "technologies"))
    functions = {str(each.get("name")) for each in _dicts(get_path_or_none(job, "attributes", "job_functions"))}
    slugs = {str(each.get("slug")) for each in technologies}
    used = {str(each.get("slug")) for each in technologies if each.get("used") is True}
    return {
        "competitors": sorted(slugs.intersection(config.competitors)),
        "used_competitors": sorted(used.intersection(config.competitors)),
        "topics": sorted(slugs.intersection(config.technologies)),
        "watched_functions": sorted(functions.intersection(config.job_functions)),
    }


def organizations(sumble: Sumble, window: Window) -> Iterator[Page]:
    """Read the organisations of the posts that were posted since a window began, or of all that are open."""
    newest: dict[int, datetime] = {}
    for page in sumble.jobs(_period(sumble, window)):
        for job in page:
            id_ = get_path_or_none(job, "attributes", "organization", "organization_id")
            posted = instant_or_none(job, "attributes", "posted_date")
            if isinstance(id_, int) and posted and (window.full or posted >= window.start) and posted < window.end:
                newest[id_] = max(posted, newest.get(id_, posted))
    for page in sumble.organizations(sorted(newest)):
        yield [with_facts(row, last_posted_at=newest[get_path_or_none(row, "attributes", "id")]) for row in page]


def technologies(sumble: Sumble, _: Window) -> Iterator[Page]:
    """Look up all technologies that are watched for; a slug that Sumble does not have is set aside."""
    config = sumble.settings
    watched = dict.fromkeys(config.competitors + config.technologies)
    page: Page = []
    for row in sumble.technologies(tuple(watched)) if watched else ():
        slug = get_path_or_none(row, "technology", "slug")
        reason = f"Sumble has no technology '{get_path_or_none(row, 'input')}'"
        page.append(with_facts(row, is_competitor=slug in config.competitors) if slug else unusable(row, reason))
    yield page


def _period(sumble: Sumble, window: Window) -> str:
    return WHOLE if window.full else sumble.period_since(window.start)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _probe(sumble: Sumble) -> object:
    """One lookup costs a credit, a page of posts hundreds."""
    return sumble.technologies(sumble.settings.competitors[:1] or ("pinecone",))


STREAMS = (
    Stream("jobs", records.Job, jobs, cursor_field="posted_at", lookback=SHOWN_LATE, probe=_probe, totals=NO_TOTAL),
    Stream(
        "organizations",
        records.Organization,
        organizations,
        cursor_field="last_posted_at",
        lookback=SHOWN_LATE,
        probe=_probe,
    ),
    Stream("technologies", records.Technology, technologies, sync_mode="full_refresh", key=("slug",), probe=_probe),
)
