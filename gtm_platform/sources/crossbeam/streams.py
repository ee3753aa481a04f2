"""Crossbeam's streams, each read whole: no record says when it last changed.

A list can be followed from where it ended last, but only by keeping its cursor, which any change of the lists shared
with a partner makes useless; a thousand overlaps come with a call.
"""

from collections.abc import Iterator

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.crossbeam import records
from gtm_platform.sources.crossbeam.client import Crossbeam


def partners(crossbeam: Crossbeam, _: Window) -> Iterator[Page]:
    """Read all partners."""
    return crossbeam.partners()


def overlaps(crossbeam: Crossbeam, _: Window) -> Iterator[Page]:
    """Read all accounts that partners and we share, with the partner's domain."""
    domains = {
        get_path_or_none(row, "uuid"): get_path_or_none(row, "domain") for page in crossbeam.partners() for row in page
    }
    for page in crossbeam.overlaps():
        yield [with_facts(row, partner_domain=domains.get(get_path_or_none(row, "partner_id"))) for row in page]


STREAMS = (
    Stream("partners", records.Partner, partners, sync_mode="full_refresh"),
    Stream("overlaps", records.Overlap, overlaps, sync_mode="full_refresh", key=("record_key", "partner_record_key")),
)
