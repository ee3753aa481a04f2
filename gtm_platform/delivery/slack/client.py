"""One Slack channel to post to. What comes out are the failures of `connect`, told apart by what matters here: was it
surely not posted, may it have been, or can this message never be.
"""

import logging
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from gtm_platform.delivery.slack.settings import SlackSettings
from gtm_platform.http.client import BearerAuth
from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    Forbidden,
    Permanent,
    RateLimited,
    Unauthorized,
    Unavailable,
    classify,
)
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy

SYSTEM, KEYS = "Slack", ("SLACK_BOT_TOKEN",)
EVENT = "gtm_alert"
TIMEOUT = 30  # seconds
BURST = 10  # then one a second, as Slack lets a channel have

TOKEN_ERRORS = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
CHANNEL_ERRORS = {
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "restricted_action",
    "no_permission",
    "missing_scope",
}
PASSING_ERRORS = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}


# The SDK logs answers that it cannot read, and Slack repeats in them what was posted.
logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)


class SlackIsOff(RuntimeError):
    """Something is missing to post with."""


class AnswerLost(Permanent):
    """It went out and no answer came: it may have been posted."""


class MessageRefused(BadRequest):
    """This message can never be posted; the others can."""


def why_off(settings: SlackSettings) -> str | None:
    if missing := settings.missing():
        return f"Slack is off: set {' and '.join(missing)}."
    return None if settings.slack_send_enabled else "Slack is off: set SLACK_SEND_ENABLED=true."


class _StayingAtHome(WebClient):
    """The SDK follows redirects; the token stays behind, wherever they lead."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        for name in [name for name in req.headers if name.lower() == "authorization"]:
            req.add_unredirected_header(name, req.headers.pop(name))
        return super()._perform_urllib_http_request_internal(url, req)


class SlackChannel:
    def __init__(self, token: str, base_url: str, channel: str, pace: RateLimiter, patience: RetryPolicy) -> None:
        # The SDK's own retries are left out: they repeat posts that may have arrived.
        self._sdk = _StayingAtHome(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
        self.channel, self._pace, self._patience = channel, pace, patience

    @classmethod
    def of(cls, settings: SlackSettings) -> "SlackChannel":
        """The channel for alerts, as the environment says."""
        token, channel = settings.slack_bot_token, settings.slack_alert_channel
        if token is None or channel is None:
            raise SlackIsOff(why_off(settings))
        pace = RateLimiter(rate=1, burst=BURST)
        key = BearerAuth(token).secret  # checked: a bad header is quoted in its error
        return cls(key.get_secret_value(), settings.slack_base_url, channel, pace, RetryPolicy())

    def post(self, text: str, blocks: Sequence[dict[str, Any]], fingerprint: str, thread: str | None = None) -> str:
        """Posts, waiting out limits and passing trouble, and answers the message's `ts`."""

        def once() -> str:
            self._pace.take()
            try:
                answer = self._sdk.chat_postMessage(
                    channel=self.channel,
                    text=text,
                    blocks=list(blocks),
                    metadata={"event_type": EVENT, "event_payload": {"fingerprint": fingerprint}},
                    thread_ts=thread,
                    unfurl_links=False,
                    unfurl_media=False,
                )
                return str(answer["ts"])
            except SlackApiError as error:
                failure = self._failure(error)
            except URLError as error:
                failure = Unavailable(SYSTEM, f"Slack cannot be reached: {type(error.reason).__name__}.")
            except (OSError, HTTPException) as error:
                failure = AnswerLost(SYSTEM, f"Slack did not answer ({type(error).__name__}); it may have been posted.")
            if isinstance(failure, RateLimited) and failure.retry_after:
                self._pace.pause(failure.retry_after)
            raise failure

        return self._patience.call(once)

    def _failure(self, error: SlackApiError) -> ApiFailure:
        answer = error.response
        if not 200 <= answer.status_code < 300:
            said = str(answer.get("error", "")).encode()
            return classify(SYSTEM, KEYS, answer.status_code, "POST", answer.api_url, answer.headers, said)
        code = str(answer.get("error"))
        where = f"Slack refused the message for channel {self.channel}: {code}."
        if code in TOKEN_ERRORS:
            return Unauthorized(SYSTEM, f"{where} Check that SLACK_BOT_TOKEN holds a valid bot token.")
        if code in CHANNEL_ERRORS:
            told = f"{where} Check SLACK_ALERT_CHANNEL, and that the bot is invited there and may write (chat:write)."
            return Forbidden(SYSTEM, told)
        if code == "ratelimited":
            return RateLimited(SYSTEM, where)
        if code in PASSING_ERRORS:
            return Unavailable(SYSTEM, where)
        if not code.isidentifier():
            return AnswerLost(SYSTEM, "Slack's answer was not JSON; the message may have been posted.")
        hints = answer.get("response_metadata", {}).get("messages", [])
        return MessageRefused(SYSTEM, " ".join([where, *hints]))
