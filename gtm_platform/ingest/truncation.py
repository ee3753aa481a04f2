"""The truncation guard: a full refresh that lost too many records is refused, as an API that breaks off looks so, too.

A person who knows that the records were really deleted runs it once with `--accept-shrinkage`; the next one is guarded.
"""

from gtm_platform.ingest.plan import SyncRules

ACCEPT_SHRINKAGE_TAG = "gtm/accept_shrinkage"  # "true" on a run: what its full refreshes no longer have is gone


class ShrankTooMuch(RuntimeError):
    """A full refresh that lost so much that it is more likely wrong than true; the one before it stays."""


def refuse_shrinkage(table: str, partition: str, before: int, now: int, rules: SyncRules) -> None:
    """Raise where a full refresh has lost more of the records before it than the rules allow."""
    lost = before - now
    if lost <= before * rules.max_shrinkage or (lost <= rules.shrinkage_min_records and now):
        return
    raise ShrankTooMuch(
        f"The full refresh of {table} holds {now} records where {before} were known: {lost} gone is "
        f"{lost / before:.0%}, more than sync.max_shrinkage allows ({rules.max_shrinkage:.0%}), so nothing was "
        f"replaced. See in the system, and in the permissions of the key, whether they are gone; if they are: "
        f"gtm run {table} --partition {partition} --full-refresh --accept-shrinkage"
    )
