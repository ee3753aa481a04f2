"""An emulator of the Intercom API 2.14, as far as a reader of support data meets it."""

from gtm_platform.sandbox.intercom.access import API_VERSION, TOKEN, Limits
from gtm_platform.sandbox.intercom.app import app

__all__ = ["API_VERSION", "TOKEN", "Limits", "app"]
