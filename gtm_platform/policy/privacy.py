"""What erasing a person does outside of the platform, and how long personal data are kept."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Days, Rules

Kept = Annotated[int, Field(ge=0)]  # days; 0 is for ever


class Retention(Rules):
    """For how many days what is personal is kept; 0 keeps it."""

    payload_days: Kept = 0
    text_days: Kept = 0
    text_tables: tuple[str, ...] = ()
    quarantine_days: Kept = 0
    history_days: Kept = 0
    log_days: Kept = 0


class Privacy(Rules):
    """Erasure and retention."""

    erase_in: tuple[str, ...] = ()  # destinations in which an erased person is deleted, too
    plan_days: Days = 7
    backups_days: Days = 35
    retention: Retention = Retention()
