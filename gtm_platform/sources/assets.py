"""The sources there are. A new one is added to this list; its assets, checks, job and schedule follow from it."""

import dagster as dg

from gtm_platform.sources import hubspot, intercom, stripe
from gtm_platform.sources.factory import definitions_of

SOURCES = (hubspot.SOURCE, intercom.SOURCE, stripe.SOURCE)

definitions = dg.Definitions.merge(*(definitions_of(source) for source in SOURCES))
