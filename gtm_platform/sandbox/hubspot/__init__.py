"""The HubSpot CRM API on a store of records: objects, search, associations, properties, owners and pipelines."""

from gtm_platform.sandbox.hubspot.access import TOKEN, Limits
from gtm_platform.sandbox.hubspot.app import app
from gtm_platform.sandbox.hubspot.write_log import replay

__all__ = ["TOKEN", "Limits", "app", "replay"]
