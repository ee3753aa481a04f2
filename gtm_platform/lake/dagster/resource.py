"""The lake as Dagster hands it to assets: held alive while a run lives, its catalogue renewed when a run ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster_duckdb import DuckDBResource

from gtm_platform.lake import catalogue
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration import liveness
from gtm_platform.settings import settings


def the_lake() -> Lake:
    return Lake(settings().home / "lake")


class LakeResource(dg.ConfigurableResource["LakeResource"]):
    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["LakeResource"]:
        if context.run and context.instance:
            liveness.acquire(context.run.run_id, context.instance)
        yield self
        catalogue.renew(self.open())

    def open(self) -> Lake:
        return the_lake()


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    views = DuckDBResource(database=str(catalogue.path_of(the_lake())), connection_config={"access_mode": "READ_ONLY"})
    return dg.Definitions(resources={"lake": LakeResource(), "catalogue": views})
