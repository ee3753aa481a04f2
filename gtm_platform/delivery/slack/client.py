"""One Slack channel to post to. What comes out are the failures of `connect`, told apart by what matters here: was it
surely not posted, may it have been, or can this message never be.
"""

import json
import logging
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import URLError

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from gtm_platform.accounts import AccountIdentity, require_own_account
from gtm_platform.http.caller import Caller, Request, Response
from gtm_platform.http.client import BearerAuth
from gtm_platform.http.compat import SlackWithoutRedirects
from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    Forbidden,
    Permanent,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.settings import Settings

T = TypeVar("T")
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


def why_off(settings: Settings) -> str | None:
    if missing := settings.missing("SLACK_BOT_TOKEN", "SLACK_ALERT_CHANNEL"):
        return f"Slack is off: set {' and '.join(missing)}."
    return None if settings.slack_send_enabled else "Slack is off: set SLACK_SEND_ENABLED=true."


class SlackChannel:
    """One channel of a workspace. `check_account`, if any, comes before the first post and may refuse it."""

    def __init__(
        self,
        token: str,
        base_url: str,
        channel: str,
        limiter: RateLimiter,
        retry: RetryPolicy,
        check_account: Callable[[AccountIdentity], None] | None = None,
    ) -> None:
        # The SDK's own retries are left out: they repeat posts that may have arrived.
        self._sdk = SlackWithoutRedirects(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])
        self.channel, self._token, self._limiter = channel, token, limiter
        self._base_url, self._check_account = base_url, check_account
        self._caller = Caller(SYSTEM, KEYS, retry)

    @classmethod
    def of(cls, settings: Settings) -> "SlackChannel":
        """The channel for alerts, as the environment says."""
        token, channel = settings.slack_bot_token, settings.slack_alert_channel
        if token is None or channel is None:
            raise SlackIsOff(why_off(settings))
        limiter = RateLimiter(rate=1, burst=BURST)
        key = BearerAuth(token).secret  # checked: a bad header is quoted in its error
        url = settings.slack_base_url
        return cls(key.get_secret_value(), url, channel, limiter, RetryPolicy(), require_own_account)

    def post(self, text: str, blocks: Sequence[dict[str, Any]], fingerprint: str, thread: str | None = None) -> str:
        """Post, waiting out rate limits and passing trouble, and return the message's `ts`."""
        if self._check_account:
            self._check_account(self.identity())
            self._check_account = None
        message: dict[str, Any] = {
            "channel": self.channel,
            "text": text,
            "blocks": list(blocks),
            "metadata": {"event_type": EVENT, "event_payload": {"fingerprint": fingerprint}},
            "thread_ts": thread,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        return self._call("chat.postMessage", lambda: self._sdk.chat_postMessage(**message), self._timestamp)

    def identity(self) -> AccountIdentity:
        """Ask which workspace the token belongs to."""
        try:
            return self._call("auth.test", self._sdk.auth_test, self._team)
        except (AnswerLost, MessageRefused) as failure:  # neither says anything of the message that waits
            sentence = f"Slack does not say which workspace the token belongs to. {failure.message}"
            raise Unavailable(SYSTEM, sentence) from failure

    def _call(self, method: str, call: Callable[[], SlackResponse], check: Callable[[Response], T]) -> T:
        request = Request("POST", f"{self._base_url}{method}")
        return self._caller.call(request, lambda: self._send(call), (self._limiter,), check)

    def _send(self, call: Callable[[], SlackResponse]) -> Response:
        try:
            answer = call()
        except SlackApiError as error:
            answer = error.response
        except URLError as error:
            raise Unavailable(SYSTEM, f"Slack cannot be reached: {type(error.reason).__name__}.") from None
        except (OSError, HTTPException) as error:
            sentence = f"Slack did not answer ({type(error).__name__}); it may have been posted."
            raise AnswerLost(SYSTEM, sentence) from None
        body = json.dumps(answer.data) if isinstance(answer.data, dict) else "{}"
        return Response(answer.status_code, answer.headers, body.encode(), (self._token,))

    def _timestamp(self, response: Response) -> str:
        """Return the message's `ts`, out of an answer whose status says nothing of whether it was posted."""
        answer = json.loads(response.body)
        if answer.get("ok"):
            return str(answer["ts"])
        raise self._refusal(answer)

    def _team(self, response: Response) -> AccountIdentity:
        answer = json.loads(response.body)
        if answer.get("ok"):
            team, name = str(answer["team_id"]), answer.get("team")
            return AccountIdentity("slack", team, f"Slack workspace {team} ({name})")
        raise self._refusal(answer)

    def _refusal(self, answer: dict[str, Any]) -> ApiFailure:
        code = str(answer.get("error"))
        sentence = f"Slack refused the message for channel {self.channel}: {code}."
        if code in TOKEN_ERRORS:
            return Unauthorized(SYSTEM, f"{sentence} Check that SLACK_BOT_TOKEN holds a valid bot token.")
        if code in CHANNEL_ERRORS:
            advice = "Check SLACK_ALERT_CHANNEL, and that the bot is invited there and may write (chat:write)."
            return Forbidden(SYSTEM, f"{sentence} {advice}")
        if code == "ratelimited":
            return RateLimited(SYSTEM, sentence)
        if code in PASSING_ERRORS:
            return Unavailable(SYSTEM, sentence)
        if not code.isidentifier():
            return AnswerLost(SYSTEM, "Slack's answer was not JSON; the message may have been posted.")
        hints = answer.get("response_metadata", {}).get("messages", [])
        return MessageRefused(SYSTEM, " ".join([sentence, *hints]))
