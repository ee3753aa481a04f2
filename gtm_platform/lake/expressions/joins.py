"""Tables that have one row per customer, side by side."""

from collections.abc import Iterable

import ibis


def left_join_all(table: ibis.Table, right: Iterable[ibis.Table], on: str = "customer_id") -> ibis.Table:
    """Return the rows of a table with the columns of several, null where one has no such row."""
    for joined in right:
        table = table.left_join(joined, on, rname="{name}_of_right").drop(f"{on}_of_right")
    return table
