"""What the systems that record use hold before any user does: since when, and visitors whom nobody ever made out."""

from datetime import timedelta
from random import Random
from uuid import UUID

from gtm_platform.sandbox.posthog.store import PostHogPerson
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.product import HISTORY


def add_product_fixtures(context: Context, people: int) -> None:
    """Begin to record; one visitor for every twenty people came and left no address."""
    context.posthog.recorded_from = context.start - HISTORY
    context.userflow.opened = context.start - timedelta(days=800)
    for number in range(people // 20 + 1):
        rng = Random(f"{context.seed}:visitor:{number}")
        uuid, anonymous = (str(UUID(int=rng.getrandbits(128), version=4)) for _ in range(2))
        came = context.start - timedelta(seconds=rng.randrange(3600, 90 * 86400 - 3600))
        context.posthog.persons[uuid] = PostHogPerson(uuid, came, [anonymous], {}, None)
