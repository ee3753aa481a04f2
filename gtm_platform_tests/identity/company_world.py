"""The companies of a few records."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis

from gtm_platform.identity import companies, links
from gtm_platform.identity.contacts_domains import CONTACTS
from gtm_platform.identity.domains import domain_lists
from gtm_platform.policy import policy
from gtm_platform.sources.feeds import company_feeds
from gtm_platform.state.identity_decisions import Decision
from gtm_platform_tests.tables import DAY, Row, computed, filled, person_tables, rows_of

World = dict[str, list[dict[str, Any]]]


def made(world: World, previous: Sequence[Row] = (), day: date = DAY, decided: Sequence[Decision] = ()) -> list[Row]:
    """Return the companies of a day, after those of a day before."""
    persons = person_tables(hubspot=world["hubspot"])
    no_links = filled("identity/links")
    linked = computed(links.table, "identity/links", records=persons, previous=no_links, policy=policy(), day=day)
    records: Mapping[str, ibis.Table] = {
        feed.table: persons["hubspot"] if feed.table == "hubspot/contacts" else _filled(feed.table, world)
        for feed in company_feeds()
    }
    table = computed(
        companies.table,
        "identity/companies",
        links=linked,
        records=records,
        contacts={source: persons[source] for source in CONTACTS},
        lists=domain_lists(),
        previous=filled("identity/companies", *previous),
        policy=policy(),
        day=day,
        decided=decided,
    )
    return sorted(rows_of(table), key=lambda row: str(row["company_id"]))


def _filled(table: str, world: World) -> ibis.Table:
    return filled(table, *world.get(table, []))
