"""Canaries in Intercom and HubSpot, the systems that may be written to: made, changed, and taken away again.

Each call can be repeated: what an earlier one made is found by the canary's address, or by its contact, before another
is made. What its subscription is stands in the contact's attributes, where Intercom has its copy of Stripe's.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from gtm_platform.delivery.access import limit_share
from gtm_platform.delivery.actions.settings import IntercomActionSettings
from gtm_platform.delivery.hubspot.client import HubSpotObjects, open_client
from gtm_platform.delivery.hubspot.object_types import object_type_named
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import expect_json
from gtm_platform.http.rate_limit import limited_to
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.settings import settings_of
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.sources.intercom.client import Intercom, connect

COMPLAINT = "I want to cancel my subscription. (Canary: nobody has to answer this.)"
PAYS = {
    "stripe_subscription_status": "active",
    "stripe_plan": "Canary",
    "stripe_plan_price": 0,
    "stripe_plan_interval": "month",
    "stripe_delinquent": False,
}
PAYS_LATE = {"stripe_subscription_status": "past_due", "stripe_delinquent": True}
LEFT = {"stripe_subscription_status": "canceled", "stripe_delinquent": False}

INTERCOM, CONVERSATION, HUBSPOT = "intercom", "conversation", "hubspot"  # names of what acts made
CONTACTS = "/crm/v3/objects/contacts"


def off_reason() -> str | None:
    """Say what is missing for canaries to be made; None where nothing is."""
    config = settings_of(IntercomActionSettings)
    if not config.intercom_access_token:
        return "set INTERCOM_ACCESS_TOKEN"
    return None if config.intercom_write_enabled else "set INTERCOM_WRITE_ENABLED=true"


def writes_hubspot() -> bool:
    """Whether canaries have a contact in HubSpot, too."""
    config = settings_of(HubSpotDeliverySettings)
    return bool(config.hubspot_access_token and config.hubspot_write_enabled)


@dataclass(frozen=True)
class CanarySystems:
    """The systems of one run; without HubSpot where it may not be written to."""

    intercom: Intercom
    hubspot: HubSpotClient | None
    creating: HubSpotClient | None  # the same, trying once

    def sign_up(self, name: str, address: str, now: datetime) -> dict[str, str]:
        """Make the contacts, or find those that are there; return their ids."""
        made = {INTERCOM: self._contact(address) or self._new_contact(name, address, now)}
        if self.hubspot and self.creating:
            objects = HubSpotObjects(self.hubspot, object_type_named("contacts"))
            present = objects.read_by("email", [address], ["email"])
            made[HUBSPOT] = str(present[0]["id"]) if present else self._new_in_hubspot(self.creating, name, address)
        return made

    def complain(self, contact: str) -> dict[str, str]:
        """Write of cancelling, and close the conversation at once: nobody is to answer it."""
        query = {"field": "contact_ids", "operator": "=", "value": contact}
        answer = json.loads(self.intercom.api.post("/conversations/search", {"query": query}))
        listed = [str(each["id"]) for each in answer["conversations"]]
        conversation = listed[0] if listed else self._new_conversation(contact)
        admin = json.loads(self.intercom.api.get("/me"))["id"]
        close = {"message_type": "close", "type": "admin", "admin_id": str(admin)}
        self.intercom.api.post(f"/conversations/{conversation}/parts", close)
        return {CONVERSATION: conversation}

    def set(self, contact: str, attributes: Mapping[str, Any]) -> None:
        """Change what Intercom knows of its subscription."""
        self.intercom.api.put(f"/contacts/{contact}", {"custom_attributes": dict(attributes)})

    def remove(self, made: Mapping[str, str]) -> None:
        """Archive the contacts; what is gone is gone."""
        with contextlib.suppress(NotFound):
            self.intercom.api.post(f"/contacts/{made[INTERCOM]}/archive", {})
        if self.hubspot and made.get(HUBSPOT):
            HubSpotObjects(self.hubspot, object_type_named("contacts")).archive([made[HUBSPOT]])

    def _contact(self, address: str) -> str | None:
        query = {"field": "email", "operator": "=", "value": address}
        listed = json.loads(self.intercom.api.post("/contacts/search", {"query": query}))["data"]
        return str(listed[0]["id"]) if listed else None

    def _new_contact(self, name: str, address: str, now: datetime) -> str:
        contact = {
            "role": "user",
            "email": address,
            "external_id": name,
            "name": name,
            "signed_up_at": int(now.timestamp()),
            "custom_attributes": PAYS,
        }
        return str(json.loads(self.intercom.api_without_retries.post("/contacts", contact))["id"])

    def _new_conversation(self, contact: str) -> str:
        message = {"from": {"type": "user", "id": contact}, "body": COMPLAINT}
        return str(json.loads(self.intercom.api_without_retries.post("/conversations", message))["conversation_id"])

    def _new_in_hubspot(self, creating: HubSpotClient, name: str, address: str) -> str:
        body = {"properties": {"email": address, "firstname": "Canary", "lastname": name}}
        create = partial(creating.api("objects.basic_api").create, "contacts", body)
        return str(json.loads(creating.call("POST", CONTACTS, create, check=expect_json))["id"])


@contextmanager
def open_systems() -> Iterator[CanarySystems]:
    """Give the systems for as long as the context lasts."""
    with ExitStack() as stack:
        with limited_to(limit_share("intercom")):
            intercom = stack.enter_context(connect(settings_of(IntercomActionSettings)))
        hubspot = creating = None
        if writes_hubspot():
            config = settings_of(HubSpotDeliverySettings)
            hubspot = stack.enter_context(closing(open_client(config)))
            creating = stack.enter_context(closing(open_client(config, retry=RetryPolicy(budget=0))))
        yield CanarySystems(intercom, hubspot, creating)
