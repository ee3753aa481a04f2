"""One Slack channel to post to, and what has to be set for it.

What comes out are the failures of `http`, told apart by what matters here: was it surely not posted, may it have been,
or can this message never be.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web import SlackResponse

from gtm_platform.accounts import AccountIdentity, require_own_account
from gtm_platform.delivery.access import limit_share
from gtm_platform.delivery.alerts.settings import SlackSettings
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
from gtm_platform.http.rate_limit import LimitShare, RateLimiter, limited_to
from gtm_platform.http.retry import RetryPolicy

T = TypeVar("T")
SYSTEM, KEYS = "Slack", ("SLACK_BOT_TOKEN",)
POOL = "slack"  # of Dagster, and the name of Slack in the policy
EVENT = "gtm_alert"
TIMEOUT = 30  # seconds
BURST = 10  # then one a second, as Slack lets a channel have
CUSTOMER_CHANNEL, OPS_CHANNEL = "SLACK_ALERT_CHANNEL", "SLACK_OPS_CHANNEL"
# A sensor's tick ends after 60 seconds: what Slack does not take before goes out with the next one.
TICK_TIMEOUT = 8  # seconds
TICK_RETRIES = RetryPolicy(budget=10, deadline=20, max_retry_after=10)

TOKEN_ERRORS = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
PAGE, MOST_PAGES = 200, 50  # of messages that are read back
CHANNEL_ERRORS = {
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "restricted_action",
    "no_permission",
    "missing_scope",
    "user_not_found",
    "users_not_found",
    "user_disabled",
    "cannot_dm_bot",
    "is_inactive",
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


class ChannelRefused(Forbidden):
    """Nothing can be posted to this channel, or nothing can be read of it; to others it can."""


@dataclass(frozen=True)
class Post:
    """What is posted, and where; `key` is in the message's metadata, by which it can be recognised."""

    channel: str
    text: str
    blocks: Sequence[dict[str, Any]]
    fingerprint: str
    key: str
    thread: str | None = None


def off_reason(settings: SlackSettings, channel_variable: str) -> str | None:
    """Say what has to be set before anything is posted to a channel, or nothing."""
    variables = ("SLACK_BOT_TOKEN", channel_variable)
    if missing := [name for name in variables if getattr(settings, name.lower()) is None]:
        return f"Slack is off: set {' and '.join(missing)}."
    return None if settings.slack_send_enabled else "Slack is off: set SLACK_SEND_ENABLED=true."


class SlackChannel:
    """A channel that is posted to at Slack's rate; `check_account` runs before the first use."""

    def __init__(
        self,
        token: str,
        base_url: str,
        channel: str,
        limiter: RateLimiter,
        retry: RetryPolicy,
        variable: str = CUSTOMER_CHANNEL,
        timeout: int = TIMEOUT,
        check_account: Callable[[AccountIdentity], None] | None = None,
    ) -> None:
        # The SDK's own retries are left out: they repeat posts that may have arrived.
        self._sdk = SlackWithoutRedirects(token=token, base_url=base_url, timeout=timeout, retry_handlers=[])
        self.channel, self._variable, self._token, self._limiter = channel, variable, SecretStr(token), limiter
        self._base_url, self._check_account = base_url, check_account
        self._direct: dict[str, str] = {}  # the channel of direct messages by person
        self._caller = Caller(SYSTEM, KEYS, retry)

    @classmethod
    def of(cls, settings: SlackSettings, share: LimitShare | None = None) -> "SlackChannel":
        """Return the channel of the alerts about customers."""
        return cls._opened(settings, CUSTOMER_CHANNEL, RetryPolicy(), TIMEOUT, share)

    @classmethod
    def for_ops(cls, settings: SlackSettings) -> "SlackChannel":
        """Return the channel of the data team, with the patience that a sensor has."""
        return cls._opened(settings, OPS_CHANNEL, TICK_RETRIES, TICK_TIMEOUT)

    @classmethod
    def _opened(
        cls, settings: SlackSettings, variable: str, retry: RetryPolicy, timeout: int, share: LimitShare | None = None
    ) -> "SlackChannel":
        token, channel = settings.slack_bot_token, getattr(settings, variable.lower())
        if token is None or channel is None:
            raise SlackIsOff(off_reason(settings, variable))
        limiter = RateLimiter(rate=1, burst=BURST)
        key = BearerAuth(token).secret.get_secret_value()  # checked: a bad header is quoted in its error
        url = settings.slack_base_url
        with limited_to(share or limit_share(POOL)):
            return cls(key, url, channel, limiter, retry, variable, timeout, require_own_account)

    def post(self, post: Post) -> str:
        """Post, waiting out rate limits and passing trouble, and return the message's `ts`."""
        self._make_sure_of_account()
        message: dict[str, Any] = {
            "channel": post.channel,
            "text": post.text,
            "blocks": list(post.blocks),
            "metadata": {"event_type": EVENT, "event_payload": {"fingerprint": post.fingerprint, "key": post.key}},
            "thread_ts": post.thread,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        check = partial(self._timestamp, post.channel)
        return self._call("chat.postMessage", lambda: self._sdk.chat_postMessage(**message), check)

    def _make_sure_of_account(self) -> None:
        if self._check_account:
            self._check_account(self.identity())
            self._check_account = None

    def upload(self, name: str, content: bytes, about: str) -> str:
        """Upload a picture that nobody sees yet, and return its id once Slack can show it in a message."""
        self._make_sure_of_account()
        upload = partial(self._sdk.files_upload_v2, filename=name, file=content, title=about, alt_txt=about)
        check = partial(self._answer, self.channel)
        answer = self._call("files.completeUploadExternal", partial(_repeatable, upload), check)
        id = str(answer["files"][0]["id"])
        info = partial(_repeatable, partial(self._sdk.files_info, file=id))
        self._call("files.info", info, self._is_ready)
        return id

    def _is_ready(self, response: Response) -> bool:
        """Return true once Slack knows what kind of file it is; a message with it is refused before."""
        if not self._answer(self.channel, response)["file"].get("mimetype"):
            raise Unavailable(SYSTEM, "Slack has not looked at the picture yet.")
        return True

    def channel_of(self, recipient: str) -> str:
        """Return the channel of a recipient: of a person that of direct messages, of "" the usual one."""
        if not recipient:
            return self.channel
        if recipient[0] not in "UW":
            return recipient
        if recipient not in self._direct:
            answer = self._read(
                "conversations.open", recipient, lambda: self._sdk.conversations_open(users=[recipient])
            )
            self._direct[recipient] = str(answer["channel"]["id"])
        return self._direct[recipient]

    def look_up(self, recipient: str) -> None:
        """Ask for a channel or a person; ChannelRefused where the workspace has none, or does not say."""
        if recipient[0] in "UW":
            self._read("users.info", recipient, lambda: self._sdk.users_info(user=recipient))
        else:
            self._read("conversations.info", recipient, lambda: self._sdk.conversations_info(channel=recipient))

    def messages(self, channel: str, since: datetime) -> Iterator[dict[str, Any]]:
        """Yield the messages of a channel since a moment, each with its metadata and reactions, threads included."""
        self._make_sure_of_account()
        oldest = f"{since.timestamp():.6f}"
        for message in self._pages(channel, "conversations.history", oldest=oldest):
            yield message
            if message.get("reply_count"):
                replies = self._pages(channel, "conversations.replies", ts=message["ts"], oldest=oldest)
                yield from (reply for reply in replies if reply["ts"] != message["ts"])

    def _pages(self, channel: str, method: str, **more: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        call = self._sdk.conversations_history if "history" in method else self._sdk.conversations_replies
        for _ in range(MOST_PAGES):
            arguments: dict[str, Any] = {**more, "cursor": cursor, "limit": PAGE, "include_all_metadata": True}
            answer = self._read(method, channel, partial(call, channel=channel, **arguments))
            yield from answer["messages"]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def _read(self, method: str, channel: str, call: Callable[[], SlackResponse]) -> dict[str, Any]:
        try:
            return self._call(method, call, partial(self._answer, channel))
        except (AnswerLost, MessageRefused) as failure:  # neither says anything of the message that waits
            raise Unavailable(SYSTEM, f"Slack does not answer {method}. {failure.message}") from failure

    def _answer(self, channel: str, response: Response) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(response.body)
        if answer.get("ok"):
            return answer
        raise self._refusal(answer, channel)

    def identity(self) -> AccountIdentity:
        """Ask which workspace the token belongs to."""
        try:
            return self._call("auth.test", self._sdk.auth_test, self._team)
        except (AnswerLost, MessageRefused) as failure:  # neither says anything of the message that waits
            sentence = f"Slack does not say which workspace the token belongs to. {failure.message}"
            raise Unavailable(SYSTEM, sentence) from failure

    def missing_scopes(self) -> tuple[str, ...]:
        """Say what the token may not do that posting needs; nothing where Slack does not tell its scopes."""
        scopes = self._call("auth.test", self._sdk.auth_test, _scopes)
        if not scopes or "chat:write" in scopes:
            return ()
        return (f"the token lacks the scope chat:write (it has {', '.join(sorted(scopes))}): add it, and reinstall.",)

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
        return Response(answer.status_code, answer.headers, body.encode(), (self._token.get_secret_value(),))

    def _timestamp(self, channel: str, response: Response) -> str:
        """Return the message's `ts`, out of an answer whose status says nothing of whether it was posted."""
        return str(self._answer(channel, response)["ts"])

    def _team(self, response: Response) -> AccountIdentity:
        answer = json.loads(response.body)
        if answer.get("ok"):
            team, name = str(answer["team_id"]), answer.get("team")
            return AccountIdentity("slack", team, f"Slack workspace {team} ({name})")
        raise self._refusal(answer, self.channel)

    def _refusal(self, answer: dict[str, Any], channel: str) -> ApiFailure:
        code = str(answer.get("error"))
        sentence = f"Slack refused the message for channel {channel}: {code}."
        if code in TOKEN_ERRORS:
            return Unauthorized(SYSTEM, f"{sentence} Check that SLACK_BOT_TOKEN holds a valid bot token.")
        if code in CHANNEL_ERRORS:
            where = self._variable if channel == self.channel else "alerts.account_managers in the policy"
            needed = f" It needs {answer['needed']}." if code == "missing_scope" and answer.get("needed") else ""
            advice = f"Check {where}, and that the bot is invited there and may write (chat:write).{needed}"
            return ChannelRefused(SYSTEM, f"{sentence} {advice}")
        if code == "ratelimited":
            return RateLimited(SYSTEM, sentence)
        if code in PASSING_ERRORS:
            return Unavailable(SYSTEM, sentence)
        if not code.isidentifier():
            return AnswerLost(SYSTEM, "Slack's answer was not JSON; the message may have been posted.")
        hints = answer.get("response_metadata", {}).get("messages", [])
        return MessageRefused(SYSTEM, " ".join([sentence, *hints]))


def _repeatable(call: Callable[[], SlackResponse]) -> SlackResponse:
    """Make a call after which nobody sees anything, so that one without an answer can be made again."""
    try:
        return call()
    except SlackApiError:
        raise
    except HTTPError as error:
        raise Unavailable(SYSTEM, f"Slack did not take the picture: HTTP {error.code}.") from None
    except URLError as error:
        raise Unavailable(SYSTEM, f"Slack cannot be reached: {type(error.reason).__name__}.") from None
    except (OSError, HTTPException, SlackRequestError) as error:
        raise Unavailable(SYSTEM, f"Slack did not take the picture ({type(error).__name__}).") from None


def _scopes(response: Response) -> set[str]:
    headers = {name.lower(): str(value) for name, value in response.headers.items()}
    return {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
