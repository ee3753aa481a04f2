"""What became of an amount between two moments: it came, grew, shrank, left or stayed.

Every table and metric that speaks of new, expansion, contraction and churn asks these functions.
"""

import ibis


def came(before: ibis.Value, after: ibis.Value) -> ibis.ir.BooleanValue:
    """Whether nothing became something: new, or a reactivation."""
    return (before <= 0) & (after > 0)


def left(before: ibis.Value, after: ibis.Value) -> ibis.ir.BooleanValue:
    """Whether something became nothing: churn."""
    return (before > 0) & (after <= 0)


def grew(before: ibis.Value, after: ibis.Value) -> ibis.ir.BooleanValue:
    """Whether something became more: expansion."""
    return (after > before) & ~came(before, after)


def shrank(before: ibis.Value, after: ibis.Value) -> ibis.ir.BooleanValue:
    """Whether something became less, and is not gone: contraction."""
    return (after < before) & ~left(before, after)
