"""Which page says what to do: docs/runbooks has one for each kind of alert, each check and each way to fail.

A test compares these names with the checks of the graph, the errors of the rooms, and the pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gtm_platform.delivery.alerts.alert import Alert, Facts
from gtm_platform.delivery.alerts.wording import link
from gtm_platform.settings import settings

FOLDER = "runbooks"

RUNBOOK_OF_CHECK = {
    "accounting": "accounting",
    "add_up": "figures_add_up",
    "agrees_with_revenue": "figures_add_up",
    "all_settled": "credits",
    "ample_credits": "credits",
    "as_computed_whole": "as_computed_whole",
    "as_registered": "experiment",
    "as_the_policy_says": "as_the_policy_says",
    "as_usual": "as_usual",
    "auc": "model_quality",
    "believable": "believable",
    "beside_naive": "beside_naive",
    "beside_outcomes": "always_passes",
    "brier": "model_quality",
    "causes_add_up": "figures_add_up",
    "chain_is_whole": "chain_is_whole",
    "cohorts_are_all_mrr": "figures_add_up",
    "compared_with_the_day_before": "made_in_order",
    "compared_within_a_day": "compared_within_a_day",
    "complete": "complete",
    "contract": "contract",
    "customer_count": "customer_count",
    "days_ahead": "model_quality",
    "drift": "model_quality",
    "ece": "model_quality",
    "effect_so_far": "experiment",
    "every_currency_has_a_rate": "every_currency_has_a_rate",
    "every_current_customer_once": "everybody_once",
    "every_customer_is_a_person": "everybody_once",
    "every_deal_counts": "figures_add_up",
    "every_record_is_linked": "everybody_once",
    "fresh": "fresh",
    "hot_companies_were_right": "hot_path_was_right",
    "hot_path_was_right": "hot_path_was_right",
    "lift": "model_quality",
    "members_are_the_whole": "figures_add_up",
    "movements_add_up": "figures_add_up",
    "movements_lead": "figures_add_up",
    "mrr_sources_agree": "mrr_sources_agree",
    "nothing_quarantined": "nothing_quarantined",
    "one_row_for_every_person": "everybody_once",
    "opening_is_the_closing_before": "made_in_order",
    "parts_add_up": "figures_add_up",
    "readable": "model_quality",
    "required_fields_filled": "required_fields_filled",
    "says_what_the_lake_says": "says_what_the_lake_says",
    "schema_unchanged": "schema_unchanged",
    "seen_in_time": "seen_in_time",
    "sources_are_fresh": "fresh",
    "true_enough": "true_enough",
    "win_rates": "always_passes",
    "within_cap": "credits",
    "within_limits": "within_limits",
}

PROCESS_DIED = "ProcessDied"  # no error is raised where the process is killed

# By the error that failed a run.
RUNBOOK_OF_FAILURE = {
    PROCESS_DIED: "process_died",
    "AllRecordsRejected": "all_records_rejected",
    "AnswerLost": "answer_lost",
    "BadRequest": "bad_request",
    "BucketFailed": "bucket_failed",
    "BudgetSpent": "credits_spent",
    "CannotDecrypt": "key_lost",
    "ChannelRefused": "channel_refused",
    "CheckFailed": "delivery_held_back",
    "ContractBroken": "contract_broken",
    "CreditsExhausted": "credits_spent",
    "CursorLoop": "cursor_loop",
    "DamagedFile": "damaged_file",
    "DamagedMarker": "damaged_file",
    "DiskFull": "disk_full",
    "EncryptionMissing": "encryption_key",
    "EngineFailed": "engine_failed",
    "ExtensionMissing": "extension_missing",
    "Forbidden": "forbidden",
    "ForbiddenAddress": "forbidden_address",
    "InvalidResponse": "system_down",
    "KeyLost": "key_lost",
    "KeyProblem": "encryption_key",
    "MessageRefused": "channel_refused",
    "NameUsed": "bucket_failed",
    "NoCatalogue": "no_catalogue",
    "NotFound": "not_found",
    "NothingToLearn": "nothing_to_learn",
    "OtherAccount": "other_account",
    "OutOfCredits": "credits_spent",
    "OutOfMemory": "out_of_memory",
    "PartitionMissing": "upstream_missing",
    "PolicyError": "policy_error",
    "QuotaSpent": "credits_spent",
    "RateLimited": "system_down",
    "RetriesExhausted": "system_down",
    "SettingsError": "policy_error",
    "ShrankTooMuch": "shrank_too_much",
    "TurnLost": "turn_lost",
    "Unauthorized": "unauthorized",
    "Unavailable": "system_down",
    "UnreadableModel": "unreadable_model",
    "UpstreamMissing": "upstream_missing",
    "WithholdingUnknown": "withholding_unknown",
}


@dataclass(frozen=True)
class Runbook:
    """A page of docs/runbooks; `path` is that of its Markdown, in docs."""

    path: str

    @property
    def address(self) -> str | None:
        """Where the page is read: on the site of the docs, else where the code is shown, else nowhere."""
        config = settings()
        if config.gtm_docs_url:
            return f"{config.gtm_docs_url.rstrip('/')}/{self.path.removesuffix('.md')}.html"
        return f"{config.gtm_code_url.rstrip('/')}/docs/{self.path}" if config.gtm_code_url else None

    def linked(self, text: str = "Runbook") -> str:
        """Return a link to the page in Slack's markup; where it has no address, its path in the repository."""
        return link(self.address, text) if self.address else f"{text}: docs/{self.path}"


def runbook_of(alert: Alert[Any], facts: Facts) -> Runbook:
    """Return the page about an occurrence: that of its check or failure, else of its kind."""
    narrower = alert.runbook(facts) if alert.runbook else None
    return Runbook(f"{FOLDER}/{narrower or alert.kind}.md")


def page_of_check(check: str) -> str | None:
    """Return the page of a check below docs/runbooks; None of one that is not the platform's."""
    page = RUNBOOK_OF_CHECK.get(check)
    return f"checks/{page}" if page else None


def page_of_failure(errors: Sequence[str]) -> str | None:
    """Return the page of the first of these errors that has one, below docs/runbooks."""
    page = next((RUNBOOK_OF_FAILURE[error] for error in errors if error in RUNBOOK_OF_FAILURE), None)
    return f"failures/{page}" if page else None


def pages_of(kinds: Iterable[str]) -> set[str]:
    """Return every page that there has to be, below docs/runbooks."""
    checks = {f"checks/{page}" for page in RUNBOOK_OF_CHECK.values()}
    return {*kinds, *checks, *(f"failures/{page}" for page in RUNBOOK_OF_FAILURE.values())}
