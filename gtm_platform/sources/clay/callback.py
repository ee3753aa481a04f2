"""Answers that a table of Clay's sends by itself, handed on by whatever receives them over HTTP.

They are taken from who has the bearer token, about what was asked, and once: a cell that runs again changes nothing.
"""

import hmac
from contextlib import closing

from gtm_platform.http.pages import get_path_or_none
from gtm_platform.ingest.enrichment import Question, keep
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.clay.client import answer_of
from gtm_platform.sources.clay.settings import ClaySettings
from gtm_platform.state import open_state, spend

LONGEST_ID = 9  # digits


class CallbackRefused(ValueError):
    """An answer that is not taken; `status` is what its sender is answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def take_answer(body: bytes, authorization: str) -> bool:
    """Keep what Clay's HTTP column sent; return False for an answer that was kept before."""
    secret = settings_of(ClaySettings).clay_callback_secret
    expected = f"Bearer {secret.get_secret_value()}" if secret else ""
    if not expected or not hmac.compare_digest(authorization.encode(), expected.encode()):
        raise CallbackRefused(401, "The bearer token is not that of CLAY_CALLBACK_SECRET.")
    number = str(get_path_or_none(body, "request_id") or "")
    config = settings()
    with closing(open_state(config.state_url)) as state:
        with state.reading() as tx:
            is_number = number.isdecimal() and len(number) <= LONGEST_ID
            rows = spend.reservations(tx, [int(number)]) if is_number else []
        if not rows or rows[0].provider != "clay" or rows[0].begun_at is None:
            raise CallbackRefused(422, "The request_id is not one of a company that was asked about.")
        answer = answer_of(Question(rows[0].id, rows[0].subject), body)
        return keep(state, "clay", answer, config.now())
