"""What a published day comes to when it is made again: by today's code, by today's rules, with the data that came late,
with who is who today.

Each is made only where its cause is present, and for the customers whom it concerns: on most days for nobody. It is
made into an overlay of the lake that is gone afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import ibis

from gtm_platform.core.assets import TABLES as CORE
from gtm_platform.health import customer_health, published_scores, rules
from gtm_platform.health.late_records import LINKS, late_records
from gtm_platform.health.recomputation import FACTS, Hindsight, changes_facts, make_again, source_tables, upstream
from gtm_platform.health.score_change_columns import CAUSES, Cause
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import Statement, cursor
from gtm_platform.lake.encrypted_files import plain_name
from gtm_platform.lake.file_query import quoted, text
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.overlay import Overlay, scratch_folder
from gtm_platform.policy import Policy, policy

PUBLISHED = published_scores.TABLE.key
HEALTH, PEOPLE = customer_health.TABLE.key, "identity/people"
# What facts are made from of the records of a few customers. The rest follows from everybody's records, or is no fact.
OF_SOME = tuple(
    table
    for table in CORE
    if table.key in (*FACTS, "core/subscriptions", "core/message_tone") and table.key.startswith("core/")
)
PROFILE = "core/profile"  # has the customers that are judged
MOST_RESTRICTED = 20_000  # customers; for more of them all are made again


@contextmanager
def restated_scores(lake: Lake, day: str) -> Iterator[Mapping[str, ibis.Table]]:
    """Prepare the newest published day before a day as each cause leaves it; empty where none is."""
    earlier = [file for file in lake.files(PUBLISHED) if file.partition < day]
    nothing = lake.read(PUBLISHED, [])
    with scratch_folder(lake) as folder:
        restated = dict(Restatement(lake, folder, day, earlier[-1]).steps()) if earlier else {}
        yield {cause: restated.get(cause, nothing) for cause in CAUSES}


def files_of_scores(lake: Lake) -> list[str]:
    """Name all files that a restatement may read: of sources, of what scores are made of, and of scores."""
    tables = {*source_tables(), *(table.key for table in upstream()), LINKS, PEOPLE, PROFILE, HEALTH, PUBLISHED}
    return [f"{table}/{plain_name(file.path.name)}" for table in sorted(tables) for file in lake.files(table)]


@dataclass(frozen=True)
class Restatement:
    """A published day, to be made again as it is known on a later day."""

    lake: Lake
    folder: Path
    day: str
    published: File

    @property
    def then(self) -> str:
        """The published day."""
        return self.published.partition

    def steps(self) -> Iterator[tuple[Cause, ibis.Table]]:
        """Yield the causes that are present, each with the scores of those whom it concerns."""
        policy_hash, version = self._made_by()
        if policy_hash is None:
            return
        made_by, now = rules.policy_of(self.lake, policy_hash), policy()
        code_changed = version != rules.code_version()
        if code_changed and made_by:
            yield "code", self._restated(Overlay(self.folder / "code", self.lake), made_by, upstream())
        if policy_hash != now.hash and (made_by is None or changes_facts(made_by, now)):
            yield "rules", self._restated(Overlay(self.folder / "rules", self.lake), now, upstream())
        hindsight = Hindsight(self.folder / "late", self.lake, self.day)
        late = late_records(hindsight, self.published)
        if late.customers:
            yield "late_data", self._of_some(hindsight, self.then, late.customers, _made_from(late.tables))
        if moved := self._customers_of_moved_records():
            identity = Hindsight(self.folder / "identity", self.lake, self.day)
            yield "identity", self._of_some(identity, self.day, moved, OF_SOME)

    def _made_by(self) -> tuple[str | None, str | None]:
        query = self.lake.query_day(PUBLISHED, self.then)
        with cursor() as connection, self.lake.naming_damage(lambda: query.files):
            row = connection.execute(f"select max(policy_hash), max(code_version) from ({query.sql})").fetchone()
        return row or (None, None)

    def _restated(self, overlay: Overlay, by: Policy, tables: Sequence[DailyTable]) -> ibis.Table:
        published = replace(published_scores.TABLE, append_only=False)
        make_again(overlay, self.then, by, [*tables, customer_health.TABLE, published])
        return overlay.partition(PUBLISHED, self.then)

    def _of_some(
        self, overlay: Overlay, links_of: str, customers: Sequence[str], tables: Sequence[DailyTable]
    ) -> ibis.Table:
        """Make some tables of the day again for some customers, with their records as they are linked on a day."""
        for table, day in ((LINKS, links_of), (PEOPLE, links_of), (PROFILE, self.then)):
            rows = f"select {quoted(contract_of(table).columns)} from ({self.lake.query_day(table, day).sql})"
            if len(customers) <= MOST_RESTRICTED:
                rows += f" where customer_id in ({', '.join(map(text, customers))})"
            overlay.write(table, self.then, Statement(rows))
        return self._restated(overlay, policy(), tables)

    def _customers_of_moved_records(self) -> list[str]:
        """List the customers that a record went to, or came from, since then."""
        before, now = (self.lake.query_day(LINKS, day).sql for day in (self.then, self.day))
        with cursor() as connection:
            rows = connection.execute(f"""
                select distinct unnest([before.customer_id, now.customer_id]) as customer_id
                from ({before}) as before join ({now}) as now using (source, record_id)
                where before.customer_id <> now.customer_id order by 1""").fetchall()
        return [customer for (customer,) in rows]


def _made_from(sources: Set[str]) -> Sequence[DailyTable]:
    """Return the tables of facts that are made from some source tables, if need be by way of each other."""
    made: dict[str, DailyTable] = {}
    for table in OF_SOME:
        if not (sources | made.keys()).isdisjoint(table.tables):
            made[table.key] = table
    return list(made.values())
