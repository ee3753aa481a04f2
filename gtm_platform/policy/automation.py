"""When the tables are made, and when a window that failed is tried again. Nothing that decides what a table says."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Rules


class Automation(Rules):
    """Waiting times of the automation."""

    settle_minutes: Annotated[int, Field(ge=0)]
    longest_wait_minutes: Annotated[int, Field(ge=0)]
    retry_after_minutes: list[Annotated[int, Field(ge=1)]]
    in_part_at_most: Annotated[float, Field(ge=0, le=1)] = 0.2
    in_part_checked: Annotated[int, Field(ge=1)] = 50
