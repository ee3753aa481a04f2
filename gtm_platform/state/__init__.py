"""The transactional memory of what was done and decided; unlike the lake it cannot be recomputed. It knows no GTM."""

from gtm_platform.state.store import State, StateError, open_state

__all__ = ["State", "StateError", "open_state"]
