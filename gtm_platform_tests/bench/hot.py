"""From a webhook to a value in HubSpot that was read back: how soon, and where the time goes.

Customers out of a formula, whose tables were made; Stripe says that subscriptions change, one at a time and
several at once, and `gtm hooks hot` follows, for customers and their companies. GTM_BENCH_PEOPLE says how many
customers there are.
"""

import hmac
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx

from gtm_platform.sandbox import hubspot, stripe
from gtm_platform_tests.bench.api import _server
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.hot_home import CENTS, numbers_of
from gtm_platform_tests.bench.hot_settle import CLOCK
from gtm_platform_tests.bench.rounds import ROOT, in_child
from gtm_platform_tests.bench.rounds import environment as environment_of

SHARES = {"p50": 0.5, "p99": 0.99}
LONGEST_SECONDS = 300  # until what was sent has been followed
MOST_AT_ONCE = 3  # customers whose subscriptions change in a round
SECRET = "whsec_of_the_bench"
GTM = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli"]
SYSTEMS = [sys.executable, "-W", "ignore", "-m", "gtm_platform_tests.bench.hot_home"]


def measure(effort: Effort) -> Iterator[Row]:
    customers = int(os.environ.get("GTM_BENCH_PEOPLE", effort.of(100_000, 5_000)))
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as folder:
        home = Path(folder, "home")
        made = in_child("gtm_platform_tests.bench.hot_settle:settle", home=str(home), customers=customers)
        wrong = _followed(home, customers, effort.of(60, 10))
        yield Row(f"tables of {customers:,} customers, made before", "s", made.seconds)
        yield from _rows(_runs(home))
    yield Row("values that HubSpot does not have", "values", wrong, Target("≤", 0))


def _followed(home: Path, customers: int, rounds: int) -> int:
    """Let subscriptions change; return how many values HubSpot does not have in the end."""
    environment = {
        **environment_of(str(home)),
        "GTM_FIRST_DAY": "2026-03-01",
        "GTM_SANDBOX_CLOCK": str(home / CLOCK),
        "STRIPE_API_KEY": stripe.TOKEN,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN,
        "HUBSPOT_WRITE_ENABLED": "true",
    }
    with _systems(customers, environment) as (ask, urls):
        environment |= urls
        _gtm(environment, "hubspot", "apply")
        serve = [*GTM, "serve", "--port", "0"]
        with _server(serve, environment) as (url, _), _following(home, environment):
            expected = _rounds(home, url, ask, customers, rounds)
            return sum(not _has(ask(number=number), value) for number, value in expected.items())


def _has(values: Mapping[str, str | None], mrr: str) -> bool:
    """Whether a customer's contact has its MRR, and its company one that can hold it."""
    return values["gtm_mrr"] == mrr and float(values["chroma_cloud_mrr"] or 0) >= float(mrr)


@contextmanager
def _systems(
    customers: int, environment: Mapping[str, str]
) -> Iterator[tuple[Callable[..., dict[str, Any]], dict[str, str]]]:
    """Give what asks the systems, which are a process of their own, and where they are."""
    command = [*SYSTEMS, str(customers)]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def answer() -> dict[str, Any]:
            line = process.stdout.readline()  # type: ignore[union-attr]
            return dict(json.loads(line))

        def ask(**wish: int) -> dict[str, Any]:
            process.stdin.write(json.dumps(wish) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return answer()

        try:
            yield ask, answer()
        finally:
            process.kill()


@contextmanager
def _following(home: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run the process that follows webhooks."""
    log = home / "hot.log"
    command = [*GTM, "hooks", "--home", str(home), "hot"]
    with (
        open(log, "w") as file,
        subprocess.Popen(command, env={**environment, "PYTHONUNBUFFERED": "1"}, stdout=file, stderr=file) as process,
    ):
        try:
            _wait_for(lambda: "follows webhooks" in log.read_text(), "the process to follow webhooks")
            yield
        finally:
            process.terminate()


def _rounds(home: Path, url: str, ask: Callable[..., dict[str, Any]], customers: int, rounds: int) -> dict[int, str]:
    """Change subscriptions, each time once all was followed; return what MRR HubSpot is to have of whom."""
    random, numbers, expected, sent = Random(7), list(numbers_of(customers)), dict[int, str](), 0
    with httpx.Client(trust_env=False) as client:
        for quantity in range(2, rounds + 2):
            for number in random.sample(numbers, random.randint(1, MOST_AT_ONCE)):
                ask(number=number, quantity=quantity)
                _send(client, url, home, number, quantity)
                expected[number] = f"{CENTS * quantity / 100:g}"
                sent += 1
            _wait_for(lambda: sum(run["events"] for run in _runs(home)) >= sent, "events to be followed")  # noqa: B023
    return expected


def _send(client: httpx.Client, url: str, home: Path, number: int, quantity: int) -> None:
    at = int(time.time() + json.loads((home / CLOCK).read_text())["ahead_seconds"])
    event = {
        "id": f"evt_{number}_{quantity}",
        "object": "event",
        "type": "customer.subscription.updated",
        "created": at,
    }
    body = json.dumps({**event, "data": {"object": {"id": f"sub_{number}", "object": "subscription"}}}).encode()
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    answer = client.post(f"{url}/webhooks/stripe", content=body, headers={"Stripe-Signature": f"t={at},v1={signature}"})
    answer.raise_for_status()


def _wait_for(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise RuntimeError(f"It took more than {LONGEST_SECONDS} seconds for {what}.")
        time.sleep(0.1)


def _gtm(environment: Mapping[str, str], *words: str) -> None:
    done = subprocess.run([*GTM, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"gtm {' '.join(words)} failed: {done.stdout[-1500:]} {done.stderr[-1500:]}")


def _runs(home: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(home / "state.db")) as state:
        state.row_factory = sqlite3.Row
        return [dict(row) for row in state.execute("select * from hot_runs order by id")]


def _rows(runs: Sequence[dict[str, Any]]) -> Iterator[Row]:
    delivered = [run for run in runs if run["outcome"] == "delivered"]
    seconds = sorted(_moment(run["at"]) - _moment(run["first_event_at"]) for run in delivered)
    for name in ("events", "customers", "companies", "fields"):
        yield Row(f"{name} that were followed", name, sum(run[name] for run in runs))
    for outcome, count in sorted(Counter(run["outcome"] for run in runs).items()):
        yield Row(f"runs: {outcome}", "runs", count)
    if seconds:
        targets = {"p50": Target("≤", 3), "p99": Target("≤", 8)}
        for name, share in SHARES.items():
            at = seconds[min(len(seconds) - 1, int(len(seconds) * share))]
            yield Row(f"{name} from the first event to HubSpot read back", "s", at, targets[name])
    stages = [json.loads(run["stages"]) for run in delivered]
    for name in dict.fromkeys(name for each in stages for name in each):
        took = sorted(each.get(name, 0) / 1000 for each in stages)
        for share_name, share in SHARES.items():
            yield Row(f"{share_name} of these: {name}", "s", took[min(len(took) - 1, int(len(took) * share))])
    left: Counter[str] = Counter()
    for run in runs:
        left.update(json.loads(run["left"]))
    for cause, number in left.most_common():
        yield Row(f"left to the daily tables: {cause}", "records", number)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


FIGURE = Figure(
    "hot",
    "A value that an event changes is in HubSpot, and read back, within 3 s for half, within 8 s for 99 %.",
    measure,
)
