"""An emulator of the calls by which Dagster's launcher starts Jobs of Kubernetes, looks after them and ends them.

It serves them on loopback, by TLS, to bearers of a service account's token, as far as the Roles among its objects go. A
Job is refused where Kubernetes' published schemas refuse it (strictly; where `kubernetes-validate` is installed), or
where its labels or mounts are wrong. `kubernetes_pods` runs what its container declares, and its status follows the
process. As with Kubernetes, who deletes a Job by batch/v1 and says nothing of its pods leaves them behind.

There is no scheduler, no kubelet and no cluster: a pod starts at once on this host, or never. Deadlines and the time to
live of finished Jobs pass by, the pod after one that failed waits for nothing, and nothing can be watched or patched.
"""

import ipaddress
import json
import re
import signal
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gtm_platform_tests.orchestration.kubernetes_pods import Manifest, Pod, now

NAMESPACE = "default"
OLDEST = "1.30"  # of the versions whose schemas a Job is held against, beside the newest
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
PATH = re.compile(r"/(?:api|apis/(batch))/v1/namespaces/([^/]+)/(jobs|pods|events)(?:/([^/]+))?(?:/(status|log))?")
VERBS = {"POST": "create", "DELETE": "delete"}


class Refusal(Exception):
    """An answer that is an error: a Status, as the API describes it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason

    def shown(self) -> Manifest:
        """The answer's body."""
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": str(self)}
        return body | {"reason": self.reason, "code": self.code}


@dataclass(frozen=True)
class Request:
    """What somebody wants: a verb on a resource, as Roles name them."""

    verb: str
    group: str
    namespace: str
    resource: str  # jobs, or jobs/status
    name: str
    query: dict[str, str]
    body: Manifest


@dataclass
class Job:
    """A Job, and what became of its pods."""

    manifest: Manifest
    failed: int = 0
    succeeded: int = 0
    conditions: list[Manifest] = field(default_factory=list)

    def shown(self, pods: Sequence[Pod]) -> Manifest:
        """The Job as the API shows it."""
        numbers = {"active": sum(pod.is_at_work for pod in pods), "succeeded": self.succeeded, "failed": self.failed}
        status = {name: number for name, number in numbers.items() if number}
        status |= {"startTime": self.manifest["metadata"]["creationTimestamp"], "conditions": self.conditions}
        return self.manifest | {"status": status}

    def end(self, kind: str, reason: str) -> None:
        """Note how it ended."""
        condition = {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": now()}
        self.conditions = [*self.conditions, condition]


class Cluster:
    """The objects of a namespace, Jobs and pods among them, and who may do what with them."""

    def __init__(self, folder: Path, objects: Sequence[Manifest], images: Sequence[str]) -> None:
        self.folder, self.images = folder, images
        self.objects = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        self.tokens: dict[str, str] = {}  # by which a service account is known
        self.jobs: dict[str, Job] = {}
        self.pods: dict[str, Pod] = {}
        self.posted: list[Manifest] = []
        self.events: list[Manifest] = []
        self.refused: list[str] = []
        self.lock = threading.RLock()
        self.address = ("", 0)
        for kind, name in self.objects:
            if kind == "PersistentVolumeClaim":
                self.claim(name).mkdir(parents=True)

    def claim(self, name: str) -> Path:
        """The folder that is a claim's volume."""
        return self.folder / "claims" / name

    def token(self, account: str) -> str:
        """A token of a service account."""
        token = uuid4().hex
        self.tokens[token] = account
        return token

    def may(self, account: str, request: Request) -> bool:
        """Whether the Roles to which an account is bound permit a request."""
        bindings = [each for (kind, _), each in self.objects.items() if kind == "RoleBinding"]
        subject = ("ServiceAccount", account)
        bound = [each for each in bindings if subject in {(to["kind"], to["name"]) for to in each["subjects"]}]
        rules = [rule for each in bound for rule in self.objects["Role", each["roleRef"]["name"]]["rules"]]
        return request.namespace == NAMESPACE and any(
            request.group in rule["apiGroups"]
            and request.resource in rule["resources"]
            and request.verb in rule["verbs"]
            for rule in rules
        )

    # --- what is asked of it ------------------------------------------------------------------------------------------

    def answer(self, account: str, request: Request) -> tuple[int, Any]:
        """Do what is asked, if whoever asks may."""
        if not self.may(account, request):
            user = f"system:serviceaccount:{NAMESPACE}:{account}"
            whole = f"{request.resource.split('/')[0]}{request.group and '.'}{request.group}"
            self.refused.append(f"{request.verb} {request.resource}")
            raise Refusal(
                403,
                "Forbidden",
                f'{whole} is forbidden: User "{user}" cannot {request.verb} resource "{request.resource}" '
                f'in API group "{request.group}" in the namespace "{request.namespace}"',
            )
        with self.lock:
            match request.verb, request.resource:
                case "create", "jobs":
                    return 201, self._create(request.body)
                case "get", "jobs" | "jobs/status":
                    return 200, self._shown(self._job(request.name))
                case "get", "pods" | "pods/status":
                    return 200, self._pod(request.name).shown()
                case "get", "pods/log":
                    lines = self._pod(request.name).log.read_text().splitlines(keepends=True)
                    return 200, "".join(lines[-int(request.query.get("tailLines", 0)) :])
                case "list", resource:
                    return 200, self._list(resource, request.query)
                case "delete", "jobs":
                    return 200, self._delete_job(request)
                case "delete", "pods":
                    return 200, self._delete_pod(request)
        raise Refusal(405, "MethodNotAllowed", f"the emulator has no {request.verb} of {request.resource}")

    def pods_of(self, job: str) -> list[Pod]:
        """The pods that a Job started, if they are still here."""
        return [pod for pod in self.pods.values() if pod.manifest["metadata"]["labels"]["job-name"] == job]

    def _job(self, name: str) -> Job:
        if name not in self.jobs:
            raise Refusal(404, "NotFound", f'jobs.batch "{name}" not found')
        return self.jobs[name]

    def _pod(self, name: str) -> Pod:
        if name not in self.pods:
            raise Refusal(404, "NotFound", f'pods "{name}" not found')
        return self.pods[name]

    def _shown(self, job: Job) -> Manifest:
        return job.shown(self.pods_of(job.manifest["metadata"]["name"]))

    def _list(self, resource: str, query: dict[str, str]) -> Manifest:
        """All objects of a kind that fit the selectors, which name one value each."""
        kind, every = {
            "jobs": ("JobList", [self._shown(job) for job in self.jobs.values()]),
            "pods": ("PodList", [pod.shown() for pod in self.pods.values()]),
            "events": ("EventList", self.events),
        }[resource]
        labels = dict(part.split("=", 1) for part in query.get("labelSelector", "").split(",") if part)
        fields = dict(part.split("=", 1) for part in query.get("fieldSelector", "").split(",") if part)
        fitting = [
            each
            for each in every
            if labels.items() <= each["metadata"].get("labels", {}).items()
            and all(_field(each, path) == value for path, value in fields.items())
        ]
        group = "batch/v1" if resource == "jobs" else "v1"
        return {"kind": kind, "apiVersion": group, "metadata": {"resourceVersion": "1"}, "items": fitting}

    # --- what the controller of Jobs does -----------------------------------------------------------------------------

    def _create(self, body: Manifest) -> Manifest:
        refuse_invalid(body)
        name = body["metadata"]["name"]
        if name in self.jobs:
            raise Refusal(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
        self.posted.append(body)
        own = {"namespace": NAMESPACE, "uid": str(uuid4()), "creationTimestamp": now(), "resourceVersion": "1"}
        manifest = body | {"metadata": body["metadata"] | own, "spec": {"backoffLimit": 6} | body["spec"]}
        job = self.jobs[name] = Job(manifest)
        self._start_pod(job)
        return self._shown(job)

    def _start_pod(self, job: Job) -> None:
        """Start the next pod of a Job, and follow it."""
        name, template = job.manifest["metadata"]["name"], job.manifest["spec"]["template"]
        account = template["spec"].get("serviceAccountName", "default")
        if account != "default" and ("ServiceAccount", account) not in self.objects:
            self._warn("Job", name, "FailedCreate", f'serviceaccount "{account}" not found')
            return
        own = template.get("metadata", {})
        metadata = own | {
            "name": f"{name[:50]}-{uuid4().hex[:5]}",
            "namespace": NAMESPACE,
            "uid": str(uuid4()),
            "labels": own.get("labels", {}) | {"job-name": name, "batch.kubernetes.io/job-name": name},
        }
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        pod = Pod(manifest, self.folder / "pods" / metadata["name"])
        pod.folder.mkdir(parents=True)
        self.pods[pod.name] = pod
        if problem := self._problem(template["spec"]):
            pod.problem = problem
            self._warn("Pod", pod.name, *problem)
            return
        host, port = self.address
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
        pod.start(environment, self.folder / "claims", self.objects)
        threading.Thread(target=self._follow, args=(job, pod), daemon=True).start()

    def _problem(self, spec: Manifest) -> tuple[str, str] | None:
        """What a pod lacks, as scheduler and kubelet would say it: a reason and a sentence."""
        [container] = spec["containers"]
        volumes = spec.get("volumes", [])
        claims = [each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each]
        maps = [each["configMap"]["name"] for each in volumes if "configMap" in each]
        secrets = [each["secretRef"]["name"] for each in container.get("envFrom", []) if "secretRef" in each]
        for kind, names, reason in [
            ("PersistentVolumeClaim", claims, "Unschedulable"),
            ("ConfigMap", maps, "FailedMount"),
            ("Secret", secrets, "CreateContainerConfigError"),
        ]:
            for name in names:
                if (kind, name) not in self.objects:
                    return reason, f'{kind.lower()} "{name}" not found'
        image = container["image"]
        return None if image in self.images else ("ErrImagePull", f'Failed to pull image "{image}"')

    def _warn(self, kind: str, name: str, reason: str, message: str) -> None:
        """Note an event that warns of an object."""
        self.events.append(
            {
                "metadata": {"name": f"{name}.{len(self.events)}", "namespace": NAMESPACE},
                "involvedObject": {"kind": kind, "name": name, "namespace": NAMESPACE},
                "type": "Warning",
                "reason": reason,
                "message": message,
            }
        )

    def _follow(self, job: Job, pod: Pod) -> None:
        """Wait for the end of a pod, and have its Job end with it or begin again."""
        assert pod.process
        pod.process.wait()
        with self.lock:
            pod.note_end()
            if "deletionTimestamp" in pod.manifest["metadata"]:
                self.pods.pop(pod.name, None)
            if self.jobs.get(job.manifest["metadata"]["name"]) is not job:
                return
            if pod.phase == "Succeeded":
                job.succeeded += 1
                job.end("Complete", "CompletionsReached")
                return
            job.failed += 1
            if job.failed > job.manifest["spec"]["backoffLimit"]:
                job.end("Failed", "BackoffLimitExceeded")
            else:
                self._start_pod(job)

    def _delete_job(self, request: Request) -> Manifest:
        job = self._job(request.name)
        policy = request.body.get("propagationPolicy") or request.query.get("propagationPolicy") or "Orphan"
        del self.jobs[request.name]
        if policy != "Orphan":
            for pod in self.pods_of(request.name):
                self._end(pod)
        details = {"name": request.name, "group": "batch", "kind": "jobs", "uid": job.manifest["metadata"]["uid"]}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def _delete_pod(self, request: Request) -> Manifest:
        pod = self._pod(request.name)
        self._end(pod)
        return pod.shown()

    def _end(self, pod: Pod) -> None:
        pod.manifest["metadata"]["deletionTimestamp"] = now()
        if pod.phase == "Running":
            pod.stop()
        else:
            self.pods.pop(pod.name, None)

    def drain(self, pod: Pod) -> None:
        """Take a pod off its node, as who takes the node away does: its Job stays."""
        with self.lock:
            self._end(pod)

    def end(self) -> None:
        """End every process."""
        with self.lock:
            self.jobs.clear()
            pods = list(self.pods.values())
        for pod in pods:
            pod.signal(signal.SIGKILL)
        for pod in pods:
            if pod.process:
                assert pod.ended.wait(60), f"{pod.name} goes on"


def _field(manifest: Manifest, path: str) -> Any:
    for part in path.split("."):
        manifest = manifest.get(part, {})
    return manifest


def refuse_invalid(body: Manifest) -> None:
    """Refuse a Job that Kubernetes would refuse, as far as schemas, names, labels and mounts go."""
    name = body.get("metadata", {}).get("name", "")
    if problems := schema_problems(body) or list(_problems(body)):
        raise Refusal(422, "Invalid", f'Job.batch "{name}" is invalid: {"; ".join(problems)}')


def _problems(body: Manifest) -> Iterator[str]:
    metadata, template = body["metadata"], body["spec"]["template"]
    if not template.get("spec", {}).get("containers"):
        yield "spec.template.spec.containers: Required value"
        return
    if not NAME.fullmatch(metadata["name"]):
        yield f'metadata.name: Invalid value: "{metadata["name"]}"'
    for labels in (metadata.get("labels", {}), template.get("metadata", {}).get("labels", {})):
        yield from (f'labels: Invalid value: "{value}"' for value in labels.values() if not LABEL.fullmatch(value))
    if template["spec"].get("restartPolicy") != "Never":
        yield "spec.template.spec.restartPolicy: the emulator takes Never"
    volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
    for container in template["spec"]["containers"]:
        mounts = container.get("volumeMounts", [])
        yield from (f'volumeMounts: Not found: "{mount["name"]}"' for mount in mounts if mount["name"] not in volumes)
        if len({mount["mountPath"] for mount in mounts}) < len(mounts):
            yield "volumeMounts: mountPath must be unique"


def schema_problems(body: Manifest) -> list[str]:
    """What the schemas of an older and of the newest version have against an object; nothing, where there are none."""
    if not find_spec("kubernetes_validate"):
        return []
    import kubernetes_validate

    problems = []
    for version in (OLDEST, kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(body, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"{'.'.join(str(part) for part in error.absolute_path)}: {error.message} ({version})")
    return problems


# --- the server ------------------------------------------------------------------------------------------------------


@contextmanager
def serving(cluster: Cluster) -> Iterator[Path]:
    """Serve a cluster's API as long as the context lasts; the file of its certificate is yielded."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                code, answer = _answered(cluster, self.command, self.path, self.headers.get("Authorization", ""), body)
            except Refusal as error:
                code, answer = error.code, error.shown()
            payload = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = _certificate(cluster.folder)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    cluster.address = ("127.0.0.1", server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield certificate
    finally:
        cluster.end()
        server.shutdown()
        server.server_close()


def _answered(cluster: Cluster, method: str, address: str, authorization: str, body: bytes) -> tuple[int, Any]:
    scheme, _, token = authorization.partition(" ")
    account = cluster.tokens.get(token)
    if account is None or scheme.lower() != "bearer":
        raise Refusal(401, "Unauthorized", "Unauthorized")
    url = urlsplit(address)
    if not (parts := PATH.fullmatch(url.path)):
        raise Refusal(404, "NotFound", "the server could not find the requested resource")
    group, namespace, kind, name, below = parts.groups(default="")
    verb = VERBS.get(method) or ("update" if method != "GET" else "get" if name else "list")
    resource = f"{kind}/{below}" if below else kind
    wish = json.loads(body) if body else {}
    return cluster.answer(account, Request(verb, group, namespace, resource, name, dict(parse_qsl(url.query)), wish))


def kubeconfig(cluster: Cluster, certificate: Path, token: str) -> str:
    """The file by which a client outside of the cluster finds it."""
    host, port = cluster.address
    server = {"server": f"https://{host}:{port}", "certificate-authority": str(certificate)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": NAMESPACE}}],
        "current-context": "test",
    }
    return yaml.safe_dump(content)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of loopback that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "ca.crt", folder / "ca.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files[1].write_bytes(key.private_bytes(*private))
    return files
