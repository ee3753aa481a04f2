"""Runs as Jobs: Dagster's launcher and Kubernetes' client, by the dagster.yaml that `gtm` writes, over an emulator.

The daemon is where docs/examples/kubernetes puts it: in a pod with the service account of the examples, their Role, the
claim of the home and the Secret. What the emulator leaves out, it says itself.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.test_utils import freeze_time
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.monitoring import run_monitoring
from dagster._daemon.monitoring.concurrency import execute_concurrency_slots_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration import liveness
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import REPOSITORY
from gtm_platform_tests.lake.tables import album, write
from gtm_platform_tests.orchestration.daemon import PATIENCE, Daemon, beats, control, databases
from gtm_platform_tests.orchestration.kubernetes_api import NAMESPACE, Cluster, Manifest, kubeconfig, serving
from gtm_platform_tests.orchestration.kubernetes_pods import Pod

kubernetes = pytest.importorskip("kubernetes", reason="pip install 'gtm-platform[kubernetes]'")
pytest.importorskip("dagster_k8s", reason="pip install 'gtm-platform[kubernetes]'")
incluster_config = pytest.importorskip("kubernetes.config.incluster_config")

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore:.* is deprecated and will be removed in 2.0:DeprecationWarning"),
]
EXAMPLES = REPOSITORY / "docs/examples/kubernetes"
IMAGE = "gtm-platform:latest"
DAYS = ["2026-01-01", "2026-01-02"]  # what one run makes
HALF_WAY = DAYS[1]

Configured = Callable[..., None]


def manifests() -> list[Manifest]:
    """What the examples put into a cluster."""
    paths = sorted(EXAMPLES.glob("*.yaml"))
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster with the examples and the Secret, in which this process is as a pod of the daemon is."""
    (folder := tmp_path / "cluster").mkdir()
    with databases(monkeypatch) as shared:
        keys = {
            **shared,
            "GTM_DAGSTER_URL": shared["GTM_DAGSTER_URL"].replace("psycopg2", "psycopg"),  # as somebody may write it
            "GTM_RUN_LAUNCHER": "kubernetes",
            "GTM_RUN_IMAGE": IMAGE,
            "GTM_FIRST_DAY": DAYS[0],
            "STANDS_STILL": f"/gtm/home/{HALF_WAY}",
        }
        secret = {"kind": "Secret", "metadata": {"name": "gtm-keys"}, "stringData": keys}
        cluster = Cluster(folder, [*manifests(), secret], [IMAGE])
        with serving(cluster) as certificate:
            (folder / "token").write_text(cluster.token("gtm-runs"))
            monkeypatch.setattr(kubernetes.client.Configuration, "_default", None)
            monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(certificate))
            monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
            home, (host, port) = cluster.claim("gtm-home"), cluster.address
            own = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
            reached = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
            for name, value in {**keys, **own, **reached}.items():
                monkeypatch.setenv(name, value)
            settings.cache_clear()
            yield cluster


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    """Options of the launcher, as a person gives them."""

    def with_options(**options: Any) -> None:
        (tmp_path / "options.yaml").write_text(yaml.safe_dump(options))
        monkeypatch.setenv("GTM_RUN_OPTIONS", str(tmp_path / "options.yaml"))
        settings.cache_clear()

    return with_options


class DaemonOfPods(Daemon):
    """The daemon in its pod, with its queue and its monitoring of runs."""

    def __init__(self, workspace: WorkspaceProcessContext, cluster: Cluster) -> None:
        super().__init__(workspace, Lake(cluster.claim("gtm-home") / "lake"))
        self.cluster = cluster
        self.half_way = cluster.claim("gtm-home") / HALF_WAY
        self.queue = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def look(self) -> None:
        super().look()
        list(self.queue.run_iteration(self.workspace))

    def monitor(self, after: timedelta = timedelta()) -> None:
        """Look whether runs and their Jobs are well, now or as if it were later."""
        with freeze_time(datetime.now(UTC) + after):
            looks = [
                *run_monitoring.execute_run_monitoring_iteration(self.workspace, self.log),
                *execute_concurrency_slots_iteration(self.workspace, self.log),
            ]
        assert not any(looks), "it reports no error"

    def printed(self) -> str:
        logs = [pod.log for pod in self.cluster.pods.values() if pod.log.exists()]
        return "\n".join(f"{log.parent.name}: {log.read_text()[-3000:]}" for log in logs)

    def run(self) -> dg.DagsterRun:
        """The newest run."""
        return next(iter(self.instance.get_runs(limit=1)))

    def pod(self) -> Pod:
        """The pod of the newest run."""
        [pod] = self.cluster.pods_of(job_of(self.run()))
        return pod

    def launched(self) -> Pod:
        """Ask for the days, and launch the run that makes them."""
        self.ask_for(DAYS)
        self.look()
        return self.pod()

    def launched_half_way(self) -> Pod:
        """Launch it, and let it go on until it stands still with the second day."""
        self.half_way.touch()
        pod = self.launched()
        self.until(self.half_way.with_suffix(".reached").exists)
        assert self.working() == {self.run().run_id}
        return pod

    def sees_the_end(self) -> None:
        """Look until the newest run has succeeded, with all days made and nothing left behind."""
        self.until(lambda: self.run().is_finished)
        assert self.pod().ended.wait(PATIENCE)
        assert self.run().status == dg.DagsterRunStatus.SUCCESS, self.printed()
        self.look()
        assert self.backfill().status == BulkActionStatus.COMPLETED_SUCCESS
        assert self.lake.partitions("shop/sales") == DAYS
        assert self.working() == self.waiting() == set()
        assert liveness.reap(self.instance, datetime.now(UTC) + liveness.SILENCE * 2) == []
        assert beats() == {}


def job_of(run: dg.DagsterRun) -> str:
    """The name of a run's Job."""
    return f"dagster-run-{run.run_id}"


def event_texts(daemon: DaemonOfPods, run: dg.DagsterRun) -> str:
    """What a run's events say, and the errors in them with their causes."""
    events = [entry.dagster_event for entry in daemon.instance.all_logs(run.run_id) if entry.dagster_event]
    errors = [event.engine_event_data.error for event in events if event.is_engine_event]
    return "\n".join([*(event.message or "" for event in events), *(error.to_string() for error in errors if error)])


@pytest.fixture
def daemon(cluster: Cluster) -> Iterator[DaemonOfPods]:
    """The daemon, by dagster.yaml as it is written for these variables, and albums of the days."""
    with control(cluster.claim("gtm-home") / "dagster") as workspace:
        daemon = DaemonOfPods(workspace, cluster)
        with daemon.queue:
            for number, day in enumerate(DAYS):
                write(daemon.lake, day, [album(f"album {number}")], full=number == 0)
            yield daemon


def test_a_run_is_a_job_by_the_examples_whose_process_makes_the_days(daemon: DaemonOfPods) -> None:
    pod = daemon.launched()
    daemon.sees_the_end()
    assert daemon.statuses() == {"SUCCESS": 1}
    assert pod.phase == "Succeeded"
    [posted] = daemon.cluster.posted
    assert posted["metadata"]["name"] == job_of(daemon.run())
    assert (posted["spec"]["backoffLimit"], posted["spec"]["ttlSecondsAfterFinished"]) == (0, 3600)
    spec = posted["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "gtm-runs"
    assert spec["volumes"] == [{"name": "home", "persistentVolumeClaim": {"claimName": "gtm-home"}}]
    user = {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001, "runAsNonRoot": True}
    assert spec["securityContext"] == user
    [container] = spec["containers"]
    assert container["image"] == IMAGE
    assert container["envFrom"] == [{"secretRef": {"name": "gtm-keys"}}]
    assert container["volumeMounts"] == [{"name": "home", "mountPath": "/gtm/home"}]
    assert container["resources"]["limits"] == {"memory": "8Gi"}
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    assert daemon.cluster.refused == []


@pytest.mark.faults("T3")
def test_a_run_whose_process_is_killed_is_ended_and_launched_again(daemon: DaemonOfPods) -> None:
    pod, killed = daemon.launched_half_way(), daemon.run()
    daemon.monitor()
    assert daemon.statuses() == {"STARTED": 1}, "it lives"
    pod.signal(signal.SIGKILL)
    assert pod.ended.wait(PATIENCE)
    daemon.monitor()
    assert daemon.statuses() == {"FAILURE": 1}
    texts = event_texts(daemon, killed)
    assert "Detected run worker status FAILED: 'Run has not completed but K8s job has no active pods'" in texts
    assert "Terminated with exit code 137" in texts
    daemon.monitor(after=timedelta(seconds=61))
    assert daemon.working() == set(), "a minute later its slot is free"
    daemon.look()
    assert daemon.run().parent_run_id == killed.run_id
    daemon.sees_the_end()
    assert daemon.statuses() == {"SUCCESS": 1, "FAILURE": 1}
    assert daemon.cluster.refused == []


@pytest.mark.faults("T3")
def test_a_run_whose_node_is_drained_is_launched_again(daemon: DaemonOfPods) -> None:
    """Its process is asked to end, and says itself that it was interrupted; nobody has to look."""
    pod, interrupted = daemon.launched_half_way(), daemon.run()
    daemon.cluster.drain(pod)
    assert pod.ended.wait(PATIENCE)
    assert daemon.statuses() == {"FAILURE": 1}
    assert "Execution was interrupted unexpectedly" in event_texts(daemon, interrupted)
    assert daemon.working() == set()
    daemon.look()
    assert daemon.run().parent_run_id == interrupted.run_id
    daemon.sees_the_end()
    assert daemon.cluster.refused == []


def test_a_run_that_somebody_ends_has_neither_job_nor_process(daemon: DaemonOfPods) -> None:
    """By batch/v1 the pods of a Job that is deleted go on, so Dagster deletes these as well."""
    pod, ended = daemon.launched_half_way(), daemon.run()
    assert daemon.instance.run_coordinator.cancel_run(ended.run_id), event_texts(daemon, ended)
    assert pod.ended.wait(PATIENCE)
    assert (daemon.cluster.jobs, daemon.cluster.pods) == ({}, {})
    assert daemon.statuses() == {"CANCELED": 1}, "its process has said so"
    assert daemon.working() == set()
    daemon.look()
    assert daemon.statuses() == {"CANCELED": 1}, "it stays ended"
    assert daemon.cluster.refused == []


def test_a_job_that_cannot_start_says_why_and_is_launched_again(daemon: DaemonOfPods) -> None:
    secret = daemon.cluster.objects.pop(("Secret", "gtm-keys"))
    assert daemon.launched().phase == "Pending"
    stuck = daemon.run()
    daemon.monitor(after=timedelta(seconds=170))
    assert daemon.statuses() == {"STARTING": 1}
    daemon.monitor(after=timedelta(seconds=190))
    assert daemon.statuses() == {"FAILURE": 1}
    texts = event_texts(daemon, stuck)
    assert "taking longer than 180 seconds to start" in texts
    assert 'CreateContainerConfigError: secret "gtm-keys" not found' in texts
    daemon.cluster.objects["Secret", "gtm-keys"] = secret
    daemon.look()
    assert daemon.run().parent_run_id == stuck.run_id
    daemon.sees_the_end()


@pytest.mark.parametrize(
    ("account", "options", "sentence"),
    [
        ("default", {}, 'User "system:serviceaccount:default:default" cannot create resource "jobs"'),
        ("gtm-runs", {"job_namespace": "crm"}, 'in the namespace "crm"'),
    ],
    ids=["in a pod without serviceAccountName", "in a namespace without its Role"],
)
def test_who_may_start_no_job_reads_why(
    cluster: Cluster, tmp_path: Path, configured: Configured, account: str, options: Manifest, sentence: str
) -> None:
    """The run has failed by then, in the queue as by hand, and so has the run in its place."""
    configured(**options)
    (tmp_path / "cluster/token").write_text(cluster.token(account))
    with control(cluster.claim("gtm-home") / "dagster") as workspace:
        daemon = DaemonOfPods(workspace, cluster)
        daemon.ask_for(DAYS)
        Daemon.look(daemon)
        [run] = daemon.queued()
        with pytest.raises(Exception, match="Unexpected error encountered in Kubernetes API Client") as raised:
            daemon.instance.launch_run(run.run_id, workspace.create_request_context())
        cause = raised.value.__cause__
        assert isinstance(cause, kubernetes.client.ApiException)
        assert sentence in json.loads(cause.body)["message"]
        assert daemon.statuses() == {"FAILURE": 1}
        with daemon.queue:
            daemon.look()
        assert daemon.run().parent_run_id == run.run_id
        assert daemon.statuses() == {"FAILURE": 2}
        assert all(sentence.replace('"', '\\"') in event_texts(daemon, each) for each in daemon.instance.get_runs())
        assert cluster.jobs == {}


def test_a_daemon_outside_of_the_cluster_reaches_it_by_a_kubeconfig(
    cluster: Cluster, tmp_path: Path, configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an image that cannot be pulled, of which nobody waits for the end."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "nothing"))
    (tmp_path / "kubeconfig").write_text(kubeconfig(cluster, tmp_path / "cluster/ca.crt", cluster.token("gtm-runs")))
    reached = {"load_incluster_config": False, "kubeconfig_file": str(tmp_path / "kubeconfig")}
    configured(**reached, job_image="registry.example/gtm:next")
    with control(cluster.claim("gtm-home") / "dagster") as workspace:
        daemon = DaemonOfPods(workspace, cluster)
        with daemon.queue:
            pod = daemon.launched()
        assert pod.problem == ("ErrImagePull", 'Failed to pull image "registry.example/gtm:next"')
        assert daemon.instance.run_coordinator.cancel_run(daemon.run().run_id)
        assert (cluster.jobs, cluster.pods) == ({}, {})
        assert daemon.statuses() == {"CANCELING": 1}, "no process says that it has ended"
        later = SimpleNamespace(time=lambda: time.time() + 190)  # Dagster reads this clock by itself
        monkeypatch.setattr(run_monitoring, "time", later)
        daemon.monitor()
        assert daemon.statuses() == {"CANCELED": 1}


# --- the emulator itself ---------------------------------------------------------------------------------------------


def a_job(name: str, code: str, **spec: Any) -> Manifest:
    """A Job that runs a piece of Python."""
    container = {"name": "only", "image": IMAGE, "command": ["python", "-c", code]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template, **spec}}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster with the Role of the examples, and an API in front of it."""
    (folder := tmp_path / "cluster").mkdir()
    cluster = Cluster(folder, manifests(), [IMAGE])
    with serving(cluster):
        yield cluster


def client_of(cluster: Cluster, tmp_path: Path, token: str) -> Any:
    (tmp_path / "kubeconfig").write_text(kubeconfig(cluster, tmp_path / "cluster/ca.crt", token))
    return kubernetes.config.new_client_from_config(str(tmp_path / "kubeconfig"))


@pytest.fixture
def batch(empty: Cluster, tmp_path: Path) -> Iterator[Any]:
    """The client, as the service account of the examples."""
    with client_of(empty, tmp_path, empty.token("gtm-runs")) as client:
        yield kubernetes.client.BatchV1Api(client)


def refusal(call: Callable[..., Any], *arguments: Any) -> tuple[int, str, str]:
    """The code, the reason and the sentence with which a call is refused."""
    with pytest.raises(kubernetes.client.ApiException) as raised:
        call(*arguments)
    status = json.loads(raised.value.body)
    assert (status["kind"], status["code"]) == ("Status", raised.value.status)
    return status["code"], status["reason"], status["message"]


def test_the_emulator_refuses_as_the_api_does(empty: Cluster, batch: Any, tmp_path: Path) -> None:
    with client_of(empty, tmp_path, "another-token") as client:
        stranger = kubernetes.client.BatchV1Api(client)
        assert refusal(stranger.list_namespaced_job, NAMESPACE) == (401, "Unauthorized", "Unauthorized")
    missing = (404, "NotFound", 'jobs.batch "none" not found')
    assert refusal(batch.read_namespaced_job_status, "none", NAMESPACE) == missing
    assert refusal(batch.delete_namespaced_job, "none", NAMESPACE) == missing
    batch.create_namespaced_job(NAMESPACE, a_job("once", "pass"))
    exists = (409, "AlreadyExists", 'jobs.batch "once" already exists')
    assert refusal(batch.create_namespaced_job, NAMESPACE, a_job("once", "pass")) == exists
    assert refusal(batch.patch_namespaced_job, "once", NAMESPACE, {})[:2] == (403, "Forbidden")
    assert refusal(batch.create_namespaced_job, NAMESPACE, a_job("Wrong_name", "pass"))[:2] == (422, "Invalid")


@pytest.mark.parametrize("change", [{"backoff_limit": 1}, {"backoffLimit": "one"}, {"template": {}}])
def test_the_emulator_refuses_what_the_schemas_refuse(batch: Any, change: Manifest) -> None:
    pytest.importorskip("kubernetes_validate", reason="pip install 'gtm-platform[deployment]'")
    job = a_job("wrong", "pass")
    job["spec"] |= change
    code, reason, message = refusal(batch.create_namespaced_job, NAMESPACE, job)
    assert (code, reason) == (422, "Invalid")
    assert message.startswith('Job.batch "wrong" is invalid: ')


def test_a_job_of_the_emulator_begins_again_as_often_as_it_may(empty: Cluster, batch: Any) -> None:
    batch.create_namespaced_job(NAMESPACE, a_job("failing", "print('so far', flush=True); exit(3)", backoffLimit=1))
    first, *_ = empty.pods_of("failing")
    assert first.ended.wait(PATIENCE)
    batch.read_namespaced_job("failing", NAMESPACE)  # answered once the end of the first is accounted for
    _, second = empty.pods_of("failing")
    assert second.ended.wait(PATIENCE)
    status = batch.read_namespaced_job_status("failing", NAMESPACE).status
    assert (status.active, status.failed, status.succeeded) == (None, 2, None)
    assert [(each.type, each.reason) for each in status.conditions] == [("Failed", "BackoffLimitExceeded")]
    core = kubernetes.client.CoreV1Api(batch.api_client)
    listed = core.list_namespaced_pod(NAMESPACE, label_selector="job-name=failing").items
    assert [pod.status.container_statuses[0].state.terminated.exit_code for pod in listed] == [3, 3]
    log = core.read_namespaced_pod_log(second.name, NAMESPACE, tail_lines=1, _preload_content=False)
    assert log.data == b"so far\n"


@pytest.mark.parametrize(("policy", "is_alive"), [(None, True), ("Background", False)])
def test_a_job_that_is_deleted_leaves_its_pods_unless_that_is_asked(
    empty: Cluster, batch: Any, policy: str | None, is_alive: bool
) -> None:
    batch.create_namespaced_job(NAMESPACE, a_job("waiting", "import signal; signal.pause()"))
    [pod] = empty.pods_of("waiting")
    batch.delete_namespaced_job("waiting", NAMESPACE, propagation_policy=policy)
    assert refusal(batch.read_namespaced_job, "waiting", NAMESPACE)[0] == 404
    assert ("deletionTimestamp" not in pod.manifest["metadata"]) == is_alive
    assert pod.phase == "Running" or not is_alive
