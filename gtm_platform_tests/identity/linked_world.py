"""The links of a few records."""

from collections.abc import Mapping, Sequence
from datetime import date

import ibis

from gtm_platform.identity import links
from gtm_platform.policy import policy
from gtm_platform.state.identity_decisions import Decision
from gtm_platform_tests.tables import Row, computed, filled, person_tables


def linked_world(
    world: Mapping[str, Sequence[Row]], previous: ibis.Table | None, day: date, decided: Sequence[Decision] = ()
) -> ibis.Table:
    """The links of records by source, after those of the day before, if any."""
    return computed(
        links.table,
        "identity/links",
        records=person_tables(**world),
        previous=filled("identity/links") if previous is None else previous,
        policy=policy(),
        day=day,
        decided=decided,
    )
