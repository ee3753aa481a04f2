"""PostHog's streams, each a query. Events are counted there, by person and day: none is fetched but that of signing up.

An event may come days after it happened, with the time at which it happened.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from gtm_platform.http.pages import Page, get_path
from gtm_platform.ingest.record import RawRecord, with_facts
from gtm_platform.ingest.source import SliceTotal, Stream, Totals, Window
from gtm_platform.sources.posthog import records
from gtm_platform.sources.posthog.client import PostHog, Rows, literal

# Devices that were offline deliver late; what takes longer than this is seen by the next full refresh.
LATE_EVENTS = timedelta(days=3)
# A query may run for ten seconds, so it is asked for no more than this at once.
SLICE = timedelta(days=30)
SEEN_WITHIN = timedelta(days=30)
LEAST_UUID = "00000000-0000-0000-0000-000000000000"

BETWEEN = "timestamp >= toDateTime64({start}, 6, 'UTC') AND timestamp < toDateTime64({end}, 6, 'UTC')"
DAY = "toDate(toTimeZone(timestamp, 'UTC'))"  # without it a day is the project's

PERSONS = """
SELECT id, created_at, is_identified, properties.email AS email, properties.name AS name,
       properties.company AS company, properties.use_case AS use_case, properties.signed_up_at AS signed_up_at,
       properties.$initial_utm_source AS initial_utm_source, properties.$initial_utm_medium AS initial_utm_medium,
       properties.$initial_utm_campaign AS initial_utm_campaign,
       properties.$initial_referring_domain AS initial_referring_domain,
       properties.$geoip_country_code AS country, properties.$geoip_city_name AS city,
       properties.$geoip_time_zone AS timezone, properties
FROM persons WHERE id > toUUID({after}) ORDER BY id"""

DISTINCT_IDS = """
SELECT person_id, groupArray(distinct_id) AS distinct_ids FROM person_distinct_ids
WHERE person_id > toUUID({after}) AND person_id <= toUUID({last}) GROUP BY person_id ORDER BY person_id LIMIT 50000"""

LAST_SEEN = f"""
SELECT person_id, max(timestamp) AS last_seen_at FROM events
WHERE {BETWEEN} AND person_id > toUUID({{after}}) AND person_id <= toUUID({{last}})
GROUP BY person_id ORDER BY person_id LIMIT 50000"""

SIGNUPS = f"""
SELECT uuid, timestamp, created_at, distinct_id, person_id,
       coalesce(properties.email, person.properties.email) AS email,
       coalesce(properties.company, person.properties.company) AS company,
       coalesce(properties.use_case, person.properties.use_case) AS use_case,
       coalesce(properties.utm_source, person.properties.$initial_utm_source) AS utm_source,
       coalesce(properties.utm_medium, person.properties.$initial_utm_medium) AS utm_medium,
       coalesce(properties.utm_campaign, person.properties.$initial_utm_campaign) AS utm_campaign,
       coalesce(properties.$referring_domain, person.properties.$initial_referring_domain) AS referring_domain,
       properties
FROM events
WHERE event = {{event}} AND {BETWEEN}
  AND (timestamp > toDateTime64({{at}}, 6, 'UTC')
       OR (timestamp = toDateTime64({{at}}, 6, 'UTC') AND toString(uuid) > {{after}}))
ORDER BY timestamp, toString(uuid)"""

DAILY_USAGE = f"""
SELECT person_id, {DAY} AS day, countIf(event = {{event}}) AS logins, count() AS events,
       max(timestamp) AS last_event_at
FROM events
WHERE {BETWEEN} AND ({DAY} > toDate({{on}}) OR ({DAY} = toDate({{on}}) AND person_id > toUUID({{after}})))
GROUP BY person_id, {DAY} ORDER BY {DAY}, person_id"""

COUNTED_PERSONS = "SELECT count() AS records FROM persons"
COUNTED_SIGNUPS = f"SELECT count() AS records FROM events WHERE event = {{event}} AND {BETWEEN}"
COUNTED_DAYS = f"""
SELECT count() AS records FROM (
    SELECT person_id, {DAY} AS day FROM events WHERE {BETWEEN} GROUP BY person_id, {DAY})"""


def persons(posthog: PostHog, window: Window) -> Iterator[Page]:
    """Read all persons, with their ids and the time of their last event."""
    after = {"after": LEAST_UUID}
    for page in posthog.pages("persons", PERSONS, {}, after, _after_person):
        bounds = {**after, "last": get_path(page[-1].document, "id")}
        seen = {"start": literal(window.end - SEEN_WITHIN), "end": literal(window.end), **bounds}
        ids = _by_person(posthog.query("distinct ids", DISTINCT_IDS, bounds), "distinct_ids")
        last_seen = _by_person(posthog.query("last seen", LAST_SEEN, seen), "last_seen_at")
        yield [_with_person_facts(row, ids, last_seen) for row in page]
        after = {"after": bounds["last"]}


def _after_person(row: RawRecord) -> dict[str, str]:
    return {"after": get_path(row.document, "id")}


def _by_person(page: Rows, name: str) -> dict[str, Any]:
    return {get_path(row.document, "person_id"): get_path(row.document, name) for row in page}


def _with_person_facts(row: RawRecord, ids: Mapping[str, Any], last_seen: Mapping[str, Any]) -> RawRecord:
    person = get_path(row.document, "id")
    return with_facts(row, distinct_ids=ids.get(person, []), last_seen_at=last_seen.get(person))


def signups(posthog: PostHog, window: Window) -> Iterator[Page]:
    """Read the events of signing up."""
    for start, end in spans(posthog, window):
        values = {"start": literal(start), "end": literal(end), "event": posthog.signup_event}
        for page in posthog.pages("signups", SIGNUPS, values, {"at": literal(start), "after": ""}, _after_event):
            yield [*page]


def _after_event(row: RawRecord) -> dict[str, str]:
    at = datetime.fromisoformat(get_path(row.document, "timestamp"))
    return {"at": literal(at), "after": get_path(row.document, "uuid")}


def daily_usage(posthog: PostHog, window: Window) -> Iterator[Page]:
    """Read what each person did on each day; a day that the window begins in is read from its beginning."""
    for start, end in spans(posthog, window):
        values = {"start": literal(start), "end": literal(end), "event": posthog.login_event}
        first = {"on": f"{start:%Y-%m-%d}", "after": LEAST_UUID}
        for page in posthog.pages("daily usage", DAILY_USAGE, values, first, _after_day):
            yield [*page]


def _after_day(row: RawRecord) -> dict[str, str]:
    return {"on": get_path(row.document, "day"), "after": get_path(row.document, "person_id")}


def spans(posthog: PostHog, window: Window) -> Iterator[tuple[datetime, datetime]]:
    """Cut the window into spans that a query can cope with, from the midnight before its first event."""
    first = posthog.first_event(window.end) if window.full else window.start
    if first is None:
        return
    start = datetime.combine(first.astimezone(UTC), time(), UTC)
    while start < window.end:
        end = min(start + SLICE, window.end)
        yield start, end
        start = end


# --- totals ----------------------------------------------------------------------------------------------------------


def count_persons(posthog: PostHog, window: Window) -> SliceTotal:
    """Count all persons."""
    return SliceTotal(window.start, window.end, posthog.count("count of persons", COUNTED_PERSONS))


def count_signups(posthog: PostHog, window: Window) -> SliceTotal:
    """Count the events of signing up."""
    values = {"start": literal(window.start), "end": literal(window.end), "event": posthog.signup_event}
    return SliceTotal(window.start, window.end, posthog.count("count of signups", COUNTED_SIGNUPS, values))


def count_days(posthog: PostHog, window: Window) -> SliceTotal | None:
    """Count persons by the day, over whole days and no more of them than a query can cope with."""
    first, end = (datetime.combine(each.astimezone(UTC), time(), UTC) for each in (window.start, window.end))
    if first < window.start:
        first += timedelta(days=1)
    start = max(first, end - SLICE)
    if start >= end:
        return None
    values = {"start": literal(start), "end": literal(end)}
    return SliceTotal(start, end, posthog.count("count of daily usage", COUNTED_DAYS, values))


def a_person(posthog: PostHog) -> object:
    """Ask for one person and one id."""
    posthog.query("access check", "SELECT distinct_id FROM person_distinct_ids LIMIT 1")
    return posthog.query("access check", "SELECT id FROM persons LIMIT 1")


STREAMS = (
    Stream(
        "persons",
        records.Person,
        persons,
        sync_mode="full_refresh",
        probe=a_person,
        totals=Totals(count_persons, "`count()` of a query for all persons, before and after they are read"),
    ),
    Stream(
        "signups",
        records.Signup,
        signups,
        cursor_field="signed_up_at",
        lookback=LATE_EVENTS,
        totals=Totals(count_signups, "`count()` of a query for the events of signing up"),
    ),
    Stream(
        "daily_usage",
        records.DailyUsage,
        daily_usage,
        key=("person_id", "day"),
        cursor_field="last_event_at",
        lookback=LATE_EVENTS,
        totals=Totals(count_days, "`count()` of a query for persons by the day, over the last 30 days"),
    ),
)
