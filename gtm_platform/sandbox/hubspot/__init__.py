"""The HubSpot CRM API on a store of records: objects, search, associations, properties, owners and pipelines."""

from gtm_platform.sandbox.hubspot.app import app
from gtm_platform.sandbox.hubspot.deeds import redo
from gtm_platform.sandbox.hubspot.gate import TOKEN, Limits

__all__ = ["TOKEN", "Limits", "app", "redo"]
