"""How the systems show that somebody has left their company: mail comes back, and their seat is taken away.

Each shows some days after the last sight of them, or never. It is drawn by numbers of its own, so that nothing else of
a life depends on it. Who leaves, and what becomes of the contract, is decided by `departures`.
"""

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gtm_platform.sandbox.world.life import Life

_HUBSPOT, _INTERCOM, _SEAT = 0.75, 0.55, 0.7  # how often each shows it
_FIRST, _LAST = 86400, 12 * 86400  # seconds after the last sight


def resign(life: "Life", at: datetime) -> None:
    """Plan what shows of a person who was last seen at an instant; a mailbox of their own goes with them."""
    rng = Random(f"{life.context.seed}:{life.person.number}:resigns:{at.isoformat()}")
    work_mail = not life.person.free_mail
    for show, odds, may_show in (
        (_bounce_in_hubspot, _HUBSPOT, work_mail),
        (_bounce_in_intercom, _INTERCOM, work_mail),
        (_take_seat, _SEAT, True),
    ):
        later, shows = timedelta(seconds=rng.randrange(_FIRST, _LAST)), rng.random() < odds
        if shows and may_show:
            life.agenda.at(at + later, show, life)


def _bounce_in_hubspot(at: datetime, life: "Life") -> None:
    if life.file:
        life.file.bounce(at)


def _bounce_in_intercom(at: datetime, life: "Life") -> None:
    if life.intercom:
        life.intercom.bounce(at)


def _take_seat(at: datetime, life: "Life") -> None:
    life.further.close_accounts(at)
