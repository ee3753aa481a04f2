"""What HubSpot refuses, from run to run: kept with its words, sent again when it is due, forgotten once it is taken."""

from collections.abc import Sequence

from gtm_platform.delivery.hubspot.diff import Diff
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.write import Run, SentRecord
from gtm_platform.state import State, hubspot_rejections
from gtm_platform.state.hubspot_journal import REFUSED
from gtm_platform.state.hubspot_rejections import Refusal, digest_of


def keep_refusals(
    desired: Sequence[DesiredRecord],
    diff: Diff,
    sent: Sequence[SentRecord],
    not_created: Sequence[tuple[DesiredRecord, str]],
    state: State,
    run: Run,
    rules: DeliveryRules,
) -> None:
    """Keep what was refused in this run, and forget what was refused before and is no longer."""
    name = diff.object_type.name
    planned = {record.subject_id: record for record in desired}  # as they are planned, before anything was left out
    refused = [(each.desired, each.rejected, each.cause) for each in diff.records if each.rejected]
    refused += [(each.diff.desired, each.reason or "", REFUSED) for each in sent if each.outcome == "rejected"]
    refused += [(record, reason, REFUSED) for record, reason in not_created]
    still = {record.subject_id for record, _, _ in refused}
    still |= {each.desired.subject_id for each in diff.records if each.earlier}
    in_doubt = {each.diff.desired.subject_id for each in sent if each.outcome == "unknown"}
    refusals = [
        Refusal(
            name,
            record.subject_id,
            record.object_id,
            digest_of(planned.get(record.subject_id, record).values),
            reason,
            cause,
        )
        for record, reason, cause in refused
    ]
    with state.writing() as tx:
        hubspot_rejections.keep(tx, refusals, run.id, run.now(), rules.retry_after)
        refused_before = {each.subject_id for each in hubspot_rejections.rejections(tx, name)}
        hubspot_rejections.settle(tx, name, refused_before & planned.keys() - still - in_doubt)


def forget_departed(object_type: str, desired: Sequence[DesiredRecord], state: State) -> None:
    """Forget what was refused of records that are no longer to be in HubSpot."""
    with state.reading() as tx:
        refused = {each.subject_id for each in hubspot_rejections.rejections(tx, object_type)}
    if gone := refused - {record.subject_id for record in desired}:
        with state.writing() as tx:
            hubspot_rejections.settle(tx, object_type, gone)
