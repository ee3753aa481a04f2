"""The world: companies and people with a past and a future, and the truth about them."""

from gtm_platform.sandbox.world.world import World

__all__ = ["World"]
