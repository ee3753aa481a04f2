"""Money: from the minor units that systems keep to the major units that people read, and from currency to currency.
Decimals throughout, rounded once, at the end; until then no places are cut, which takes longer than all else.
"""

from decimal import Decimal

import ibis

from gtm_platform.policy import Money

AMOUNT = "decimal(18, 2)"
MAJOR = "decimal(28, 9)"  # what `major` returns
# ISO 4217, with the exceptions of payment systems: isk and ugx are sent as if they had two decimals.
NO_MINOR_UNIT = (
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
    *("pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"),
)
THREE_DECIMALS = ("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd")


def exact(amount: ibis.Value) -> ibis.ir.DecimalValue:
    """Make an amount one that can be summed and multiplied without loss."""
    return amount.cast("decimal(24, 6)")


def major(minor: ibis.Value, currency: ibis.ir.StringValue) -> ibis.ir.DecimalValue:
    """Turn an amount of minor units, as systems keep it, into major units."""
    unit = ibis.cases(
        (currency.lower().isin(NO_MINOR_UNIT), _unit("1")),
        (currency.lower().isin(THREE_DECIMALS), _unit("0.001")),
        else_=_unit("0.01"),
    )
    return (exact(minor) * unit).cast(MAJOR)  # what the engine makes of it anyway


def minor(amount: ibis.Value, currency: ibis.ir.StringValue) -> ibis.ir.IntegerValue:
    """Round an amount of major units to whole minor units of its currency, half away from zero."""
    factor = ibis.cases(
        (currency.lower().isin(NO_MINOR_UNIT), _factor(1)),
        (currency.lower().isin(THREE_DECIMALS), _factor(1000)),
        else_=_factor(100),
    )
    whole: ibis.ir.IntegerValue = (amount * factor).round().cast("int64")
    return whole


def minor_units(currency: str) -> int:
    """Return how many minor units a major one of a currency has."""
    return 1 if currency in NO_MINOR_UNIT else 1000 if currency in THREE_DECIMALS else 100


def reported(amount: ibis.Value, currency: ibis.ir.StringValue, rules: Money) -> ibis.ir.DecimalValue:
    """Convert an amount into the reporting currency; null where the policy has no rate for its own."""
    return amount * currency.lower().cases(*[(name, _rate(rate)) for name, rate in rules.rates.items()])


def shown(amount: ibis.Value) -> ibis.ir.DecimalValue:
    """Round an amount as it stands in a table: two decimals, half away from zero."""
    return amount.round(2).cast(AMOUNT)


def _unit(value: str) -> ibis.ir.DecimalScalar:
    return ibis.literal(Decimal(value), type="decimal(4, 3)")


def _factor(value: int) -> ibis.ir.DecimalScalar:
    return ibis.literal(Decimal(value), type="decimal(4, 0)")


def _rate(value: Decimal) -> ibis.ir.DecimalScalar:
    return ibis.literal(value, type="decimal(14, 6)")
