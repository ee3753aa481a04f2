"""API versions: which are spoken, and shapes as the version of a request has them.

Spoken are all versions that Stripe published from 2022-11-15 to 2026-10-28.endive (`PUBLISHED`). A request without a
`Stripe-Version` header is answered in the newest, the account's default; a version that is not in the list is refused
as Stripe refuses one that it never published, also an older one. Shapes are rendered in the newest version and go
back through `version_changes`. Events stay as they were recorded, whatever version a request names, as at Stripe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gtm_platform.sandbox.stripe.errors import StripeError
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.render import API_VERSION, Record, render
from gtm_platform.sandbox.stripe.version_changes import CHANGES, Undo
from gtm_platform.sandbox.stripe.wire import Shape

HEADER = "Stripe-Version"
PUBLISHED = (
    *("2022-11-15", "2023-08-16", "2023-10-16", "2024-04-10", "2024-06-20"),
    *("2024-09-30.acacia", "2024-10-28.acacia", "2024-11-20.acacia", "2024-12-18.acacia"),
    *("2025-01-27.acacia", "2025-02-24.acacia"),
    *("2025-03-31.basil", "2025-04-30.basil", "2025-05-28.basil"),
    *("2025-06-30.basil", "2025-07-30.basil", "2025-08-27.basil"),
    *("2025-09-30.clover", "2025-10-29.clover", "2025-11-17.clover"),
    *("2025-12-15.clover", "2026-01-28.clover", "2026-02-25.clover"),
    *("2026-03-25.dahlia", "2026-04-22.dahlia", "2026-05-27.dahlia"),
    *("2026-06-24.dahlia", "2026-07-29.dahlia", "2026-08-26.dahlia"),
    *("2026-09-30.endive", API_VERSION),
)
"""Oldest first; their dates also sort as text."""


def requested_version(headers: Mapping[str, str]) -> str:
    """The version that a request names, the newest when it names none."""
    version = headers.get(HEADER) or API_VERSION
    if version not in PUBLISHED:
        raise StripeError(400, f"Invalid Stripe API version: {version}")
    return version


@dataclass(frozen=True)
class Renderer:
    """Shapes of one account's records in one version."""

    ledger: Ledger
    version: str = API_VERSION

    def shape(self, record: Record) -> Shape:
        """The record, unexpanded."""
        return self.older(render(record, self.ledger.store))

    def older(self, shape: Shape) -> Shape:
        """A newest shape, put into the version in place."""
        undone = _undone(self.version)
        if undone:
            self._put_back(shape, undone)
        return shape

    def _put_back(self, node: Any, undone: Mapping[str, tuple[Undo, ...]]) -> None:
        if isinstance(node, list):
            for each in node:
                self._put_back(each, undone)
        elif isinstance(node, dict) and node.get("object") != "event" and not node.get("deleted"):
            for undo in undone.get(node.get("object", ""), ()):
                undo(node, self.ledger)
            for value in node.values():
                self._put_back(value, undone)


@cache
def _undone(version: str) -> Mapping[str, tuple[Undo, ...]]:
    """What a version does not have yet, by object, newest first."""
    later = [change for change in CHANGES if change.version > version]
    names = {change.object for change in later}
    return {name: tuple(change.undo for change in later if change.object == name) for name in names}
