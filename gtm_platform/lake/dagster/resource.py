"""The lake's resources: the lake itself, its views in DuckDB, and the IO manager of people's own assets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from gtm_platform.lake.dagster.catalogue_resource import CatalogueResource
from gtm_platform.lake.dagster.lake_frames import LakeFrames
from gtm_platform.lake.dagster.run_scope import run_scope
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import lake_root
from gtm_platform.settings import settings


def the_lake() -> Lake:
    """Return the lake in GTM_HOME, or that of GTM_LAKE."""
    return Lake(lake_root(settings().home))


class LakeResource(dg.ConfigurableResource["LakeResource"]):
    """The lake in GTM_HOME, for assets that read and write it themselves."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["LakeResource"]:
        """Keep the run alive, and make the views again when it ends."""
        with run_scope(context, self.open()):
            yield self

    def open(self) -> Lake:
        """Return the lake."""
        return the_lake()


def resources() -> Mapping[str, Any]:
    """Return the resources of every code location, a person's own among them."""
    return {"lake": LakeResource(), "catalogue": CatalogueResource(), "lake_frames": LakeFrames()}


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(resources=resources())
