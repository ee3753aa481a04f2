"""Whether health and alerts work."""

from gtm_platform.delivery.track_record import BACKTEST, MISSED_CHURNS, PRECISION
from gtm_platform.serving.answers.track_record import track_record
from gtm_platform.serving.chat.answers import TrackRecord
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> TrackRecord:
    """Say whether health scores see churn coming, and whether alerts are worth reading.

    By the newest monthly back-test: precision beside the base rate, days ahead, each with its interval, the churns that
    were missed with the rule that would have caught them. By their readers: the precision of each kind of alert.
    """
    return TrackRecord(
        **question.origin(BACKTEST, MISSED_CHURNS, PRECISION), **track_record(question.snapshot).model_dump()
    )


TOOL = Tool("track_record", "Does it work", answer)
