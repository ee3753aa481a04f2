"""Of which subscriptions messages died since the last look, or which were switched off. The state says so."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from gtm_platform.delivery.alerts.kinds.webhooks_lost import LostWebhooks
from gtm_platform.delivery.triggers.subscribing import host_of
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.trigger_outbox import Message, dead_since
from gtm_platform.state.trigger_subscriptions import OFF, REMOVED, Subscription, all_subscriptions


def read_lost_webhooks(cursor: str | None, now: datetime) -> tuple[list[LostWebhooks], str]:
    """Return what was lost since the cursor, by subscription, and the next cursor.

    The first look is at what is lost from now on. What dies as a person removed its subscription is no loss.
    """
    if not cursor:
        return [], now.isoformat()
    since = datetime.fromisoformat(cursor)
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        dead, subscribed = dead_since(tx, since), all_subscriptions(tx)
    news = [
        _news(each, of_this)
        for each in subscribed
        if each.status != REMOVED
        and ((of_this := [message for message in dead if message.subscription_id == each.id]) or _went_off(each, since))
    ]
    moments = [message.settled_at for message in dead if message.settled_at]
    moments += [each.status_at for each in subscribed if _went_off(each, since)]
    return news, max([since, *moments]).isoformat()


def _went_off(subscription: Subscription, since: datetime) -> bool:
    return subscription.status == OFF and subscription.status_at > since


def _news(subscription: Subscription, dead: Sequence[Message]) -> LostWebhooks:
    return LostWebhooks(
        subscription_id=subscription.id,
        receiver=host_of(subscription.address),
        dead=len(dead),
        is_off=subscription.status == OFF,
        why=subscription.reason if subscription.status == OFF else str(dead[-1].error),
        at=max([*(each.settled_at for each in dead if each.settled_at), subscription.status_at]).isoformat(),
    )
