"""Whether what is to be delivered passed its checks; what did not stays in the house."""

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from gtm_platform.unified.checks import CHECKS


class CheckFailed(RuntimeError):
    """A check of the tables says that they are wrong; nothing was sent."""


def require_checks_passed(instance: dg.DagsterInstance) -> None:
    """Raises where the newest evaluation of a check failed, unless the check only warns."""
    keys = [dg.AssetCheckKey(dg.AssetKey(check.table.split("/")), check.name) for check in CHECKS]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    failed = [
        f"{key.name} of {key.asset_key.to_user_string()}"
        for key, record in found.items()
        if record.status == AssetCheckExecutionRecordStatus.FAILED
        and record.evaluation
        and record.evaluation.severity == dg.AssetCheckSeverity.ERROR
    ]
    if failed:
        raise CheckFailed(
            f"Nothing is delivered: the check {' and '.join(sorted(failed))} failed. Look at what it found, mend it, "
            f"make the table again, and the delivery is asked for again."
        )
