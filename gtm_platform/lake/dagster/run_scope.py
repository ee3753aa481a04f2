"""What holds while a run uses the lake: it is known to live, and when it ends the catalogue has what it wrote.

A lake in a bucket is listed once for a run. Its views are made when somebody asks: each opens every file of its table.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from gtm_platform.lake import catalogue
from gtm_platform.lake.guest_objects import CatalogueBusy, NameTaken
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import is_here, listed_once
from gtm_platform.orchestration import liveness


@contextmanager
def run_scope(context: dg.InitResourceContext, lake: Lake) -> Iterator[None]:
    """Keep the run alive; when it ends, make views of a lake in the home again if its files changed."""
    if context.run and context.instance:
        liveness.acquire(context.run.run_id, context.instance)
    with listed_once():
        yield
    try:
        if is_here():
            catalogue.renew(lake)
    except (CatalogueBusy, NameTaken) as error:  # a person's to mend; the data is in the lake
        (context.log or dg.get_dagster_logger()).warning(str(error))
