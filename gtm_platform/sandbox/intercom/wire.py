"""The plain pieces of Intercom's wire shapes: instants, references, plain text."""

import html
import re
from datetime import datetime
from typing import Any, overload

WORKSPACE = "sandbox1"

Shape = dict[str, Any]


@overload
def seconds(moment: datetime) -> int: ...
@overload
def seconds(moment: None) -> None: ...
def seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def between(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else int((end - start).total_seconds())


def reference(kind: str, identifier: str | int | None) -> Shape | None:
    return None if identifier is None else {"type": kind, "id": str(identifier)}


def plaintext(body: str) -> str:
    """What is left of HTML when its paragraphs become lines."""
    lines = re.sub(r"<br\s*/?>|</(?:p|div|li|h\d)>", "\n", body, flags=re.IGNORECASE)
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).strip()
