"""Which webhooks something is wrong with that was not before, and which are well again."""

import json
from contextlib import closing
from datetime import datetime

from gtm_platform.delivery.alerts.kinds.hook_trouble import HookTurn
from gtm_platform.serving.answers.hooks import HookState, hooks_now
from gtm_platform.settings import settings
from gtm_platform.state import open_state


def read_hook_turns(cursor: str | None, now: datetime) -> tuple[list[HookTurn], str]:
    """Return what turned since the cursor, and the next one; the first look tells what is wrong now."""
    with closing(open_state(settings().state_url)) as state:
        hooks = hooks_now(state, now)
    before: dict[str, str] = json.loads(cursor) if cursor else {}
    turned = [hook for hook in hooks if hook.trouble != before.get(hook.name, "") and (hook.trouble or hook.is_on)]
    wrong = {hook.name: hook.trouble for hook in hooks if hook.trouble}
    return [_turn(hook, now) for hook in turned], json.dumps(wrong)


def _turn(hook: HookState, now: datetime) -> HookTurn:
    return HookTurn(hook.name, hook.title, hook.source, hook.trouble, hook.about, now.isoformat(timespec="minutes"))
