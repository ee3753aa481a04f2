"""What Calendly knows of people and of calls."""

import ibis

from gtm_platform.ingest.feeds import CallFeed, PersonFeed


def _customers(invitees: ibis.Table) -> ibis.Table:
    """Keep the invitees with an address that is not at a host's own domain."""
    return invitees.filter(invitees["email"].notnull(), ~invitees["is_internal"])


def _people(invitees: ibis.Table) -> ibis.Table:
    """Return a row per address, with what its latest booking says."""
    booked = _customers(invitees)
    latest = {name: booked[name] for name in ("created_at", "id", "name", "timezone")}
    people = booked.group_by("email").agg(
        latest=ibis.struct(latest).max(),
        created_at=booked["created_at"].min(),
        _extracted_at=booked["_extracted_at"].max(),
    )
    fields = {name: people["latest"][name] for name in ("name", "timezone")}
    return people.select("email", "created_at", "_extracted_at", **fields)


def _outcome(invitees: ibis.Table) -> ibis.Value:
    return ibis.cases(
        (invitees["rescheduled"].fill_null(False), "rescheduled"),
        (invitees["status"] == "canceled", "canceled"),
        (invitees["no_show_at"].notnull(), "no_show"),
        else_="booked",
    )


FEEDS = (
    PersonFeed(
        "calendly",
        "calendly/invitees",
        id_column="calendly_invitee",
        id_about="The address with which calls are booked in Calendly; of several the oldest.",
        id_is_address=True,
        precedence=80,
        id="email",
        email="email",
        name="name",
        timezone="timezone",
        rows=_people,
    ),
    CallFeed(
        "calendly",
        "calendly/invitees",
        record_id="email",
        call_id="id",
        starts_at="starts_at",
        ends_at="ends_at",
        precedence=80,
        outcome=_outcome,
        host_name=lambda invitees: invitees["hosts"][0]["name"],
        host_email=lambda invitees: invitees["hosts"][0]["email"],
        rows=_customers,
        precedence_by_field={"account_manager": 15},  # between HubSpot's owner and Intercom's
    ),
)
