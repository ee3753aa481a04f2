"""How figures and days are written in reports."""

from datetime import date

from gtm_platform.serving.wording import NOTHING, symbol


def money(amount: float | None, currency: str) -> str:
    """Return an amount as it is read in a table: $2,932."""
    if amount is None:
        return NOTHING
    return f"{'−' if round(amount) < 0 else ''}{symbol(currency)}{abs(amount):,.0f}"


def short_money(amount: float | None, currency: str) -> str:
    """Return an amount short enough to be read at a glance: $2,932, $262.7 k, $1.30 M."""
    if amount is None:
        return NOTHING
    sign, size = ("−" if amount < 0 else ""), abs(amount)
    if size >= 999_950:
        return f"{sign}{symbol(currency)}{size / 1e6:,.2f} M"
    return f"{sign}{symbol(currency)}{size / 1e3:,.1f} k" if size >= 9_999.5 else money(amount, currency)


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with separators; a dash for none."""
    return NOTHING if value is None else f"{value:,.{decimals}f}".replace("-", "−")


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share of 0 to 1 in percent."""
    return NOTHING if share is None else f"{share * 100:,.{decimals}f} %".replace("-", "−")


def signed(text: str) -> str:
    """Return a written number with its sign, also where it is positive."""
    return text if text.startswith(("−", NOTHING)) else f"+{text}"


def day(text: str) -> str:
    """Return a day as 27 November 2026."""
    return f"{date.fromisoformat(text[:10]):%-d %B %Y}"
