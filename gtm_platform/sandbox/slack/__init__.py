"""The Slack Web API and an incoming webhook on a store of messages, and a page that shows what was posted."""

from gtm_platform.sandbox.slack.app import app
from gtm_platform.sandbox.slack.deeds import redo
from gtm_platform.sandbox.slack.gate import LIMITS, TOKEN

__all__ = ["LIMITS", "TOKEN", "app", "redo"]
