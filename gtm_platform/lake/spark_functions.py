"""What DuckDB can and Spark cannot, in Spark's own words: executors need nobody's Python for it."""

from typing import Any

import sqlglot
from sqlglot import exp

# One way to write what can be written as a letter or as a letter and its accent: Unicode's NFC, by the library that
# Spark itself compares texts with. Plain text, as nearly all is, has one way only.
NFC_NORMALIZE = """case when written is null or octet_length(written) = char_length(written) then written
    else java_method('com.ibm.icu.text.Normalizer', 'compose', written, false) end"""


def inlined(query: exp.Select) -> exp.Select:
    """Return a query with each call of such a function in the place of it.

    A function of Spark's SQL would do, but not over what a query groups: it loses sight of the query's literals.
    """
    expanded: exp.Select = query.transform(_expanded)
    return expanded


def from_duckdb(query: str) -> str:
    """Return a query of DuckDB's in Spark's SQL."""
    expanded: exp.Expression = sqlglot.parse_one(query, read="duckdb").transform(_expanded)
    return expanded.sql("spark")


def _expanded(node: Any) -> Any:
    if not (isinstance(node, exp.Anonymous) and node.name.lower() == "nfc_normalize"):
        return node
    [text] = node.expressions
    text = text.transform(_expanded)
    return sqlglot.parse_one(NFC_NORMALIZE, read="spark").transform(
        lambda each: text.copy() if isinstance(each, exp.Column) and each.name == "written" else each
    )
