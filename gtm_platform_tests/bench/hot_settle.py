"""A home in which the hot path is measured: customers out of a formula, of whom all tables of today were made.

What the platform reads of the environment while it is imported is set before it is.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MORNING = datetime(2026, 3, 2, 4, tzinfo=UTC)  # by which yesterday's windows are fresh
CLOCK = "clock.json"


def set_clock(home: Path) -> Path:
    """Let the platform's time go on from the morning of the home's day; return the file that says so."""
    ahead = (MORNING - datetime.now(UTC)).total_seconds()
    path = home / CLOCK
    path.write_text(json.dumps({"now": MORNING.isoformat(), "following": True, "ahead_seconds": ahead}))
    return path


def settle(home: str, customers: int) -> dict[str, Any]:
    """Land each source whole by yesterday, and make by one run what contacts and companies of today are made of."""
    Path(home).mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "GTM_HOME": home,
        "DAGSTER_HOME": str(Path(home, "dagster")),
        "GTM_FIRST_DAY": "2026-03-01",
        "GTM_SANDBOX_CLOCK": str(set_clock(Path(home))),
    }
    from gtm_platform.delivery.hotpath.comparing import platform_tables
    from gtm_platform.delivery.hotpath.hot_tables import IDENTITY
    from gtm_platform_tests.bench import customers as synthetic
    from gtm_platform_tests.bench import day

    rows = synthetic.PER_THOUSAND
    counts = {table: customers * share // 1000 for table, share in rows.items()} | synthetic.FEW
    with synthetic.writing() as connection:
        for table, count in counts.items():
            synthetic.write(connection, Path(home, "lake"), table, synthetic.FIRST, count, customers, every=1)
    tables = platform_tables()
    of_companies = {table.key for table in tables.of_companies}
    wanted = sorted({*IDENTITY, *tables.hot_keys, *tables.upstream, *of_companies})
    return {"tables": day.run(synthetic.DAY, tables=wanted)}
