"""A day of a table per customer, made again where something differs: the rows of touched customers, the others kept.

What comes of it is what the computation of everything comes to. A check of each such day asks the rules about some of
its customers, whoever they are.
"""

import logging
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from gtm_platform.keyring import KeyProblem
from gtm_platform.lake import spill
from gtm_platform.lake.bucket_errors import BucketFailed
from gtm_platform.lake.contract_check import Part, Written
from gtm_platform.lake.contracts import ContractBroken, contract_of
from gtm_platform.lake.duckdb_engine import Statement, as_table, cursor, files_as_table
from gtm_platform.lake.encrypted_files import plain_name, rows_of_files, scratch_name
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import ROW_GROUP_SIZE, DamagedFile, File, Lake
from gtm_platform.lake.made_from import MadeFrom, StoredDay, described
from gtm_platform.lake.some_customers import CUSTOMER, SomeCustomers
from gtm_platform.lake.statements import RuleStatement
from gtm_platform.lake.touched import Inputs, Locality, NotLocal, is_read_otherwise, owned_rows, touched_customers
from gtm_platform.policy import policy

log = logging.getLogger(__name__)
PEOPLE = "identity/people"  # everybody whom a row can be of
UNREADABLE = (duckdb.Error, DamagedFile, KeyProblem, BucketFailed)  # what a day was made of

Query = Callable[[Lake, str], RuleStatement]  # of a day's rows, of the customers whom a lake holds


def written_in_part(
    lake: Lake, source: Lake, table: str, stored: StoredDay, now: MadeFrom, locality: Locality, query: Query
) -> Written | None:
    """Make the rows of the customers whom what differs touches; None where all rows have to be made.

    `source` is the lake as the table's inputs are read.
    """
    if stored.made_from is None or stored.made_from.rules != now.rules:
        return None
    day = stored.file.partition
    try:
        inputs = Inputs.of(source, stored, now.queries)
        touched = touched_customers(source, inputs, locality)
        customers = _customers_in(source, stored.file)
        with _aside() as folder:
            if len(touched) > customers * policy().automation.in_part_at_most:
                raise NotLocal(f"{len(touched):,} of {customers:,} customers are touched")
            if not touched:
                written = described(lake, table, day, stored)
                return replace(written, part=Part(0, customers)) if written else None
            some = SomeCustomers(folder / "rows", source, day, touched)
            some = replace(some, owned=owned_rows(inputs, locality, some, folder / scratch_name("records")))
            made, statement = _rows_of(some, table, query, folder / scratch_name("made"))
            kept = as_table(some.rows_of_others(table, stored.file)).get_name()
            rows = Statement(f'select * from "{kept}" union all by name select * from "{made}"', (kept, made))
            written = lake.write(table, day, rows, unless_same=True)
            return replace(written, lineage=statement.lineage, part=Part(len(touched), customers))
    except NotLocal as reason:
        log.info("%s of %s is made for everybody: %s.", table, day, reason)
    except (*UNREADABLE, ContractBroken) as error:  # what is wrong shows when all of it is made
        log.warning("%s of %s is made for everybody: %s", table, day, type(error).__name__)
    return None


def is_as_stored(source: Lake, stored: StoredDay, now: MadeFrom) -> bool:
    """Whether all that differs in what a day is made from is nothing that its rules read."""
    if stored.made_from is None or stored.made_from.rules != now.rules:
        return False
    try:
        return not is_read_otherwise(source, Inputs.of(source, stored, now.queries))
    except (NotLocal, *UNREADABLE):
        return False


def made_otherwise(source: Lake, table: str, stored: StoredDay, query: Query, most: int) -> int:
    """Count of some customers of a stored day those whose rows are not what the rule comes to.

    They are others after each writing, and some may be whom the day should have and has not.
    """
    some = _chosen(source, stored, most)
    with _aside() as folder:
        lake = SomeCustomers(folder / "rows", source, stored.file.partition, some)
        made, _ = _rows_of(lake, table, query, folder / scratch_name("made"))
        kept = as_table(lake.rows_of_these(table, stored.file)).get_name()
        only = '(select * from "{}" except all select * from "{}")'
        differing = f"{only.format(made, kept)} union all {only.format(kept, made)}"
        return _number(f"select count(distinct {CUSTOMER}) from ({differing})")


def _chosen(source: Lake, stored: StoredDay, most: int) -> frozenset[str]:
    """Choose customers of a day by chance, but the same for the same file."""
    parts = [f"select {CUSTOMER} from {rows_of_files(source.paths([stored.file]))}"]
    if stored.made_from:
        read = [query for each in stored.made_from.queries.values() for query in each]
        parts += [f"select {CUSTOMER} from ({query.sql})" for query in read if query.table == PEOPLE]
    everybody = f"select distinct {CUSTOMER} from ({' union all '.join(parts)})"
    name = plain_name(stored.file.path.name)
    chosen = f"{everybody} order by hash({CUSTOMER} || {text(name)}) limit {most}"
    with cursor() as connection:
        return frozenset(customer for (customer,) in connection.execute(chosen).fetchall())


def _rows_of(some: SomeCustomers, table: str, query: Query, target: Path) -> tuple[str, RuleStatement]:
    """Write the rows of some customers aside; return the name of their view."""
    statement = query(some, some.day)
    some.copy(some.these(statement.query), target, ROW_GROUP_SIZE)
    return files_as_table([target], contract_of(table).schema).get_name(), statement


def _customers_in(lake: Lake, file: File) -> int:
    return _number(f"select count(distinct {CUSTOMER}) from {rows_of_files(lake.paths([file]))}")


def _number(query: str) -> int:
    with cursor() as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])


@contextmanager
def _aside() -> Iterator[Path]:
    """Make a folder for what is compared; it is gone with the context."""
    folder = spill.folder() / f"part-{secrets.token_hex(8)}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
