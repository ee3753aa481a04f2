"""Opening the systems in which actions are done, as the settings say, each only while a rule needs it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from gtm_platform.delivery.access import limit_share
from gtm_platform.delivery.actions.hubspot_task import HubSpotTasks
from gtm_platform.delivery.actions.intercom_company_tag import IntercomCompanyTags
from gtm_platform.delivery.actions.intercom_tag import IntercomTags
from gtm_platform.delivery.actions.settings import IntercomActionSettings
from gtm_platform.delivery.actions.system import ActionSystem
from gtm_platform.delivery.hubspot.client import open_client
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.http.client import Api
from gtm_platform.http.rate_limit import limited_to
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.sources.intercom.client import connect


def off_reason(does: str) -> str | None:
    """Say which variable is missing for an action; None where its system is on."""
    if does == "hubspot_task":
        return None if settings_of(HubSpotDeliverySettings).hubspot_access_token else "set HUBSPOT_ACCESS_TOKEN"
    return None if settings_of(IntercomActionSettings).intercom_access_token else "set INTERCOM_ACCESS_TOKEN"


def is_enabled(does: str) -> bool:
    """Whether a system may be written to; if not, its actions are shown and not done."""
    hubspot, intercom = settings_of(HubSpotDeliverySettings), settings_of(IntercomActionSettings)
    return bool(hubspot.hubspot_write_enabled if does == "hubspot_task" else intercom.intercom_write_enabled)


@dataclass
class Systems:
    """The systems of one run; connections are opened when the first action needs them."""

    stack: ExitStack = field(default_factory=ExitStack)

    def of(self, does: str, text: str) -> ActionSystem:
        """Return the system of an action; `text` is the name of the tag."""
        if does == "hubspot_task":
            return HubSpotTasks(self._hubspot, self._hubspot_once, settings().now)
        if does == "intercom_company_tag":
            return IntercomCompanyTags(self._intercom, text)
        return IntercomTags(self._intercom, text)

    @cached_property
    def _hubspot(self) -> HubSpotClient:
        return self.stack.enter_context(closing(open_client(settings_of(HubSpotDeliverySettings))))

    @cached_property
    def _hubspot_once(self) -> HubSpotClient:
        once = RetryPolicy(budget=0)
        return self.stack.enter_context(closing(open_client(settings_of(HubSpotDeliverySettings), retry=once)))

    @cached_property
    def _intercom(self) -> Api:
        with limited_to(limit_share("intercom")):
            return self.stack.enter_context(connect(settings_of(IntercomActionSettings))).api


@contextmanager
def open_systems() -> Iterator[Systems]:
    """Give the systems for as long as the context lasts."""
    systems = Systems()
    with systems.stack:
        yield systems
