"""The health statuses: their order, their colours, their names. Every page shows them alike."""

from typing import Literal

from gtm_platform.health.customer_health import NEW, STATUSES
from gtm_platform.serving.wording import words

Badge = Literal["green", "yellow", "orange", "red", "blue"]
BADGE_COLOURS: tuple[Badge, ...] = ("green", "yellow", "orange", "red")
COLOURS = dict(zip(STATUSES, ("#2b8a5e", "#e0a100", "#e8590c", "#c92a2a"), strict=True))
CHIPS = dict(
    zip((*STATUSES, NEW), ("#bfe3d0", "#f5d477", "#fbcdb3", "#f7c5c5", "#c5d7f7"), strict=True)
)  # behind dark text
BADGES: dict[str, Badge] = {**dict(zip(STATUSES, BADGE_COLOURS, strict=True)), NEW: "blue"}
TITLES = {status: words(status) for status in STATUSES}  # of the scores
SHOWN_TITLES = {**TITLES, NEW: words(NEW)}
AT_RISK = STATUSES[1:]
