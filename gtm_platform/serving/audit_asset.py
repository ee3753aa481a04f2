"""The audit trail as an asset: each day its head is kept outside the state, and what was added since is verified."""

import hashlib
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import Any

import dagster as dg

from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration.compat import output_without_materialization
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, DAILY_POOL, DAILY_TAG, DAYS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.serving.snapshot.layout import CUSTOMERS
from gtm_platform.settings import Settings, settings
from gtm_platform.state import State, open_state
from gtm_platform.state.audit import Verdict, all_entries, entries, note, verify
from gtm_platform.state.audit_anchors import anchors_of, as_text, keep_anchor

KEY = dg.AssetKey(["serving", "audit"])
POLICY = "policy in force"
DIGITS = 12


@dg.asset(
    key=KEY,
    description="The audit trail: its head is kept outside the state, and a change of the policy becomes an entry.",
    group_name="serving",
    kinds={"sqlite"},
    owners=OWNERS,
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    freshness_policy=DAILY_FRESHNESS,
    pool=DAILY_POOL,
    tags={DAILY_TAG: ""},
    output_required=False,
)
def audit(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
    """Note a policy that is new, verify what was added, keep the head, and count the last day's entries."""
    if not lake.open().partitions(CUSTOMERS):
        context.log.info(f"Nothing to keep: {CUSTOMERS} holds no day yet.")
        return output_without_materialization()
    config = settings()
    with closing(open_state(config.state_url)) as state:
        note_policy(state, config.now())
        verdict = verified(state, config)
        if verdict.broken is None:
            keep_anchor(config.home, verdict.head)
        counts = counts_of_a_day(state, config.now())
    return dg.MaterializeResult(
        metadata={"figure/entries": verdict.head.entries, "technical/head": as_text(verdict.head), **counts}
    )


@dg.asset_check(
    asset=KEY,
    name="chain_is_whole",
    description="No entry of the audit trail was changed, removed or cut off since the head that was kept last.",
)
def chain_is_whole() -> dg.AssetCheckResult:
    """Verify what was added since the head that was kept before the last."""
    config = settings()
    with closing(open_state(config.state_url)) as state:
        verdict = verified(state, config)
    about = f"{verdict.head.entries} entries are as they were written."
    if verdict.broken is not None:
        about = f"Broken at entry {verdict.broken}: {verdict.why}. `gtm audit verify` reads all of it."
    return dg.AssetCheckResult(passed=verdict.broken is None, description=about)


def verified(state: State, config: Settings) -> Verdict:
    """Verify from the head on that was kept last; all before it was verified when it was kept."""
    kept = anchors_of(config.home)
    with state.reading() as tx:
        return verify(tx, kept, kept[-1] if kept else None)


def note_policy(state: State, now: datetime) -> None:
    """Add an entry where the policy is another than the one that the trail knows."""
    digest = hashlib.sha256(policy().model_dump_json().encode()).hexdigest()[:DIGITS]
    with state.writing() as tx:
        earlier = entries(tx, POLICY)
        if not earlier or earlier[-1]["subject"] != digest:
            before = earlier[-1]["subject"] if earlier else None
            note(tx, now, "platform", POLICY, digest, {"before": before, "of_tables": policy().hash})


def counts_of_a_day(state: State, now: datetime) -> dict[str, Any]:
    """Return how many entries the last whole day has, and how many of them showed personal data."""
    end = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)
    with state.reading() as tx:
        rows = all_entries(tx, since=end - timedelta(days=1), until=end)
        kinds = Counter("personal" if row["detail"].get("people") else "other" for row in rows)
    return {"figure/entries_of_yesterday": kinds.total(), "figure/showed_personal_data": kinds["personal"]}
