"""Which daily tables are made for some customers or companies, what these read, and whether a day has all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter

from gtm_platform.delivery.hotpath.changes import sources_of
from gtm_platform.delivery.hotpath.identity_reach import COMPANY_FEEDS
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.lake import Lake
from gtm_platform.state.hot_path import TablesMade

IDENTITY = tuple(f"identity/{name}" for name in ("links", "people", "companies", "former_records"))
TRANSITIONS = "cohorts/transitions"  # nothing is made of it
NOT_MADE, BEING_MADE, COMPANIES_NOT_MADE = "tables_not_made", "being_made", "companies_not_made"


class LeftToTables(RuntimeError):
    """Nothing can be said before everything is computed anew; `cause` says why in a word."""

    def __init__(self, cause: str, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause


@dataclass(frozen=True)
class HotTables:
    """The daily tables, those among them that are made for some customers, and what these read."""

    every: Mapping[str, DailyTable]

    @classmethod
    def of(cls, tables: Sequence[DailyTable]) -> "HotTables":
        """Return those of a graph."""
        return cls({table.key: table for table in tables})

    @cached_property
    def hot(self) -> list[DailyTable]:
        """The tables per customer and per population, each after those that it reads."""
        return [table for table in self._ordered if table.per in ("customer", "population")]

    @cached_property
    def of_companies(self) -> list[DailyTable]:
        """The tables per company, likewise."""
        return [table for table in self._ordered if table.per == "company"]

    @cached_property
    def _ordered(self) -> list[DailyTable]:
        keys = {key: [name for name in table.tables if name in self.every] for key, table in self.every.items()}
        return [self.every[key] for key in TopologicalSorter(keys).static_order()]

    @cached_property
    def hot_keys(self) -> frozenset[str]:
        """Their keys."""
        return frozenset(table.key for table in self.hot)

    @cached_property
    def company_keys(self) -> tuple[str, ...]:
        """The tables per company that others read, or that are delivered."""
        return tuple(table.key for table in self.of_companies if table.key != TRANSITIONS)

    @cached_property
    def upstream(self) -> frozenset[str]:
        """The daily tables that they read, at once or through others."""
        keys, unvisited = set[str](), [table.key for table in self.hot]
        while unvisited:
            for name in self.every[unvisited.pop()].tables:
                if name in self.every and name not in keys:
                    keys.add(name)
                    unvisited.append(name)
        return frozenset(keys)

    @cached_property
    def late(self) -> frozenset[str]:
        """Those among what they read that are made of them in turn: they are as everything was computed."""
        return frozenset(key for key in self.upstream - self.hot_keys if self._is_late(key))

    def _is_late(self, key: str) -> bool:
        return any(
            name in self.hot_keys or self._is_late(name) for name in self.every[key].tables if name in self.every
        )

    @cached_property
    def between(self) -> frozenset[str]:
        """Those that stand between the sources and them, and are made for everybody only."""
        return frozenset(key for key in self.upstream - self.hot_keys - self.late if not key.startswith("identity/"))

    @cached_property
    def sources(self) -> frozenset[str]:
        """The source tables whose records count."""
        of_identity = {feed.table for feed in FEEDS} | {feed.table for feed in COMPANY_FEEDS}
        mentioned = {mention.table for feed in FEEDS for mention in feed.mentions}
        return sources_of([*self.hot_keys, *self.between], self.every) | of_identity | mentioned


def require_made(lake: Lake, tables: HotTables, day: str, made: TablesMade | None) -> TablesMade:
    """Raise unless one run has made all tables of a day, and none has been written since."""
    if made is None:
        raise LeftToTables(NOT_MADE, f"no run has made all tables of {day} yet")
    for key in (*IDENTITY, *sorted(tables.hot_keys)):
        stamps = [file.stamp for file in lake.files(key) if file.partition == day]
        if not stamps:
            raise LeftToTables(NOT_MADE, f"{key} has no {day} yet")
        if stamps[0] > made.made_by:
            raise LeftToTables(BEING_MADE, f"{key} of {day} was written again: the tables are being made")
    return made


def companies_left(lake: Lake, tables: HotTables, made: TablesMade, companies: TablesMade | None) -> str:
    """Say for which cause no companies' rows are computed; "" where they are."""
    if companies is None or companies.read_by != made.read_by:
        return COMPANIES_NOT_MADE
    for key in tables.company_keys:
        stamps = [file.stamp for file in lake.files(key) if file.partition == made.day]
        if not stamps or stamps[0] > companies.made_by:
            return COMPANIES_NOT_MADE
    return ""


def today_of(day: str, today: date) -> None:
    """Raise where the newest tables are not today's."""
    if day != today.isoformat():
        raise LeftToTables(NOT_MADE, f"the tables of {today} are not made yet")
