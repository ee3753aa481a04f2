"""The plain pieces of Intercom's wire shapes: durations, references, tags, plain text."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

WORKSPACE_CREATED = 1_700_000_000

Shape = dict[str, Any]


def between(start: datetime, end: datetime | None) -> int | None:
    """Whole seconds from one instant to another."""
    return None if end is None else int((end - start).total_seconds())


def reference(kind: str, identifier: str | int | None) -> Shape | None:
    """A record by its type and id; nothing for no id."""
    return None if identifier is None else {"type": kind, "id": str(identifier)}


def tag_list(ids: Iterable[str], names: Mapping[str, str]) -> Shape:
    """Tags with their names."""
    return {"type": "list", "data": [{"type": "tag", "id": each, "name": names.get(each, each)} for each in ids]}


def plaintext(body: str) -> str:
    """What is left of HTML when its paragraphs become lines."""
    lines = re.sub(r"<br\s*/?>|</(?:p|div|li|h\d)>", "\n", body, flags=re.IGNORECASE)
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).strip()
