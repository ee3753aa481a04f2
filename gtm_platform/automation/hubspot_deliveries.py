"""Which deliveries to HubSpot there is news of, once their run has ended. What became of them lies in the state."""

from contextlib import closing

import dagster as dg

from gtm_platform.delivery.alerts.kinds.hubspot_delivery import DeliveryNews
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_deliveries import STOPPED, Delivery, deliveries_after, newest_id


def read_delivery_news(instance: dg.DagsterInstance, cursor: str | None) -> tuple[list[DeliveryNews], str]:
    """Return what became of deliveries since the cursor, and the next cursor.

    The first look is at what is delivered from now on. The types of objects of a run are told together, so that a run
    that goes on is waited for, and what came after it, too.
    """
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        if not cursor:
            return [], str(newest_id(tx))
        deliveries = deliveries_after(tx, int(cursor))
    unfinished = {each.run_id for each in deliveries if _goes_on(instance, each.run_id)}
    first = next((n for n, each in enumerate(deliveries) if each.run_id in unfinished), len(deliveries))
    ended = deliveries[:first]
    return [_news(each) for each in ended], str(ended[-1].id) if ended else cursor


def _goes_on(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether more may come of a run; one that was deleted is over."""
    run = instance.get_run_by_id(run_id)
    return run is not None and not run.is_finished


def _news(delivery: Delivery) -> DeliveryNews:
    return DeliveryNews(
        run_id=delivery.run_id,
        object_type=delivery.object_type,
        day=delivery.day,
        is_stopped=delivery.status == STOPPED,
        counts=delivery.counts,
        reason=delivery.reason,
    )
