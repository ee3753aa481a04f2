"""The image by itself: whose it is, how large, and docs/examples/webhook_function in it with nothing but a Postgres."""

import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest

from gtm_platform_tests.deployment.stack import EXAMPLES, IMAGE, Stack, until
from gtm_platform_tests.hooks.senders import SENDERS
from gtm_platform_tests.hooks.test_receiver_alone import NEVER

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
MOST_BYTES = 1_300_000_000  # bytes; without what is left out of packages it had 1.38 GB
PORT = 8787
# What a function does not have cannot be imported, whatever asks for it.
SERVED = f"""
import sys
sys.modules.update(dict.fromkeys({sorted(NEVER)}))
import uvicorn
uvicorn.run("webhooks:app", app_dir="/function", host="0.0.0.0", port={PORT})
"""


def test_the_image_is_nobody_in_particular_and_holds_little_else_than_the_program(stack: Stack) -> None:
    image = stack.client.images.get(IMAGE).attrs
    assert image["Config"]["User"] == "10001:10001"
    assert image["Size"] < MOST_BYTES
    left = r"find / -xdev \( -name '*.deb' -o -path '*/site-packages/*/tests' -o -name .env -o -path '/root/.cache' \)"
    with stack.container(["bash", "-c", f"{left} 2>/dev/null"]) as container:
        container.wait()
        assert container.logs() == b""


def test_webhooks_are_received_with_neither_dagster_nor_lake(stack: Stack) -> None:
    """As a function has it: no home, nothing that it may write to, and of the platform only the state."""
    sender = next(each for each in SENDERS if each.name == "stripe")
    environment = {"GTM_STATE_URL": stack.environment()["GTM_STATE_URL"], sender.variable: sender.secret}
    options: dict[str, Any] = {
        "environment": environment,
        "volumes": [f"{EXAMPLES / 'webhook_function/api'}:/function:ro"],
        "read_only": True,
        "ports": {f"{PORT}/tcp": ("127.0.0.1", None)},
    }
    with stack.container(["python", "-c", SERVED], **options) as container:
        container.reload()
        [published] = container.ports[f"{PORT}/tcp"]
        address = f"http://127.0.0.1:{published['HostPort']}"
        until(lambda: status_of(f"{address}/healthz") == 200, "the receiver's answer")
        body = sender.body(1, now := datetime.now(UTC))
        signed = sender.headers(body, now)
        assert status_of(f"{address}/webhooks/stripe", body, signed | {"Stripe-Signature": "t=1,v1=0"}) == 401
        assert received(stack) == ["0"]
        assert status_of(f"{address}/webhooks/stripe", body, signed) == 200
        assert received(stack) == ["1"]
        assert status_of(f"{address}/webhooks/nobody", body, signed) == 404
        container.stop(timeout=30)
        assert container.wait()["StatusCode"] == 0


def received(stack: Stack) -> list[str]:
    return stack.sql("gtm", "select count(*) from hook_events where hook = 'stripe'")


def status_of(address: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    """The status of an answer; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers or {}), timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return 0
