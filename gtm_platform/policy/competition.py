"""How wins, displacements and use of competitors are counted, and which words tell why people leave or choose one."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Days, Pattern, Rules


class Pain(Rules):
    """What hurts, and the words that tell of it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    words: Pattern


PAINS = (
    Pain(name="cost", words=r"(?i)pric|cost|expens|budget|cheap|discount"),
    Pain(name="performance", words=r"(?i)perform|latenc|slow|throughput|speed|recall"),
    Pain(name="reliability", words=r"(?i)reliab|outage|downtime|incident|unstable|data loss"),
    Pain(name="scaling", words=r"(?i)scal(e|ing|ab)"),
    Pain(name="operations", words=r"(?i)operat|maintain|upgrade|self-?host|complex"),
    Pain(name="features", words=r"(?i)feature|missing|filter|hybrid|multi-?tenan"),
    Pain(name="support", words=r"(?i)support|respons|document"),
    Pain(name="lock_in", words=r"(?i)lock-?in|vendor|migrat|export"),
)


class Competition(Rules):
    """What is counted of competitors."""

    deal_days: Days = 730
    in_use_days: Days = 180
    months: Annotated[int, Field(ge=1, le=120)] = 24
    interval: Annotated[float, Field(gt=0, lt=1)] = 0.95
    excerpt_characters: Annotated[int, Field(ge=20, le=1000)] = 240
    pains: tuple[Pain, ...] = PAINS
