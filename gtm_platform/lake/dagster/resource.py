"""The lake as Dagster hands it to assets: its run kept alive, its catalogue renewed when the run ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster import get_dagster_logger

from gtm_platform.lake import catalogue
from gtm_platform.lake.dagster.catalogue_resource import CatalogueResource
from gtm_platform.lake.dagster.lake_frames import LakeFrames
from gtm_platform.lake.guest_objects import CatalogueBusy, NameTaken
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration import liveness
from gtm_platform.settings import settings


def the_lake() -> Lake:
    """Return the lake in GTM_HOME."""
    return Lake(settings().home / "lake")


class LakeResource(dg.ConfigurableResource["LakeResource"]):
    """The lake in GTM_HOME, for assets that read and write it themselves."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["LakeResource"]:
        if context.run and context.instance:
            liveness.acquire(context.run.run_id, context.instance)
        yield self
        try:
            catalogue.renew(self.open())
        except (CatalogueBusy, NameTaken) as error:  # a person's to mend; the data is in the lake
            (context.log or get_dagster_logger()).warning(str(error))

    def open(self) -> Lake:
        """Return the lake."""
        return the_lake()


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(resources=resources())


def resources() -> dict[str, object]:
    """Return the resources that every code location of the platform has, a person's own among them."""
    return {
        "lake": LakeResource(),
        "catalogue": CatalogueResource(database=str(catalogue.path_of(the_lake()))),
        "lake_frames": LakeFrames(root=str(the_lake().root)),
    }
