"""A day of the lake delivered to the account of the environment: an object type, then the associations that it is in.

Associations are made once both objects are there, so they come after either type, whichever is delivered first.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType

import ibis

from gtm_platform.delivery.canaries.hubspot_value import with_canaries
from gtm_platform.delivery.hotpath.fresher import newer_than_tables
from gtm_platform.delivery.hubspot.associate import Associator, plan_links
from gtm_platform.delivery.hubspot.client import HubSpotObjects, open_client
from gtm_platform.delivery.hubspot.guard import Guard
from gtm_platform.delivery.hubspot.object_type import Link, ObjectType, Tables
from gtm_platform.delivery.hubspot.object_types import object_types
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import plan
from gtm_platform.delivery.hubspot.refusals import forget_departed
from gtm_platform.delivery.hubspot.report import DeliveryReport, LinkCounts
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.truth_table import LATE
from gtm_platform.delivery.hubspot.turns import writing_alone
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State, hubspot_sweeps, open_state

NO_DAYS: Mapping[str, int] = MappingProxyType({})
NOTHING_STALE: Mapping[str, str] = MappingProxyType({})


@redact_exceptions()
def deliver_day(
    object_type: ObjectType,
    store: Lake,
    run: Run,
    guard: Guard | None,
    stale: Mapping[str, str] = NOTHING_STALE,
    *,
    dry_run: bool,
) -> DeliveryReport:
    """Deliver a day of the lake, but for properties that are `stale`; a dry run says what it would be.

    Customers of whom the hot path delivered what the day's tables do not know yet keep their values.
    """
    config, rules = settings_of(HubSpotDeliverySettings), policy().hubspot
    named = object_type.named_by(rules)
    tables = read_tables(store, run.day, named.inputs, named.days_back)
    desired = plan(named, run.day, tables, rules.create.groups(named.name))
    named, desired = with_canaries(named, desired, store, run.day, policy().canaries)
    alone = nullcontext() if dry_run else writing_alone(f"delivers {object_type.name} of {run.day}")
    with alone, closing(open_state(settings().state_url)) as state, closing(open_client(config)) as client:
        delivery_rules = replace(DeliveryRules.of(rules, run.now(), run.day), stale=stale)
        objects = HubSpotObjects(client, named)
        newer = newer_than_tables(store, run.day, state)
        due = [record for record in desired if record.subject_id not in newer]
        report = deliver(due, objects, state, run, guard, rules=delivery_rules, dry_run=dry_run)
        if not dry_run:
            forget_departed(named.name, desired, state)
            if report.written:
                with state.writing() as tx:
                    hubspot_sweeps.begin_anew(tx, run.day, named.name, LATE)
        counts = [
            _link(source, link, store, client, state, run, dry_run=dry_run)
            for source, link in _links_of(named)
            if source.name == named.name or report.created
        ]
    return replace(report, links=sum(counts, LinkCounts()))


def inputs_of(object_type: ObjectType) -> list[str]:
    """List the tables that a type is delivered from, and those that its associations are planned by."""
    of_links = [table for _, link in _links_of(object_type) for table in link.inputs]
    return list(dict.fromkeys([*object_type.inputs, *of_links]))


def missing_tables(store: Lake, day: str, tables: tuple[str, ...]) -> list[str]:
    """Return those of some daily tables that lack the day; a table of a source may be empty."""
    return [table for table in tables if contract_of(table).cadence is None and not store.has(table, day)]


def read_tables(store: Lake, day: str, tables: tuple[str, ...], days_back: Mapping[str, int] = NO_DAYS) -> Tables:
    """Read tables of a day, some of them with the days before."""
    return {table: _rows(store, table, day, days_back.get(table, 0)) for table in tables}


def _rows(store: Lake, table: str, day: str, days_back: int) -> ibis.Table:
    if not days_back:
        return store.read_day(table, day)
    first = str(date.fromisoformat(day) - timedelta(days=days_back))
    return store.read(table, [file for file in store.files(table) if first <= file.partition <= day])


def _links_of(object_type: ObjectType) -> Iterator[tuple[ObjectType, Link]]:
    """The associations that objects of a type are in, each with the type that declares it."""
    for source in object_types():
        for link in source.links:
            if object_type.name in (source.name, link.to):
                yield source, link


def _link(
    source: ObjectType, link: Link, store: Lake, client: HubSpotClient, state: State, run: Run, *, dry_run: bool
) -> LinkCounts:
    if missing_tables(store, run.day, link.inputs):
        return LinkCounts()
    pairs = plan_links(source, link, read_tables(store, run.day, link.inputs), state)
    return Associator(client, state, run, source, link.to).associate(pairs, dry_run=dry_run)
