"""Whose the rows of a table without customers are, as a value that a daily table declares of what it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis

ADDRESS = "an address"  # the source of owners who are named by an address that is theirs


@dataclass(frozen=True)
class Owner:
    """Whose the rows of a table are: of the person records of a source that a field of it names.

    The field is a column or a function of the table, of texts or of arrays of texts. Where the table's rows are others,
    `rows` makes rows of it that have the field. Rows that name a record of another table of the source, whose id is
    that table's key, are `through` it: the field is then one of that table. So it is of rows that a function makes of
    them `with_table`, another one.
    """

    source: str
    records: "str | Callable[[ibis.Table], ibis.Value]"
    rows: "Callable[[ibis.Table], ibis.Table] | None" = None
    through: tuple[str, str] | None = None  # the other table, and the column that names a record of it
    with_table: "tuple[str, Callable[[ibis.Table, ibis.Table], ibis.Table]] | None" = None  # and the function


Owners = Mapping[str, tuple[Owner, ...]]  # by table
