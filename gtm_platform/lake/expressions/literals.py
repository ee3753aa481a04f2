"""Constants that mean the same on every engine."""

import ibis

NO_TEXTS: ibis.ir.ArrayScalar = ibis.literal([], type="array<string>")


def number(value: float) -> ibis.ir.FloatingScalar:
    """Return a binary fraction, the same on every engine.

    Written as digits, engines take it for a decimal: DuckDB makes 0.9500000000000001 of 0.95 when it converts a column
    of such, Spark divides with six digits.
    """
    constant: ibis.ir.FloatingScalar = ibis.literal(repr(float(value))).cast("float64")
    return constant
