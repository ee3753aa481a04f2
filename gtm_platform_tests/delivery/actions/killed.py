"""Actions in a process of their own that is killed at one of its steps: around a transaction or a call."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from pydantic import SecretStr

from gtm_platform.delivery.actions.hubspot_task import HubSpotTasks
from gtm_platform.delivery.actions.intercom_company_tag import IntercomCompanyTags
from gtm_platform.delivery.actions.intercom_tag import IntercomTags
from gtm_platform.delivery.actions.perform import Performer
from gtm_platform.delivery.actions.targets import Target
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.policy.actions import Action
from gtm_platform.sandbox import hubspot, intercom
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State
from gtm_platform_tests.delivery.killed_delivery import Steps, quick_state
from gtm_platform_tests.delivery.world import NOW

TASK = Action(name="task", does="hubspot_task", text="At risk", enabled=True)
TAG = Action(name="tag", does="intercom_tag", text="at risk", enabled=True)
COMPANY_TAG = Action(
    name="company_tag",
    does="intercom_company_tag",
    text="in market",
    enabled=True,
    cohorts=("cohort_2_in_market",),
    strengths=("strong",),
)


def target(n: int, target_id: str, **more: Any) -> Target:
    usual: dict[str, Any] = {"health_status": "critical", "health_score": 12, "churn_risk": 80, "mrr": 500.0}
    return Target(f"c{n}", target_id, recommended=("Call <them>",), **(usual | more))


@contextmanager
def tasks(url: str) -> Iterator[HubSpotTasks]:
    """Tasks in a HubSpot that is asked once."""
    once = RetryPolicy(budget=0, sleep=lambda _: None)
    with closing(HubSpotClient(SecretStr(hubspot.TOKEN), url, retry=once)) as client:
        yield HubSpotTasks(client, client, lambda: NOW)


@contextmanager
def tags(url: str) -> Iterator[IntercomTags]:
    """Tags in an Intercom that is asked once."""
    with intercom_api(url) as api:
        yield IntercomTags(api, TAG.text)


@contextmanager
def company_tags(url: str) -> Iterator[IntercomCompanyTags]:
    """Tags of companies, likewise."""
    with intercom_api(url) as api:
        yield IntercomCompanyTags(api, COMPANY_TAG.text)


def intercom_api(url: str) -> Api:
    """Return an Intercom that is asked once."""
    return Api(
        "Intercom",
        url,
        auth=BearerAuth(SecretStr(intercom.TOKEN)),
        headers={"Intercom-Version": "2.14"},
        rate_limiters=RateLimiter.within(10_000, 1),
        retry=RetryPolicy(budget=0, sleep=lambda _: None),
        keys=(),
    )


def watch(steps: Steps) -> None:
    """Take a step before and after each deed in a system, and before and after each commit of the state."""
    writing = State.writing

    @contextmanager
    def watched_writing(self: State) -> Iterator[Any]:
        with writing(self) as tx:
            yield tx
            steps.take()
        steps.take()

    State.writing = watched_writing  # type: ignore[method-assign]
    for system in (HubSpotTasks, IntercomTags, IntercomCompanyTags):
        _watch_deeds(system, steps)


def _watch_deeds(system: Any, steps: Steps) -> None:
    act = system.act

    def watched_act(self: Any, *arguments: Any) -> str:
        steps.take()
        id: str = act(self, *arguments)
        steps.take()
        return id

    system.act = watched_act


def perform_all(hubspot_url: str, intercom_url: str, state_url: str, last_step: int = 0) -> None:
    """Make a task and put a tag for three customers, and a tag on three companies; be killed at a step."""
    if last_step:
        watch(Steps(last_step))
    with (
        closing(quick_state(state_url)) as state,
        tasks(hubspot_url) as in_hubspot,
        tags(intercom_url) as in_intercom,
        company_tags(intercom_url) as of_companies,
    ):
        systems = ((TASK, in_hubspot, ""), (TAG, in_intercom, "ic"), (COMPANY_TAG, of_companies, "co"))
        for rule, system, prefix in systems:
            targets = {f"c{n}": target(n, f"{prefix}{n}") for n in (1, 2, 3)}
            Performer(rule, system, state, "run-1", "2026-11-20", lambda: NOW).perform(targets)
