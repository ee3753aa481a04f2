"""The sources there are. A new one is added to this list; its assets, checks, job and schedule follow from it."""

import dagster as dg

from gtm_platform.ingest.assets import definitions_of
from gtm_platform.sources import hubspot, intercom, stripe

SOURCES = (hubspot.SOURCE, intercom.SOURCE, stripe.SOURCE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions.merge(*(definitions_of(source) for source in SOURCES))
