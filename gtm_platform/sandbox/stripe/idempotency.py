"""Idempotency keys: a write is done once per key, and its first answer is given again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gtm_platform.sandbox.stripe.errors import SHOULD_RETRY, StripeError
from gtm_platform.sandbox.stripe.parameters import Parameters
from gtm_platform.sandbox.stripe.wire import Shape

HEADER = "Idempotency-Key"


@dataclass
class Idempotency:
    """First answers by key. A refused write leaves none: nothing was executed."""

    answers: dict[str, tuple[str, Shape, str]] = field(default_factory=dict)
    in_progress: set[str] = field(default_factory=set)

    @contextmanager
    def claim(self, key: str | None) -> Iterator[None]:
        """Hold the key while its request is worked on; a second request with it is refused meanwhile."""
        if key is None:
            yield
            return
        if key in self.in_progress:
            raise StripeError(409, _IN_USE.format(key=key), code="idempotency_key_in_use")
        self.in_progress.add(key)
        try:
            yield
        finally:
            self.in_progress.discard(key)

    def once(
        self, key: str | None, operation: str, parameters: Parameters, request_id: str, write: Callable[[], Shape]
    ) -> tuple[Shape, dict[str, str]]:
        """The answer and its headers: of `write`, or of the first request with this key."""
        if key is None:
            return write(), {}
        fingerprint = json.dumps([operation, parameters], sort_keys=True)
        headers = {HEADER: key, SHOULD_RETRY: "false"}
        if key not in self.answers:
            self.answers[key] = (fingerprint, write(), request_id)
            return self.answers[key][1], {**headers, "Original-Request": request_id}
        first, shape, original = self.answers[key]
        if first != fingerprint:
            raise StripeError(400, _OTHER_PARAMETERS.format(key=key), kind="idempotency_error")
        return shape, {**headers, "Original-Request": original, "Idempotent-Replayed": "true"}


_IN_USE = (
    "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
    "twice, and the other request is still going through): {key}. Please try again later."
)
_OTHER_PARAMETERS = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
    "Try using a key other than '{key}' if you meant to execute a different request."
)
