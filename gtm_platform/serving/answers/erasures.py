"""Erasures as everybody is told of them: which wait, which are open, which are done. An answer names nobody."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.erasures import Erasure, all_erasures, erasure_of


class ErasureSummary(BaseModel):
    """An erasure: who asked for it and why, what it comes to, and how far it is."""

    id: str
    status: Literal["planned", "begun", "done"] = Field(
        description="planned: nothing is erased before it is confirmed; begun: at work, or broken off."
    )
    reason: str = Field(description="Without the name of the person.")
    requested_by: str
    requested_at: datetime
    begun_by: str | None
    begun_at: datetime | None
    finished_at: datetime | None
    rows: int = Field(description="Rows of tables and of the state that go or change.")
    files: int = Field(description="Reports, dropped files and others that name the person.")
    systems: dict[str, int] = Field(description="Records that source systems have of the person.")
    outside: dict[str, str] = Field(description="What is done outside by the policy, or why nothing is.")
    others_must: list[str] = Field(description="What others have to do; once it is done.")
    signature: str | None = Field(description="Of the receipt; once it is done.")


class ErasuresAnswer(BaseModel):
    """Every erasure, the newest first."""

    open: int = Field(description="Plans that wait to be confirmed, and erasures that were begun.")
    erasures: list[ErasureSummary]


def erasures_now(state: State) -> ErasuresAnswer:
    """Return every erasure as it is now."""
    with state.reading() as tx:
        listed = [summary_of(each) for each in all_erasures(tx)]
    return ErasuresAnswer(open=sum(each.status != "done" for each in listed), erasures=listed)


def erasures_here() -> ErasuresAnswer:
    """Return every erasure of the home of the environment."""
    with closing(open_state(settings().state_url)) as state:
        return erasures_now(state)


def places_here(id: str) -> dict[str, int]:
    """Return how many rows or files a plan of the home names, by place."""
    return places(_kept_here(id).plan)


def receipt_here(id: str) -> bytes:
    """Return the signed receipt of an erasure of the home, as `gtm erase --receipt` writes it."""
    return json.dumps(dict(_kept_here(id).receipt or {}), indent=1, ensure_ascii=False).encode()


def _kept_here(id: str) -> Erasure:
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        erasure = erasure_of(tx, id)
    if erasure is None:
        raise LookupError(f"There is no erasure {id}.")
    return erasure


def summary_of(erasure: Erasure) -> ErasureSummary:
    """Return what is said of an erasure."""
    plan, receipt = erasure.plan, erasure.receipt or {}
    return ErasureSummary(
        rows=sum(places(plan).values()) - _sum(plan, "files"),
        files=_sum(plan, "files"),
        systems=dict(plan.get("systems", {})),
        outside=dict(plan.get("outside", {})),
        others_must=list(receipt.get("others_must", [])),
        signature=receipt.get("signature"),
        **{
            name: getattr(erasure, name)
            for name in ("id", "status", "reason", "requested_by", "requested_at", "begun_by", "begun_at")
        },
        finished_at=erasure.finished_at,
    )


def places(plan: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows or files a plan names, by place."""
    tables = {name: counts.get("rows", 0) + counts.get("changed", 0) for name, counts in plan.get("lake", {}).items()}
    kinds = {"state": "state", "files": "files", "guests": "gtm.duckdb"}
    others = {f"{title}: {name}": count for kind, title in kinds.items() for name, count in plan.get(kind, {}).items()}
    return {**tables, **others}


def _sum(plan: Mapping[str, Any], kind: str) -> int:
    return sum(plan.get(kind, {}).values())
