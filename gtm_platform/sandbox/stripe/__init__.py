"""An emulator of the Stripe API, as far as a reader of billing data meets it."""

from gtm_platform.sandbox.stripe.access import TOKEN, Limits
from gtm_platform.sandbox.stripe.app import app
from gtm_platform.sandbox.stripe.render import API_VERSION, render

__all__ = ["API_VERSION", "TOKEN", "Limits", "app", "render"]
