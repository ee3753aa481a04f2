"""Who is who: against the truth of a made-up world, by precision and recall; and how long a million people take.

The world's records go straight from its stores into a lake. The million are those of `million`.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child

MILLION = "gtm_platform_tests.bench.million"
SEED, DAY = 614, date(2026, 2, 28)
TABLES = ("identity/links", "identity/companies", "identity/people")


def measure(effort: Effort) -> Iterator[Row]:
    """Resolve a small and a large world, then a million people of eleven sources."""
    for people in (effort.of(1_500, 300), effort.of(100_000, 1_000)):
        world = in_child(f"{__name__}:against_truth", people=people).findings
        size = f"{people:,} people, {world['records']:,} records"
        yield Row(f"{size}: people, F1", "share", world["people"]["f1"], Target("≥", 0.995))
        yield Row(f"{size}: companies, F1", "share", world["companies"]["f1"], Target("≥", 0.98))
        for kind in ("people", "companies"):
            for name in ("precision", "recall"):
                yield Row(f"{size}: {kind}, {name}", "share", world[kind][name])
        yield Row(f"{size}: customers of several people", "customers", world["mixed"], Target("≤", 0))
    yield from _million(effort.of(1_000_000, 20_000))


def _million(people: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        settled = in_child(f"{MILLION}:settle", home=home, people=people).findings
        in_child(f"{MILLION}:resolve", home=home)  # what the floor writes
        made = in_child(f"{MILLION}:resolve", home=home)
        floor = float(in_child(f"{MILLION}:floor", home=home).findings["seconds"])
    seconds = sum(made.findings["tables"].values())
    what = f"{people:,} people, {settled['records']:,} records of {settled['sources']} sources"
    yield Row(f"{what}: resolved", "s", seconds, Target("≤", 10), "reading and writing once", floor)
    yield Row(f"{what}: memory", "MB", made.peak_mb, Target("≤", 1), "what is allowed", 6144.0)
    for table, taken in made.findings["tables"].items():
        yield Row(f"{what}: {table}", "s", taken)


def against_truth(people: int, seed: int = SEED) -> dict[str, Any]:
    """Resolve the records of a world in a lake of its own, and compare with its truth."""
    os.environ |= {"GTM_HOME": str(Path.cwd() / "home"), "GTM_FIRST_DAY": str(DAY)}
    from gtm_platform.definitions import DAILY_TABLES
    from gtm_platform.lake.duckdb_engine import engine
    from gtm_platform.lake.lake import Lake
    from gtm_platform.sandbox.world import World
    from gtm_platform_tests.bench.world_records import records_of
    from gtm_platform_tests.tables import filled, rows_of

    end = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
    world, lake, count = World(seed, people, end), Lake(Path.cwd() / "lake"), 0
    for table, rows in records_of(world).items():
        landed = [{"_window": end, "_extracted_at": end, **row} for row in rows]
        partition = f"{DAY}T1800" if table.startswith(("hubspot", "intercom")) else str(DAY)
        lake.write(table, partition, engine().to_pyarrow(filled(table, *landed)).to_reader(), full=True)
        count += len(rows)
    for table in DAILY_TABLES:
        if table.key in TABLES:
            table.write_day(lake, str(DAY))
    links, companies, persons = (rows_of(lake.partition(name, str(DAY))) for name in TABLES)
    return {"records": count, **_compared(world.truth(DAY), links, companies, persons)}


def _compared(
    truth: Mapping[str, Any],
    links: Iterable[Mapping[str, Any]],
    companies: Iterable[Mapping[str, Any]],
    persons: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    customer = {(row["source"], row["record_id"]): row["customer_id"] for row in links}
    person = {
        (source, record): row["person"]
        for row in truth["people"]
        for source in truth["systems"]
        for record in row[source]
    }
    both = sorted(set(customer) & set(person))
    linked = [(person[record], customer[record]) for record in both]
    domain = {row["company_id"]: row["domain"] for row in companies}
    at = {row["customer_id"]: domain.get(row["company_id"]) for row in persons}
    works_at = {row["person"]: row["company_domain"] for row in truth["people"] if not row["shared_inbox"]}
    ours = {(who, at[id]) for who, id in linked if who in works_at and at.get(id)}
    true = {(who, domain) for who, domain in works_at.items() if domain}
    people_of: dict[str, set[str]] = {}
    for who, id in linked:
        people_of.setdefault(id, set()).add(who)
    return {
        "people": _pairwise(linked),
        "companies": _scores(len(ours & true), len(ours), len(true)),
        "mixed": sum(len(each) > 1 for each in people_of.values()),
    }


def _pairwise(linked: Sequence[tuple[Hashable, Hashable]]) -> dict[str, float]:
    """Score pairs of records: those of one person, those of one customer, and those of both."""
    true, ours, both = (
        sum(count * (count - 1) // 2 for count in Counter(groups).values())
        for groups in ([who for who, _ in linked], [id for _, id in linked], linked)
    )
    return _scores(both, ours, true)


def _scores(both: int, ours: int, true: int) -> dict[str, float]:
    precision, recall = both / max(1, ours), both / max(1, true)
    return {"precision": precision, "recall": recall, "f1": 2 * both / max(1, ours + true)}


FIGURE = Figure(
    "identity",
    "People of a made-up world by F1 ≥ 0.995, companies ≥ 0.98, nobody mixed up; a million people of eleven sources "
    "resolved within 10 times what it takes to read their records and write the result once, in 6 GiB.",
    measure,
)
