"""The image as docs/examples run it: Compose's services, runs in containers of their own of which some are killed, and
the commands of the manifests, the units and the workflow. It takes an engine, and some minutes.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from gtm_platform.orchestration.liveness import DIED, SILENCE
from gtm_platform_tests.deployment.stack import EXAMPLES, HOME_VOLUME, IMAGE, PATIENCE, Stack, running, until
from gtm_platform_tests.test_deployment_examples import KUBERNETES, UNITS, containers, pod_of, steps, unit

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]
LAUNCH = """mutation($wish: ExecutionParams!) { launchRun(executionParams: $wish) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUNS = """{ runsOrError(limit: 50) { ... on Runs { results { runId parentRunId status tags { key value } } } } }"""
EVENTS = """query($run: ID!) { runOrError(runId: $run) { ... on Run {
    eventConnection { events { ... on MessageEvent { message eventType } } } } } }"""
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename } } } } }"""
DAEMONS = """{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"""
TABLES = ["activity", "calls", "pipeline", "profile", "revenue", "subscriptions", "support"]  # some seconds of work
# How a command that stays shows that it works: what it answers on its port or on those of its own, or what it logs.
ANSWERS = {
    ("gtm", "serve"): ["{port}/healthz"],
    ("gtm", "dashboard"): ["{port}/_stcore/health"],
    ("gtm", "ui"): ["3000/server_info", "8000/healthz", "8501/_stcore/health"],
    ("dagster-webserver", "--host"): ["{port}/server_info"],
}
LOGS = {
    ("gtm", "hooks"): "It follows webhooks as they come",
    ("dagster-daemon", "run"): "Instance is configured with the following daemons",
}
CALL = "import sys, urllib.request as web; [web.urlopen(f'http://127.0.0.1:{at}', timeout=20) for at in sys.argv[1:]]"
REAP = """
from datetime import UTC, datetime, timedelta
import dagster as dg
from gtm_platform.orchestration import liveness
with dg.DagsterInstance.get() as instance:
    print('ended', *liveness.reap(instance, datetime.now(UTC) + timedelta(seconds={seconds})))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Postgres and a sandbox, and a home in which everything was brought up to date by the command for cron."""
    with running(tmp_path_factory.mktemp("stack")) as stack:
        done = stack.compose("run", "--rm", "-T", "due")
        for what in ("sync_stripe: window .+: [1-9]", "daily_tables: .+: [1-9]", "deliver: .+: [1-9]"):
            assert re.search(f"^{what}", done, re.MULTILINE), done
        yield stack


@pytest.fixture(scope="module")
def up(stack: Stack) -> Stack:
    """All services of compose.yaml, once Dagster's webserver has the code and the daemon is at work."""
    stack.compose("up", "--detach", "--no-build")

    def is_loaded() -> bool:
        [location] = stack.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        return bool(location["locationOrLoadError"]["__typename"] == "RepositoryLocation")

    def daemons_are_healthy() -> bool:
        daemons = stack.ask(DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return all(each["healthy"] for each in daemons if each["required"])

    until(lambda: answers(stack, "webserver", "/server_info"), "the webserver's answer")
    until(is_loaded, "the code's location")
    until(daemons_are_healthy, "the daemon's health")
    return stack


def answers(stack: Stack, service: str, path: str) -> bool:
    try:
        return bool(stack.get(service, path))
    except OSError:
        return False


# --- Compose, and runs in containers ---------------------------------------------------------------------------------


def test_each_service_of_compose_works(up: Stack) -> None:
    until(lambda: answers(up, "api", "/healthz"), "the API's answer", lambda: up.compose("logs", "api"))
    until(lambda: answers(up, "dashboard", "/_stcore/health"), "the dashboard", lambda: up.compose("logs", "dashboard"))
    holders = until(lambda: up.sql("gtm", "select doing from leases where name = 'hot_path'"), "the hot path's lease")
    assert holders == ["follows webhooks"]
    for name, service in yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"].items():
        if "command" in service and name not in ("prepare", "due"):
            [container] = up.client.containers.list(filters={"label": f"com.docker.compose.service={name}"})
            assert container.exec_run(["id", "-u"]).output == b"10001\n"
            assert container.attrs["RestartCount"] == 0, container.logs().decode()


def launched(up: Stack) -> str:
    """The run of some tables of today, launched as the UI does."""
    day = datetime.now(UTC).date().isoformat()
    tags = [{"key": f"dagster/asset_partition_range_{end}", "value": day} for end in ("start", "end")]
    selector = {
        "repositoryLocationName": "gtm_platform",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": ["core", name]} for name in TABLES],
    }
    wish = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
    answer = up.ask(LAUNCH, wish=wish)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def runs(up: Stack) -> dict[str, dict[str, Any]]:
    return {run["runId"]: run for run in up.ask(RUNS)["runsOrError"]["results"]}


def status(up: Stack, run_id: str) -> str:
    return str(runs(up)[run_id]["status"])


def container_at_work(up: Stack, run_id: str) -> Any:
    """The container of a run that has begun with its work."""
    until(lambda: status(up, run_id) == "STARTED", "the run's start", lambda: up.compose("logs", "daemon"))
    [container] = up.of_run(run_id)
    return container


def successor(up: Stack, run_id: str) -> str:
    """The run that took up the work of one that died, once it has succeeded."""

    def retry() -> str | None:
        return next((run["runId"] for run in runs(up).values() if run["parentRunId"] == run_id), None)

    again = str(until(retry, "the retry"))
    until(lambda: status(up, again) == "SUCCESS", "the retry's success", lambda: up.compose("logs", "daemon"))
    return again


def messages(up: Stack, run_id: str) -> str:
    events = up.ask(EVENTS, run=run_id)["runOrError"]["eventConnection"]["events"]
    return "\n".join(f"{each['eventType']} {each['message']}" for each in events if each)


def materialized(up: Stack, run_id: str) -> bool:
    return "ASSET_MATERIALIZATION Materialized" in messages(up, run_id)


def has_beat(up: Stack, run_id: str) -> bool:
    return bool(up.sql("gtm", f"select 1 from run_beats where run_id = '{run_id}'"))


def test_a_run_works_in_a_container_of_its_own(up: Stack) -> None:
    run_id = launched(up)
    container = container_at_work(up, run_id)
    assert container.image.tags == [f"{IMAGE}:latest"]
    assert container.exec_run(["id", "-u"]).output == b"10001\n"
    [mount] = container.attrs["Mounts"]
    assert (mount["Name"], mount["Destination"]) == (HOME_VOLUME, "/gtm/home")
    until(lambda: status(up, run_id) == "SUCCESS", "the run's success", lambda: messages(up, run_id))
    assert materialized(up, run_id)
    until(lambda: not up.of_run(run_id), "the end of its container")


@pytest.mark.faults("T3")
def test_dagster_notices_a_killed_container_and_launches_the_run_again(up: Stack) -> None:
    run_id = launched(up)
    container_at_work(up, run_id).kill("SIGKILL")
    until(lambda: status(up, run_id) == "FAILURE", "the run's end", lambda: up.compose("logs", "daemon"))
    assert "Detected run worker status NOT_FOUND" in messages(up, run_id)
    assert materialized(up, successor(up, run_id))


@pytest.mark.faults("T3")
def test_the_reaper_ends_the_run_of_a_killed_container_after_its_silence(up: Stack) -> None:
    run_id = launched(up)
    container = container_at_work(up, run_id)
    until(lambda: has_beat(up, run_id), "the run's first beat")
    container.pause()  # it is in the middle of its work
    up.compose("kill", "daemon")  # nobody else looks
    container.kill("SIGKILL")
    assert up.python(REAP.format(seconds=0)).split() == ["ended"], "it may be slow"
    assert status(up, run_id) == "STARTED"
    after = SILENCE.total_seconds() + 1
    assert run_id in up.python(REAP.format(seconds=after)).split()
    assert (status(up, run_id), has_beat(up, run_id)) == ("FAILURE", False)
    assert DIED in messages(up, run_id)
    up.compose("up", "--detach", "--no-build", "daemon")
    assert materialized(up, successor(up, run_id))


def test_every_service_ends_in_order_when_it_is_asked_to(up: Stack) -> None:
    names = ["daemon", "webserver", "code", "api", "hot", "dashboard"]
    up.compose("stop", "--timeout", "30", *names)
    for name in names:
        [container] = up.client.containers.list(all=True, filters={"label": f"com.docker.compose.service={name}"})
        assert container.attrs["State"]["ExitCode"] == 0, f"{name}: {container.logs(tail=20).decode()}"


# --- the other ways to run it ----------------------------------------------------------------------------------------


def ends_well(container: Any) -> None:
    ended = container.wait(timeout=PATIENCE)
    assert ended["StatusCode"] == 0, container.logs().decode()


def shows_that_it_works(container: Any, words: list[str], probe: Mapping[str, Any] | None = None) -> None:
    """Wait until a command that stays answers its probe, or what is asked of its like."""
    beginning, port = tuple(words[:2]), words[words.index("--port") + 1] if "--port" in words else ""
    path = (probe or {}).get("httpGet", {}).get("path")
    asked = [f"{port}{path}"] if path else [each.format(port=port) for each in ANSWERS.get(beginning, ())]

    def works() -> bool:
        container.reload()
        assert container.status == "running", container.logs().decode()
        if probe and "exec" in probe:
            return bool(container.exec_run(probe["exec"]["command"]).exit_code == 0)
        if asked:
            return bool(container.exec_run(["python", "-c", CALL, *asked]).exit_code == 0)
        return re.search(LOGS[beginning], container.logs().decode()) is not None

    until(works, f"what {shlex.join(words)} answers", lambda: container.logs().decode()[-3000:])


def folders(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What a manifest mounts beside the home: maps with what they hold, and claims that are empty."""
    maps = {
        document["metadata"]["name"]: document["data"]
        for path in KUBERNETES
        for document in yaml.safe_load_all(path.read_text())
        if document["kind"] == "ConfigMap"
    }
    volumes = {each["name"]: each for each in pod["volumes"]}
    return {
        mount["mountPath"]: maps.get(volumes[mount["name"]].get("configMap", {}).get("name"), {})
        for mount in container["volumeMounts"]
        if mount["name"] != "home"
    }


def alias_of(documents: list[Mapping[str, Any]], document: Mapping[str, Any]) -> str | None:
    """The name of the service that leads to a deployment."""
    labels = document["spec"].get("selector", {}).get("matchLabels")
    services = (each for each in documents if each["kind"] == "Service" and each["spec"]["selector"] == labels)
    return next((str(each["metadata"]["name"]) for each in services), None)


@pytest.mark.parametrize("path", [path for path in KUBERNETES if path.name != "run-jobs.yaml"], ids=lambda of: of.name)
def test_the_commands_of_a_manifest_work_with_the_rights_that_it_gives(stack: Stack, path: Any) -> None:
    documents = list(yaml.safe_load_all(path.read_text()))
    staying: list[Any] = []
    with ExitStack() as until_the_end:
        for document in documents:
            pod = pod_of(document)
            for each in containers(pod) if pod else []:
                words = [str(word) for word in each["command"]]
                context = stack.container(
                    words, folders(pod or {}, each), user=str(pod["securityContext"]["runAsUser"])
                )
                if "resources" not in each or document["kind"] == "CronJob":
                    with context as container:
                        ends_well(container)
                    continue
                container = until_the_end.enter_context(context)
                if name := alias_of(documents, document):
                    network = stack.client.networks.get("gtm")
                    network.disconnect(container)
                    network.connect(container, aliases=[name])
                shows_that_it_works(container, words, each.get("readinessProbe"))
                staying.append(container)
        for container in staying:
            container.stop(timeout=30)  # as long as a pod is given
            assert container.wait()["StatusCode"] == 0, container.logs(tail=20).decode()


@pytest.mark.parametrize("path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_the_command_of_a_unit_works(stack: Stack, path: Any) -> None:
    service = unit(path)["Service"]
    words = shlex.split(service["ExecStart"])
    places = {place: {} for place in service.get("ReadWritePaths", "").split() if place != "/var/lib/gtm"}
    own = dict(line.split("=", 1) for line in service["Environment"].split())
    options = {
        "environment": stack.environment() | own,
        "volumes": [f"{HOME_VOLUME}:{service['WorkingDirectory']}"],
        "working_dir": service["WorkingDirectory"],
    }
    with stack.container(words, places, **options) as container:
        if service.get("Type") == "oneshot":
            ends_well(container)
            return
        shows_that_it_works(container, [words[0].rpartition("/")[2], *words[1:]])
        container.kill("SIGTERM")
        assert container.wait(timeout=int(service["TimeoutStopSec"]))["StatusCode"] == 0, container.logs().decode()


def test_the_lines_of_the_workflow_work_one_after_the_other(stack: Stack) -> None:
    """Those that need no bucket: a runner's shell is this one."""
    lines = [step["run"] for step in steps() if "run" in step and not step["run"].startswith(("pip ", "aws "))]
    assert [line.split()[0] for line in lines] == ["gtm", "cat"]
    script = "\n".join(f"bash -e -c {shlex.quote(line)}" for line in lines)
    [job] = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())["jobs"].values()
    environment = {"GTM_HOME": job["env"]["GTM_HOME"], "GITHUB_STEP_SUMMARY": "/tmp/summary"}
    command = ["bash", "-e", "-c", f"{script}\necho; echo summary:; cat /tmp/summary"]
    with stack.container(command, environment=stack.environment() | environment) as container:
        ends_well(container)
        summary = json.loads(container.logs().decode().partition("summary:\n")[2])
    assert summary["code"] == 0
