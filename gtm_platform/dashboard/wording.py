"""How figures, moments and names are written on a page.

Names, subjects and reasons are outsiders' text: whatever is drawn as Markdown goes through `plain` first.
"""

import re
from datetime import UTC, date, datetime

from gtm_platform.serving.wording import NOTHING, symbol

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$&^=@/])")
BEGINS_LINK = re.compile(r"https?:|ftp:|www\.|xmpp:|mailto:", re.IGNORECASE)
JOINER = "\u2060"  # cannot be seen, and keeps an address from becoming a link
STEPS = ((86_400 * 2, 86_400, "d"), (3_600, 3_600, "h"), (60, 60, "min"))  # from so many seconds on, in this unit


def plain(text: object) -> str:
    """Return text that Markdown shows as it is: no links, pictures, colours or formulas come of it."""
    unlinked = BEGINS_LINK.sub(lambda match: f"{match[0]}{JOINER}", " ".join(str(text).split()))
    return MARKDOWN.sub(r"\\\1", unlinked)


def money(amount: float | None, currency: str) -> str:
    """Return an amount short enough to be read at a glance: $2,932, $262.7 k, $1.3 M."""
    if amount is None:
        return NOTHING
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 999_950:
        return f"{sign}{symbol(currency)}{size / 1e6:,.1f} M"
    return f"{sign}{symbol(currency)}{size / 1e3:,.1f} k" if size >= 9_999.5 else f"{sign}{symbol(currency)}{size:,.0f}"


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with separators; a dash for none."""
    return NOTHING if value is None else f"{value:,.{decimals}f}"


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share of 0 to 1 in percent."""
    return NOTHING if share is None else f"{share * 100:,.{decimals}f} %"


def day(text: str | None) -> str:
    """Return a day, or the day of a moment, as 27 Nov 2026."""
    return NOTHING if not text else f"{date.fromisoformat(text[:10]):%-d %b %Y}"


def moment(at: str | datetime | None) -> str:
    """Return a moment as 27 Nov 2026, 14:05 UTC."""
    return NOTHING if not at else f"{parsed(at):%-d %b %Y, %H:%M} UTC"


def parsed(at: str | datetime) -> datetime:
    """Read a moment of the store."""
    return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).astimezone(UTC)


def ago(at: str | datetime | None, now: datetime) -> str:
    """Return how long ago a moment is: 3 h ago."""
    if not at:
        return NOTHING
    seconds = (now - parsed(at)).total_seconds()
    for least, unit, name in STEPS:
        if seconds >= least:
            return f"{seconds // unit:.0f} {name} ago"
    return "just now" if seconds > -60 else f"in {-seconds / 3600:.0f} h"
