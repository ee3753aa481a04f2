"""When account managers want no messages: the policy's quiet hours, by the clock where each of them is."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gtm_platform.policy import Alerts


def is_quiet(at: datetime, rules: Alerts, zone: str) -> bool:
    """Whether a moment lies in the quiet hours of a time zone; they may pass midnight."""
    if rules.quiet_hours is None:
        return False
    begin, end = rules.quiet_hours
    clock = at.astimezone(ZoneInfo(zone)).time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end


def local_day(at: datetime, zone: str) -> str:
    """Return the day that it is in a time zone."""
    return at.astimezone(ZoneInfo(zone)).date().isoformat()
