"""What a person does with subscriptions: each deed is written to the audit trail with who did it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from gtm_platform.delivery.triggers import signing
from gtm_platform.delivery.triggers.kinds import KINDS, parse_filters
from gtm_platform.delivery.triggers.payload import test_body
from gtm_platform.delivery.triggers.sender import poster_of
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.http.public_post import Allowed, checked_url
from gtm_platform.policy import Triggers
from gtm_platform.state import State, audit
from gtm_platform.state import trigger_outbox as outbox
from gtm_platform.state import trigger_subscriptions as subscriptions
from gtm_platform.state.trigger_subscriptions import ACTIVE, OFF, PAUSED, REMOVED, Subscription

# Which statuses a deed may follow.
BEFORE = {ACTIVE: (PAUSED, OFF, REMOVED), PAUSED: (ACTIVE,), REMOVED: (ACTIVE, PAUSED, OFF)}


class TriggersOff(RuntimeError):
    """A variable is missing without which nothing can be signed."""


@dataclass(frozen=True)
class Subscribing:
    """The deeds of a person, on the state."""

    state: State
    settings: TriggerSettings
    rules: Triggers
    now: Callable[[], datetime]
    who: str

    def add(
        self, url: str, kinds: tuple[str, ...], where: tuple[str, ...], *, personal: bool = False, whole: bool = False
    ) -> tuple[Subscription, str]:
        """Subscribe a receiver; return the subscription, and its secret, which is kept nowhere."""
        if unknown := [name for name in kinds if name not in KINDS]:
            raise ValueError(f"{', '.join(unknown)}: no such kind of change; there are {', '.join(KINDS)}.")
        checked_url(url, Allowed(self.rules.ports, self.settings.allow_loopback))
        id, now = f"sub_{secrets.token_hex(6)}", self.now()
        secret, version = signing.new_secret(self._keys(), id, 1)
        chosen = tuple(name for name in KINDS if name in kinds or not kinds)
        filters = parse_filters(where)
        subscription = Subscription(
            id, url, chosen, filters, personal, whole, (version,), created_at=now, created_by=self.who, status_at=now
        )
        with self.state.writing() as tx:
            subscriptions.add(tx, subscription)
            detail = {"host": host_of(url), "kinds": list(chosen), "personal": personal}
            audit.note(tx, now, self.who, "trigger added", id, detail)
        return subscription, secret

    def change_status(self, id: str, status: str) -> int:
        """Pause, resume or remove a subscription; return how many messages that were dead are sent after all."""
        now = self.now()
        with self.state.writing() as tx:
            current = subscriptions.subscription_of(tx, id)
            if current.status not in BEFORE[status]:
                raise ValueError(f"{id} is {current.status} already.")
            subscriptions.change_status(tx, id, status, f"By {self.who}.", now)
            again = outbox.replay(tx, id, now) if status == ACTIVE else 0
            if status == REMOVED:
                outbox.bury(tx, id, "The subscription was removed.", now)
            audit.note(tx, now, self.who, f"trigger {status}", id, {"sent_again": again})
        return again

    def rotate(self, id: str, overlap: timedelta) -> str:
        """Give a receiver a new secret; those before it sign, too, until the overlap is over."""
        now = self.now()
        with self.state.writing() as tx:
            current = subscriptions.subscription_of(tx, id)
            number = max(each.number for each in current.secrets) + 1
            secret, version = signing.new_secret(self._keys(), id, number)
            valid = [each for each in current.secrets if each.signs(now)]
            subscriptions.keep_secrets(tx, id, signing.rotated(valid, version, now + overlap))
            audit.note(tx, now, self.who, "trigger secret rotated", id, {"number": number})
        return secret

    def replay(self, id: str, *, message_id: str = "", since: datetime | None = None) -> int:
        """Let messages be sent again with the next run, with the ids that they had; return how many they are."""
        now = self.now()
        with self.state.writing() as tx:
            subscriptions.subscription_of(tx, id)
            again = outbox.replay(tx, id, now, message_id=message_id, since=since)
            audit.note(tx, now, self.who, "trigger replayed", id, {"messages": again})
        return again

    def test(self, id: str) -> int:
        """Send a message that says nothing, now, whatever the status; return the status of the answer."""
        now = self.now()
        with self.state.writing() as tx:
            subscription = subscriptions.subscription_of(tx, id)
            audit.note(tx, now, self.who, "trigger tested", id, {})
        body = test_body(id, now)
        headers = signing.headers(subscription, self._keys(), f"msg_{secrets.token_hex(16)}", body, now)
        with poster_of(self.settings, self.rules) as poster:
            return poster.post(subscription.address, body, headers).status

    def _keys(self) -> tuple[bytes, ...]:
        if not self.settings.keys:
            raise TriggersOff("Triggers are off: set TRIGGER_KEY; openssl rand -base64 32 makes one.")
        return self.settings.keys


def host_of(url: str) -> str:
    """Return the host of a receiver, which may be shown; its path may hold a secret of the receiver's."""
    return urlsplit(url).hostname or ""
