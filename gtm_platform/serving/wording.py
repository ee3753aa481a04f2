"""Words that everything shown has in common: names out of the data, counts with their noun, symbols of currencies."""

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.ingest.plain_words import plain_words, sentence_case

NOTHING = "–"
COHORT_NAMES = dict(zip(COHORTS, ("Current customer", "SI partner", "In the market", "With a competitor"), strict=True))
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def words(name: str | None) -> str:
    """Return a name out of the data as words: at_risk becomes At risk."""
    return sentence_case(plain_words(name)) if name else NOTHING


def small_words(name: str) -> str:
    """Return a name out of the data as words within a sentence: low_csat becomes low CSAT."""
    return plain_words(name)


def counted(count: float, what: str, several: str | None = None) -> str:
    """Return a number with its noun: 1 customer, 2 customers."""
    return f"{count:,.0f} {what if count == 1 else several or what + 's'}"


def symbol(currency: str) -> str:
    """Return what stands before an amount of a currency."""
    return SYMBOLS.get(currency, f"{currency.upper()} ")


def share_with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return a share of 0 to 1 in percent with its interval: 34 % (28 to 41 %)."""
    if value is None:
        return NOTHING
    interval = "" if low is None or high is None else f" ({low * 100:.0f} to {high * 100:.0f} %)"
    return f"{value * 100:.0f} %{interval}"
