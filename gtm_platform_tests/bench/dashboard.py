"""A click on each page of the dashboard over a hundred thousand customers: the script that draws it, no browser."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child

SETTLE, MAKE = (f"gtm_platform_tests.bench.served:{name}" for name in ("settle", "make"))
CLICK = "gtm_platform_tests.bench.dashboard:click"
ALLOWED = 1_000.0  # milliseconds
CLICKS = 7
SCRIPT = "from gtm_platform.dashboard.frame.app import main\nmain({page!r})"


def measure(effort: Effort) -> Iterator[Row]:
    customers, days = effort.of(100_000, 5_000), effort.of(90, 10)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        in_child(SETTLE, home=home, customers=customers, days=days)
        in_child(MAKE, home=home)
        taken = in_child(CLICK, home=home)
    for page, milliseconds in taken.findings["pages"].items():
        yield Row(f"{page}, {customers:,} customers", "ms", milliseconds, Target("≤", 1.0), "what is allowed", ALLOWED)
    yield Row("memory", "MB", taken.peak_mb)


def click(home: str) -> dict[str, Any]:
    """Draw each page, as many times as there are clicks; return the median of each but for the first."""
    os.environ["GTM_HOME"] = home
    from gtm_platform.dashboard.frame.page import discover

    with closing(sqlite3.connect(max(Path(home, "serving").glob("[!.]*.sqlite")))) as db:
        query = "select customer_id, company_id from customers where is_customer and health_status = 'critical' limit 1"
        [(customer, company)] = db.execute(query)
    pages: dict[str, Callable[[], None]] = {page: _page(page) for page in discover()}
    pages["a customer"], pages["a company"] = _page("customer", id=customer), _page("company", id=company)
    pages["at risk, filtered"] = _page("at_risk", account_manager="Manager 7", health="Critical")
    return {"pages": {name: _milliseconds(draw) for name, draw in pages.items()}}


def _page(page: str, **query: str) -> Callable[[], None]:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_string(SCRIPT.format(page=page), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value

    def draw() -> None:
        app.run()
        if app.exception:
            raise RuntimeError(f"{page} shows an exception: {app.exception[0].message}")

    return draw


def _milliseconds(draw: Callable[[], None]) -> float:
    draw()
    taken = []
    for _ in range(CLICKS):
        began = time.perf_counter()
        draw()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


FIGURE = Figure("dashboard", "Draws each page within a second of a click, over 100,000 customers.", measure)
