"""The Slack Web API and an incoming webhook on a store of messages, and a page that shows what was posted."""

from gtm_platform.sandbox.slack.access import LIMITS, TOKEN
from gtm_platform.sandbox.slack.app import app
from gtm_platform.sandbox.slack.write_log import replay

__all__ = ["LIMITS", "TOKEN", "app", "replay"]
