"""Each provider as an asset that a person materialises: it asks about companies, then writes all answers to the lake.

No schedule and no sensor launches it. Its checks tell the data team, as all checks do, when a month's cap runs out.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import dagster as dg

from gtm_platform.accounts import require_own_account
from gtm_platform.enrichment.asking import Asking, AskReport
from gtm_platform.enrichment.budget import Budget, budget_of
from gtm_platform.enrichment.candidates import candidates
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.ingest.assets import checks_of, specs_of
from gtm_platform.ingest.plan import SyncRules
from gtm_platform.ingest.source import Source
from gtm_platform.ingest.source_run import SourceRun
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAYS
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.sources.assets import ON_DEMAND
from gtm_platform.state import open_state, spend

# The names of checks. All only warn, as an error would hold back what is delivered of the answers that there are.
AMPLE, WITHIN_CAP, SETTLED = "ample_credits", "within_cap", "all_settled"
ABOUT = {
    AMPLE: "Less of the month's credits is used than the policy's share to warn at.",
    WITHIN_CAP: "One more company can be asked about, by the policy's cap and by the provider's own count.",
    SETTLED: "It is known of every call whether it was charged.",
}


class EnrichConfig(dg.Config):
    """What a person who launches it may choose."""

    limit: int | None = None


def job_name(source: Source) -> str:
    """Name the job that asks a provider."""
    return f"enrich_{source.name}"


def defs(rules: Callable[[], SyncRules]) -> dg.Definitions:
    """Return what this room adds to the graph; a run asks for the rules of syncing when it begins."""
    assets = [asset_of(source, rules) for source in ON_DEMAND]
    jobs = [
        dg.define_asset_job(job_name(source), selection=dg.AssetSelection.assets(asset), description=source.about)
        for source, asset in zip(ON_DEMAND, assets, strict=True)
    ]
    return dg.Definitions(assets=assets, jobs=jobs)


def asset_of(source: Source, rules: Callable[[], SyncRules]) -> dg.AssetsDefinition:
    """Build the asset of a provider's answers."""
    key = dg.AssetKey([source.name, source.streams[0].name])

    @dg.multi_asset(
        name=source.name,
        specs=specs_of(source, DAYS),
        check_specs=[
            *checks_of(source),
            *(dg.AssetCheckSpec(name, asset=key, description=about) for name, about in ABOUT.items()),
        ],
        can_subset=True,
        pool=source.pool,
        op_tags={"source": source.name},
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def enrich(context: dg.AssetExecutionContext, config: EnrichConfig, lake: LakeResource) -> Iterator[Any]:
        report, sync, failure = AskReport(), rules(), None
        if not source.off():
            try:
                ask(source, lake.open(), sync, context.run.run_id, config.limit, report)
            except ApiFailure as error:  # what was answered before is written all the same
                failure = error
            context.log.info(f"{source.name}: {report}")
            budget = budget_of(source.name, policy().enrichment, settings().state_url, settings().now())
            yield from (_ample(key, budget), _within_cap(key, budget, report), _settled(key, budget))
        yield from SourceRun(context, source, DAYS, lake.open(), sync).sync({key: source.streams[0]})
        if failure:
            raise dg.Failure(f"{source.name}: {report}. {failure}", metadata=failure.metadata()) from failure

    return enrich


def ask(source: Source, lake: Lake, sync: SyncRules, run_id: str, limit: int | None, report: AskReport) -> None:
    """Ask a provider about companies that lack facts; the report says what became of it."""
    config, rules = settings(), policy()
    share = LimitShare(sync.limit_share(source.name))
    with source.open(share) as provider, closing(open_state(config.state_url)) as state:
        if account := source.account(provider):
            require_own_account(account)
        asking = Asking(state, source.name, provider, rules.enrichment, config.now, run_id, report)
        with state.reading() as tx:
            without = spend.subjects_since(tx, source.name, config.now() - rules.enrichment.max_age)
        asking.ask(candidates(lake, rules, without), limit)


def _ample(key: dg.AssetKey, budget: Budget) -> dg.AssetCheckResult:
    return _warning(key, AMPLE, budget.level == "ok", str(budget), _figures(budget))


def _within_cap(key: dg.AssetKey, budget: Budget, report: AskReport) -> dg.AssetCheckResult:
    sentence = f"{report.stopped}." if report.is_exhausted else str(budget)
    return _warning(key, WITHIN_CAP, budget.level != "stop" and not report.is_exhausted, sentence, _figures(budget))


def _settled(key: dg.AssetKey, budget: Budget) -> dg.AssetCheckResult:
    lost = budget.in_doubt
    sentence = (
        f"Nobody knows whether {len(lost)} calls were charged; their credits stay reserved until they are settled: "
        "gtm enrich spend lists them."
    )
    about = sentence if lost else "Every call is settled, or its answers are still to come."
    metadata = {"in_doubt": len(lost), "still_to_come": len(budget.still_to_come)}
    return _warning(key, SETTLED, not lost, about, metadata)


def _figures(budget: Budget) -> dict[str, float]:
    figures = {"charged": budget.spend.charged, "reserved": budget.spend.reserved, "cap": budget.cap}
    return {name: float(value) for name, value in figures.items()}


def _warning(
    key: dg.AssetKey, name: str, passed: bool, description: str, metadata: Mapping[str, float]
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=description,
        metadata=metadata,
    )
