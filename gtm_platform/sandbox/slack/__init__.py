"""An emulator of the Slack Web API and of an incoming webhook, with a page that shows the messages."""

from gtm_platform.sandbox.kit.emulator import Emulator, PageLink
from gtm_platform.sandbox.kit.limits import Rate
from gtm_platform.sandbox.kit.render import as_json
from gtm_platform.sandbox.slack.access import LIMITS, TOKEN
from gtm_platform.sandbox.slack.app import app
from gtm_platform.sandbox.slack.store import ALERT_CHANNEL, OPS_CHANNEL, SUMMARY_CHANNEL
from gtm_platform.sandbox.slack.write_log import replay

EMULATOR = Emulator(
    name="slack",
    title="Slack",
    store=lambda world: world.slack,
    app=lambda store, clock, persist: app(store, clock, persist),
    environment=lambda url: {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_BASE_URL": f"{url}/api/",
        "SLACK_ALERT_CHANNEL": ALERT_CHANNEL,
        "SLACK_SUMMARY_CHANNEL": SUMMARY_CHANNEL,
        "SLACK_OPS_CHANNEL": OPS_CHANNEL,
        "SLACK_SEND_ENABLED": "true",
    },
    replay=replay,
    limits={method: Rate(*rate) for method, rate in LIMITS.items()},
    pages=(PageLink("the channels as people see them", "/"),),
    inspect={"messages": lambda store: {"messages": [as_json(message) for message in store.messages]}},
)

__all__ = ["EMULATOR", "LIMITS", "TOKEN", "app", "replay"]
