"""What ten million, a hundred million and a billion customers would take: arithmetic on figures that were measured.

`python -m gtm_platform_tests.bench.on_paper` writes the tables of docs/on-paper.md anew; a test compares, and looks for
each measured figure in docs/performance.md, by the words that it has there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from gtm_platform.policy import policy
from gtm_platform.sandbox.hubspot.access import DOCUMENTED
from gtm_platform.serving.snapshot.files import KEEP

DOCS = Path(__file__).parents[2] / "docs"
PAGE, MEASUREMENTS = DOCS / "on-paper.md", DOCS / "performance.md"
SIZES = (10_000_000, 100_000_000, 1_000_000_000)
DAY, HOUR, MONTH_HOURS = 86_400, 3_600, 730


@dataclass(frozen=True)
class Measured:
    """A figure of docs/performance.md, the size that it was measured at, and the words in which it stands there."""

    value: float
    at: float
    words: str

    def of(self, customers: float) -> float:
        """Extrapolate in proportion to the size."""
        return self.value * customers / self.at


TABLES_SECONDS = Measured(155, 1_000_000, "1,000,000 customers 155 s")
ONCE_SECONDS = Measured(18, 1_000_000, "`intelligence/retention_cohorts` has 18, which only a home's first day takes")
CORES = Measured(2, 1, "one machine with 2 cores")
TABLES_GB = Measured(6.5, 1_000_000, "Without it the peak was 6.5 GB")
SNAPSHOT_SECONDS = Measured(37, 100_000, "A snapshot takes 37 s of CPU the first time")
SNAPSHOT_GB = Measured(0.975, 100_000, "975 MB of memory while it is made")
SNAPSHOT_DISK_GB = Measured(0.77, 100_000, "770 MB on the disk")
PLAN_SECONDS = Measured(37.5, 1_000_000, "37.5 s beside 16.4 s")
PLAN_GB = Measured(1.5, 1_000_000, "in 1.5 GB")
CALLS_A_SECOND = Measured(18.6, 1, "18.6 of 19 (98 %)")
DELIVERY_CALLS = Measured(1_213, 60_000, "60,000 contacts written in 1,213 calls")
DELIVERY_SECONDS = Measured(61.2, 60_000, "wait 61.2 s")
CONTACTS_A_CALL = Measured(100, 1, "answers pages of 100 contacts at once")
RECORD_CORE_SECONDS = Measured(52e-6, 1, "52 µs of a core for each record")
RECORDS = Measured(8.6, 1, "8.6 for each")
MEASURED = tuple(value for value in vars().copy().values() if isinstance(value, Measured))

# What nobody measured here: prices near those of the large clouds, and what HubSpot documents for Professional.
DOLLARS_A_CORE_HOUR, DOLLARS_A_GB_HOUR = 0.05, 0.005
HUBSPOT_CALLS_A_DAY = DOCUMENTED["daily"].calls
NIGHT_HOURS = 4  # in which the tables of a day are to be made
MACHINE_CORES, MACHINE_GB = 8, 64  # of the machine that is asked where it ends
FULL_DAYS = policy().sync.full_every_days


@dataclass(frozen=True)
class Line:
    """A quantity, and how it is written for a number of customers."""

    what: str
    of: Callable[[float], str]


def table_core_seconds(customers: float) -> float:
    """Return at most what the tables of a usual day take: as if both cores had worked all the time."""
    return (TABLES_SECONDS.of(customers) - ONCE_SECONDS.of(customers)) * CORES.value


def night_cores(customers: float) -> int:
    """Return the cores that make the tables of a day within the night, and not fewer than were measured."""
    return max(int(CORES.value), ceil(table_core_seconds(customers) / (NIGHT_HOURS * HOUR)))


def memory_gb(customers: float) -> float:
    """Return the memory of whatever needs the most of it: tables, snapshot, plan of a delivery."""
    return max(figure.of(customers) for figure in (TABLES_GB, SNAPSHOT_GB, PLAN_GB))


def machine_dollars(customers: float) -> float:
    """Return what a machine with these cores and this memory costs a month."""
    hour = night_cores(customers) * DOLLARS_A_CORE_HOUR + memory_gb(customers) * DOLLARS_A_GB_HOUR
    return hour * MONTH_HOURS


def whole_read_calls(customers: float) -> float:
    """Return the calls that list every contact once."""
    return customers / CONTACTS_A_CALL.value


def days_of_calls(calls: float, seconds: float) -> float:
    """Return the days that calls take which nothing but the limit of a moment would end in so many seconds.

    Where that of a day is reached, the rest waits for the next day.
    """
    days_before = ceil(calls / HUBSPOT_CALLS_A_DAY) - 1
    on_the_last_day = calls - days_before * HUBSPOT_CALLS_A_DAY
    return max(seconds / DAY, days_before + on_the_last_day / calls * seconds / DAY)


def whole_read_days(customers: float) -> float:
    """Return the days in which every contact was listed once."""
    calls = whole_read_calls(customers)
    return days_of_calls(calls, calls / CALLS_A_SECOND.value)


def first_delivery_days(customers: float) -> float:
    """Return the days in which every contact was written once."""
    return days_of_calls(DELIVERY_CALLS.of(customers), DELIVERY_SECONDS.of(customers))


LINES = (
    Line("tables of a day, core hours at most", lambda n: _number(table_core_seconds(n) / HOUR)),
    Line(f"cores for these in {NIGHT_HOURS} hours", lambda n: f"{night_cores(n)}"),
    Line("memory in which they need no disk", lambda n: _size(TABLES_GB.of(n))),
    Line("cost of these core hours a day", lambda n: f"${_number(table_core_seconds(n) / HOUR * DOLLARS_A_CORE_HOUR)}"),
    Line("one machine for all of it", lambda n: f"{night_cores(n)} cores, {_size(memory_gb(n))}"),
    Line("that machine for a month", lambda n: f"${_number(machine_dollars(n))}"),
    Line("source records", lambda n: _count(RECORDS.value * n)),
    Line("core hours to read them all", lambda n: _number(RECORDS.value * n * RECORD_CORE_SECONDS.value / HOUR)),
    Line("served snapshot, the first: core hours", lambda n: _number(SNAPSHOT_SECONDS.of(n) / HOUR)),
    Line("served snapshot: memory while it is made", lambda n: _size(SNAPSHOT_GB.of(n))),
    Line(f"served snapshots on the disk, {KEEP} kept", lambda n: _size(KEEP * SNAPSHOT_DISK_GB.of(n))),
    Line("plan of a delivery to HubSpot", lambda n: f"{_hours(PLAN_SECONDS.of(n))}, {_size(PLAN_GB.of(n))}"),
    Line("HubSpot listed whole: calls", lambda n: _count(whole_read_calls(n))),
    Line("HubSpot listed whole: time", lambda n: _hours(whole_read_days(n) * DAY)),
    Line("first delivery of all contacts: calls", lambda n: _count(DELIVERY_CALLS.of(n))),
    Line("first delivery of all contacts: time", lambda n: _hours(first_delivery_days(n) * DAY)),
)


def ends() -> list[tuple[float, str, str]]:
    """Return at how many customers what ends, and what to do then; the first to end first."""
    night = NIGHT_HOURS * HOUR
    return sorted(
        [
            (
                MACHINE_GB / SNAPSHOT_GB.of(1),
                f"a snapshot does not fit into {MACHINE_GB} GB while it is made",
                "a machine with more memory for `serving`; past that, tables published to a warehouse",
            ),
            (
                MACHINE_GB / TABLES_GB.of(1),
                f"tables outgrow {MACHINE_GB} GB, and write aside",
                "a larger machine and `GTM_MEMORY_LIMIT`; past that `GTM_ENGINE=spark`",
            ),
            (
                MACHINE_CORES * night / table_core_seconds(1),
                f"tables take more than {NIGHT_HOURS} hours of {MACHINE_CORES} cores",
                "more cores, then `GTM_ENGINE=spark`",
            ),
            (
                MACHINE_GB / PLAN_GB.of(1),
                f"a delivery's plan does not fit into {MACHINE_GB} GB",
                "a machine with more memory for `delivery`; past that, deliver fewer customers",
            ),
            (
                HUBSPOT_CALLS_A_DAY / DELIVERY_CALLS.of(1),
                "a first delivery takes more calls than HubSpot allows in a day",
                "it goes on the next day by itself; HubSpot sells more calls",
            ),
            (
                FULL_DAYS * HUBSPOT_CALLS_A_DAY / whole_read_calls(1),
                f"HubSpot is not listed whole within the {FULL_DAYS} days after which it is listed again",
                "tables that Fivetran or Airbyte land (`HUBSPOT_VIA`), or a larger `full_every_days`",
            ),
        ]
    )


def tables() -> tuple[str, str, str]:
    """Return the page's tables: by size, what ends first, and what was measured."""
    by_size = _table(
        ("", *(f"{_count(size)} customers" for size in SIZES)),
        [(line.what, *(line.of(size) for size in SIZES)) for line in LINES],
    )
    ending = _table(("at about", "what ends", "then"), [(_count(at), what, then) for at, what, then in ends()])
    return by_size, ending, _table(("figure", "measured at"), [(f"“{each.words}”", _at(each)) for each in MEASURED])


def page(text: str) -> str:
    """Put the tables between their marks in the text of docs/on-paper.md."""
    for name, table in zip(("sizes", "ends", "measured"), tables(), strict=True):
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not (begin and end):
            raise ValueError(f"docs/on-paper.md has no marks for the table {name}.")
        text = f"{before}{begin}{table}\n{end}{after}"
    return text


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _at(figure: Measured) -> str:
    return "any size" if figure.at == 1 else f"{figure.at:,.0f} customers"


def _number(value: float) -> str:
    """Return two digits that count, and no more."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def _count(value: float) -> str:
    for least, unit in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= least:
            return f"{_number(value / least)} {unit}"
    return _number(value)


def _size(gigabytes: float) -> str:
    return f"{_number(gigabytes / 1_000)} TB" if gigabytes >= 1_000 else f"{_number(gigabytes)} GB"


def _hours(seconds: float) -> str:
    for least, unit in ((2 * DAY, "days"), (2 * HOUR, "hours")):
        if seconds >= least:
            return f"{_number(seconds / (DAY if unit == 'days' else HOUR))} {unit}"
    return f"{_number(seconds / 60)} minutes"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
