"""Tables that have one row per customer, side by side."""

from collections.abc import Iterable

import ibis


def left_join_all(table: ibis.Table, others: Iterable[ibis.Table], key: str = "customer_id") -> ibis.Table:
    """The rows of the table with the columns of the others, null where another has no such row."""
    for other in others:
        table = table.left_join(other, key, rname="{name}_of_other").drop(f"{key}_of_other")
    return table
