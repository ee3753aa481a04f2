"""Systems that allow so few calls that tests would wait for minutes: their limits in the sandbox are lifted."""

from typing import cast

import pytest

from gtm_platform.sandbox.kit.emulator import discover
from gtm_platform.sandbox.kit.limits import Rate

SLOW, MANY = 10, 10**6  # calls a second, calls in a window
EMULATORS = {emulator.name: emulator for emulator in discover()}


def is_slow(system: str) -> bool:
    """Whether a system allows fewer calls a second in any of its limits."""
    return any(rate.calls / rate.seconds < SLOW for rate in EMULATORS[system].limits.values())


def lift_limits(patch: pytest.MonkeyPatch, *systems: str) -> None:
    """Let the emulators of the slow ones of these systems, else of all, answer any number of calls."""
    for system in systems or EMULATORS:
        limits = EMULATORS[system].limits
        for name, rate in limits.items() if is_slow(system) else ():
            patch.setitem(cast(dict[str, Rate], limits), name, rate._replace(calls=MANY))
