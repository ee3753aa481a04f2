"""Whether the key may write what the deliveries write, learnt by writes to what does not exist: nothing is changed."""

from contextlib import closing
from functools import partial

from gtm_platform.accounts import refuse_other_account
from gtm_platform.delivery.access import DestinationAccess, limit_share
from gtm_platform.delivery.hubspot.client import open_client
from gtm_platform.delivery.hubspot.object_types import object_types
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.http.errors import ApiFailure, BadRequest, NotFound
from gtm_platform.settings import settings_of
from gtm_platform.sources.hubspot.client import POOL, HubSpotClient, SdkCall, identity

NO_OBJECT, NO_PROPERTY = "0", "gtm_no_such_property"


def check_access() -> DestinationAccess:
    """Ask for the portal, then whether objects of each type and their properties may be written."""
    share = limit_share(POOL)
    with closing(open_client(settings_of(HubSpotDeliverySettings), pin=False, share=share)) as client:
        account = identity(client)
        refuse_other_account(account)
        reasons = [reason for object_type in object_types() for reason in _refusals(client, object_type.name)]
    return DestinationAccess(account, tuple(reasons), share.describe())


def _refusals(client: HubSpotClient, name: str) -> list[str]:
    update_object = partial(client.api("objects.basic_api").update, name, NO_OBJECT, {"properties": {}})
    update_property = partial(client.api("properties.core_api").update, name, NO_PROPERTY, {"label": "none"})
    reasons = (
        _refusal(client, f"/crm/v3/objects/{name}/{NO_OBJECT}", update_object, f"write {name}"),
        _refusal(client, f"/crm/v3/properties/{name}/{NO_PROPERTY}", update_property, f"define properties of {name}"),
    )
    return [reason for reason in reasons if reason]


def _refusal(client: HubSpotClient, path: str, call: SdkCall, deed: str) -> str | None:
    """Why the key may not; that what does not exist is not found, or not valid, says that it may."""
    try:
        client.call("PATCH", path, call, check=bytes)
    except (NotFound, BadRequest):
        return None
    except ApiFailure as failure:
        return f"it may not {deed}: {failure}"
    return None
