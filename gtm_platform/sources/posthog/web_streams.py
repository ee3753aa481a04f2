"""PostHog's streams of the web site: sessions by their origin, pages, and companies, counted there by the day in UTC.

The site is the hosts of POSTHOG_WEB_HOSTS; without them nothing is counted, as the product's pages are no visits.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from gtm_platform.http.pages import Page, get_path
from gtm_platform.ingest.record import RawRecord
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.posthog import web_records as records
from gtm_platform.sources.posthog.client import PostHog, literal
from gtm_platform.sources.posthog.streams import BETWEEN, DAY, LATE_EVENTS, spans

LONGEST_SESSION = timedelta(days=1)
NO_TOTALS = "A query counts its rows by what it selects, so that its count proves nothing."

HOST = "coalesce(properties.$host, domain(properties.$current_url), '')"
ON_SITE = f"event = '$pageview' AND has(splitByChar(',', {{hosts}}), {HOST})"
CONVERTS = "has(splitByChar(',', {conversions}), event)"
REFERRER = "coalesce(properties.$referring_domain, '$direct')"
SOURCE = f"coalesce(properties.utm_source, if({REFERRER} IN ('$direct', ''), '(direct)', {REFERRER}))"
MEDIUM = f"coalesce(properties.utm_medium, if({REFERRER} IN ('$direct', ''), '(none)', 'referral'))"

TRAFFIC = f"""
SELECT day, host, source, medium, campaign, count() AS sessions, uniqExact(visitor) AS users,
       sum(views) AS page_views, sum(lasted) AS seconds, sum(converted) AS conversions
FROM (
    SELECT $session_id AS session_id, min(timestamp) AS began, toDate(toTimeZone(min(timestamp), 'UTC')) AS day,
           any(person_id) AS visitor, countIf({ON_SITE}) AS views, countIf({CONVERTS}) AS converted,
           dateDiff('second', min(timestamp), max(timestamp)) AS lasted,
           argMinIf({HOST}, timestamp, {ON_SITE}) AS host, argMinIf({SOURCE}, timestamp, {ON_SITE}) AS source,
           argMinIf({MEDIUM}, timestamp, {ON_SITE}) AS medium,
           argMinIf(coalesce(properties.utm_campaign, '(not set)'), timestamp, {ON_SITE}) AS campaign
    FROM events WHERE {BETWEEN} AND notEmpty($session_id) AND (({ON_SITE}) OR {CONVERTS}) GROUP BY $session_id)
WHERE views > 0 AND began >= toDateTime64({{first}}, 6, 'UTC') AND began < toDateTime64({{last}}, 6, 'UTC')
  AND (day, host, source, medium, campaign) > (toDate({{on}}), {{host}}, {{source}}, {{medium}}, {{campaign}})
GROUP BY day, host, source, medium, campaign ORDER BY day, host, source, medium, campaign"""

PAGES = f"""
SELECT day, host, page_path, count() AS page_views, uniqExact(visitor) AS users
FROM (
    SELECT {DAY} AS day, {HOST} AS host, coalesce(properties.$pathname, '') AS page_path, person_id AS visitor
    FROM events WHERE {BETWEEN} AND {ON_SITE})
WHERE (day, host, page_path) > (toDate({{on}}), {{host}}, {{page_path}})
GROUP BY day, host, page_path ORDER BY day, host, page_path"""

COMPANY_VISITS = f"""
SELECT day, company_domain, page_path, uniqExact(session_id) AS sessions, count() AS page_views
FROM (
    SELECT {DAY} AS day, lower({{company}}) AS company_domain, coalesce(properties.$pathname, '') AS page_path,
           $session_id AS session_id
    FROM events WHERE {BETWEEN} AND {ON_SITE})
WHERE company_domain != ''
  AND (day, company_domain, page_path) > (toDate({{on}}), {{company_domain}}, {{page_path}})
GROUP BY day, company_domain, page_path ORDER BY day, company_domain, page_path"""

ADDRESS = "arrayElement(splitByChar('@', coalesce(person.properties.email, '')), 2)"


def _company_visits(posthog: PostHog) -> str:
    """The query with the property that names companies, where the site sets one."""
    named = posthog.site.company_property
    company = f"coalesce(nullIf(properties.{named}, ''), {ADDRESS})" if named else ADDRESS
    return COMPANY_VISITS.replace("{company}", company)


def _stream(
    name: str,
    record: type[records.DailyRow],
    query: Callable[[PostHog], str],
    dimensions: Sequence[str],
    around: timedelta = timedelta(0),
) -> Stream:
    """Return a stream of days; `around` them its query looks at events, too."""

    def pages(posthog: PostHog, window: Window) -> Iterator[Page]:
        if not posthog.site.hosts:
            return
        for start, end in spans(posthog, window):
            values = {
                "start": literal(start - around),
                "end": literal(end + around),
                "first": literal(start),
                "last": literal(end),
                "hosts": ",".join(posthog.site.hosts),
                "conversions": ",".join(posthog.site.conversions),
            }
            begin = {"on": f"{start:%Y-%m-%d}", **dict.fromkeys(dimensions, "")}
            for page in posthog.pages(name.replace("_", " "), query(posthog), values, begin, after):
                yield [*page]

    def after(row: RawRecord) -> dict[str, str]:
        return {"on": get_path(row.document, "day"), **{each: get_path(row.document, each) for each in dimensions}}

    return Stream(
        name,
        record,
        pages,
        key=("date", *dimensions),
        cursor_field="day_at",
        lookback=LATE_EVENTS,
        totals=NO_TOTALS,
    )


WEB_STREAMS = (
    _stream(
        "web_traffic",
        records.WebTraffic,
        lambda _: TRAFFIC,
        ("host", "source", "medium", "campaign"),
        around=LONGEST_SESSION,
    ),
    _stream("web_pages", records.WebPageViews, lambda _: PAGES, ("host", "page_path")),
    _stream("company_visits", records.CompanyVisits, _company_visits, ("company_domain", "page_path")),
)
