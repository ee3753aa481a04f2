"""How a stranger reads the lists of the admin systems: page by page, and once more from an instant on."""

from typing import Any

import httpx

# What the contract in docs/admin-api has beyond the proposal that the emulators are compared with.
EXTENDED = ("200/total is not described", "/deactivated_emails is not described")


def every(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    rows: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params=params).raise_for_status().json()
        rows += page["data"]
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            return rows
        params = {"cursor": page["next_cursor"], "limit": params.get("limit", 100)}
