"""Containers of Jobs as processes of this host, for the emulator of the Kubernetes API.

A container's command runs with the variables of the image of docs/examples, those of `envFrom` and `env` over them, and
nothing else of the test but PATH and PYTHONPATH, in place of what the image has installed. A folder is the root of its
file system: what volumes mount is linked into it, and a variable that is a path of the image or of a mount is that path
below the folder. Where it may be (Linux namespaces), it has the name of its pod, no network, and process numbers of its
own, of which its command has the first. No image is read here, and users and limits are not applied.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gtm_platform_tests.e2e.home import REPOSITORY
from gtm_platform_tests.orchestration.hosts import apart, are_apart

Manifest = dict[str, Any]
Objects = Mapping[tuple[str, str], Manifest]  # by kind and name

DOCKERFILE = REPOSITORY / "docs/examples/Dockerfile"
GRACE = 30  # seconds between SIGTERM and SIGKILL, where a pod says nothing else


def now() -> str:
    """The time, as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def image_environment() -> dict[str, str]:
    """The variables of the image, but for where its programs are."""
    [words] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    variables = dict(word.split("=", 1) for word in shlex.split(words.replace("\\\n", " ")))
    return {name: value for name, value in variables.items() if name != "PATH"}


def image_entrypoint() -> list[str]:
    """What the image puts before the arguments of a container."""
    return [
        word
        for line in re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE.read_text(), re.MULTILINE)
        for word in json.loads(line)
    ]


def declared_environment(container: Manifest, objects: Objects) -> dict[str, str]:
    """The variables that a container declares; KeyError names the object that is missing."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind, reference = _reference(source)
        variables |= _data(objects[kind, reference["name"]])
    for entry in container.get("env", []):
        if "valueFrom" in entry:
            kind, reference = _reference(entry["valueFrom"])
            variables[entry["name"]] = _data(objects[kind, reference["name"]])[reference["key"]]
        else:
            variables[entry["name"]] = entry.get("value", "")
    return variables


def _reference(source: Manifest) -> tuple[str, Manifest]:
    """The kind of what a source of variables names, and where in it they are."""
    [(name, reference)] = source.items()
    kinds = {
        "secretRef": "Secret",
        "secretKeyRef": "Secret",
        "configMapRef": "ConfigMap",
        "configMapKeyRef": "ConfigMap",
    }
    return kinds[name], reference


def _data(manifest: Manifest) -> dict[str, str]:
    return manifest.get("stringData", {}) | manifest.get("data", {})


@dataclass
class Pod:
    """A pod of one container, and the process of it."""

    manifest: Manifest
    folder: Path
    problem: tuple[str, str] | None = None  # the reason why its container does not start, with a sentence
    process: "subprocess.Popen[bytes] | None" = None
    ended: threading.Event = field(default_factory=threading.Event)
    times: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def log(self) -> Path:
        """What its container wrote."""
        return self.folder / "log"

    @property
    def phase(self) -> str:
        """As the API names it."""
        if self.process is None:
            return "Pending"
        if not self.ended.is_set():
            return "Running"
        return "Failed" if self.process.returncode else "Succeeded"

    @property
    def is_at_work(self) -> bool:
        """Whether its Job counts it as active."""
        return self.phase in ("Pending", "Running") and "deletionTimestamp" not in self.manifest["metadata"]

    def start(self, environment: Mapping[str, str], claims: Path, objects: Objects) -> None:
        """Begin with the command of its container."""
        [container] = self.manifest["spec"]["containers"]
        declared = image_environment() | declared_environment(container, objects)
        root = self.folder / "root"
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        self._mount(container, root, claims, objects)
        own = [*mounts, *(value for value in image_environment().values() if value.startswith("/"))]
        inside = {name: f"{root}{value}" if _is_below(value, own) else value for name, value in declared.items()}
        installed = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
        command = [*container.get("command", image_entrypoint()), *container.get("args", [])]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                apart(self.name, command) if are_apart() else command,
                env={**installed, **environment, "HOSTNAME": self.name, **inside},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.times["startedAt"] = now()

    def _mount(self, container: Manifest, root: Path, claims: Path, objects: Objects) -> None:
        """Link what the volumes are to where the container mounts them."""
        root.mkdir(parents=True)
        volumes = {volume["name"]: volume for volume in self.manifest["spec"].get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            place, volume = root / mount["mountPath"].lstrip("/"), volumes[mount["name"]]
            if "persistentVolumeClaim" in volume:
                source = claims / volume["persistentVolumeClaim"]["claimName"]
            else:
                source = self.folder / "volumes" / volume["name"]
                source.mkdir(parents=True, exist_ok=True)
                for name, text in _data(objects["ConfigMap", volume["configMap"]["name"]]).items():
                    (source / name).write_text(text)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source / mount.get("subPath", ""))

    def note_end(self) -> None:
        """Note that its process has ended."""
        self.times["finishedAt"] = now()
        self.ended.set()

    def signal(self, number: signal.Signals) -> None:
        """Send its processes a signal; there may be none left."""
        if self.process and not self.ended.is_set():
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Ask its process to end, and kill it where it does not."""
        self.signal(signal.SIGTERM)
        grace = self.manifest["spec"].get("terminationGracePeriodSeconds", GRACE)

        def kill_late() -> None:
            if not self.ended.wait(grace):
                self.signal(signal.SIGKILL)

        threading.Thread(target=kill_late, daemon=True).start()

    def shown(self) -> Manifest:
        """The pod as the API shows it."""
        [container] = self.manifest["spec"]["containers"]
        status = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
        status |= {"ready": self.phase == "Running", "state": self._state()}
        return self.manifest | {"status": {"phase": self.phase, "containerStatuses": [status]}}

    def _state(self) -> Manifest:
        if self.process is None:
            reason, message = self.problem or ("ContainerCreating", "")
            return {"waiting": {"reason": reason, "message": message}}
        if not self.ended.is_set():
            return {"running": self.times}
        code = self.process.returncode
        return {
            "terminated": {
                "exitCode": code if code >= 0 else 128 - code,
                "reason": "Error" if code else "Completed",
                **self.times,
            }
        }


def _is_below(value: str, folders: list[str]) -> bool:
    """Whether a value is a path below the first folder of some paths."""
    tops = {"/" + folder.split("/")[1] for folder in folders}
    return any(value == top or value.startswith(f"{top}/") for top in tops)
