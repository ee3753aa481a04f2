"""What Fathom knows of people and of calls."""

import ibis

from gtm_platform.ingest.feeds import CallFeed, PersonFeed


def _people(meetings: ibis.Table) -> ibis.Table:
    """Return a row per address outside of the firm, with its latest name."""
    invited = meetings.select("id", "created_at", "_extracted_at", invitee=meetings["invitees"].unnest())
    invited = invited.select(
        "id",
        "created_at",
        "_extracted_at",
        email=invited["invitee"]["email"],
        name=invited["invitee"]["name"],
        is_external=invited["invitee"]["is_external"],
    )
    external = invited.filter(invited["is_external"].fill_null(False), invited["email"].notnull())
    latest = ibis.struct({name: external[name] for name in ("created_at", "id", "name")})
    people = external.group_by("email").agg(
        latest=latest.max(where=external["name"].notnull()),
        created_at=external["created_at"].min(),
        _extracted_at=external["_extracted_at"].max(),
    )
    return people.select("email", "created_at", "_extracted_at", name=people["latest"]["name"])


def _calls(recordings: ibis.Table) -> ibis.Table:
    """Return a row per person outside of the firm and call."""
    return recordings.mutate(email=recordings["external_emails"].unnest())


FEEDS = (
    PersonFeed(
        "fathom",
        "fathom/meetings",
        id_column="fathom_email",
        id_about="The address with which it was invited to recorded calls; of several the oldest.",
        id_is_address=True,
        precedence=90,
        id="email",
        email="email",
        name="name",
        rows=_people,
    ),
    CallFeed(
        "fathom",
        "fathom/meetings",
        record_id="email",
        call_id="id",
        starts_at="starts_at",
        ends_at="ends_at",
        precedence=90,
        summary="summary",
        rows=_calls,
    ),
    CallFeed(
        "fathom",
        "fathom/transcripts",
        record_id="email",
        call_id="id",
        starts_at="starts_at",
        ends_at="ends_at",
        precedence=90,
        words="external_words",
        rows=_calls,
    ),
)
