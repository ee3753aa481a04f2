"""Where runs work: what dagster.yaml says of it, and that it fits the examples and Dagster's own packages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from gtm_platform.orchestration import instance as module
from gtm_platform.orchestration.instance import prepare
from gtm_platform.settings import SettingsError, settings

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SHARED = {"GTM_DAGSTER_URL": "postgresql://gtm@db/dagster", "GTM_STATE_URL": "postgresql+psycopg://gtm@db/gtm"}

Configured = Callable[..., dict[str, Any]]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    """What `gtm` writes, whatever packages are installed here."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(module, "find_spec", lambda _name: True)

    def prepared(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        prepare()
        written: dict[str, Any] = yaml.safe_load((tmp_path / "dagster/dagster.yaml").read_text())
        return written

    return prepared


def test_runs_are_processes_unless_somebody_says_otherwise(configured: Configured) -> None:
    assert "run_launcher" not in configured()


def test_a_container_gets_the_image_the_home_and_the_network_of_the_example(configured: Configured) -> None:
    written = configured(GTM_RUN_LAUNCHER="docker", GTM_RUN_IMAGE="gtm-platform", **SHARED)
    assert written["run_launcher"] == {
        "module": "gtm_platform.orchestration.docker_launcher",
        "class": "DockerLauncher",
        "config": {
            "image": {"env": "GTM_RUN_IMAGE"},
            "networks": ["gtm"],
            "container_kwargs": {"volumes": ["gtm_home:/gtm/home"], "auto_remove": True},
        },
    }
    assert written["storage"]["custom"]["config"] == {"postgres_url": {"env": "GTM_DAGSTER_URL"}}
    assert written["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}
    compose = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())
    assert compose["volumes"]["home"] == {"name": "gtm_home"}
    assert compose["networks"]["default"] == {"name": "gtm"}
    assert compose["services"]["code"]["environment"]["GTM_HOME"] == "/gtm/home"


def test_a_job_gets_what_the_example_names(configured: Configured) -> None:
    written = configured(GTM_RUN_LAUNCHER="kubernetes", GTM_RUN_IMAGE="gtm-platform", **SHARED)
    launcher = written["run_launcher"]
    assert (launcher["module"], launcher["class"]) == ("dagster_k8s", "K8sRunLauncher")
    config, named = launcher["config"], objects()
    assert config["job_image"] == {"env": "GTM_RUN_IMAGE"}
    assert ("ServiceAccount", config["service_account_name"]) in named
    assert ("ConfigMap", config["instance_config_map"]) in named
    [volume], [mount] = config["volumes"], config["volume_mounts"]
    assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in named
    assert mount == {"name": volume["name"], "mountPath": home_of_image()}
    assert not config["dagster_home"].startswith(home_of_image()), "the map with dagster.yaml is mounted there"
    text = "".join(path.read_text() for path in sorted((EXAMPLES / "kubernetes").glob("*.yaml")))
    assert {f"name: {secret}" in text for secret in config["env_secrets"]} == {True}
    [user] = re.findall(r"^USER (\d+):\d+$", (EXAMPLES / "Dockerfile").read_text(), re.MULTILINE)
    assert config["run_k8s_config"]["pod_spec_config"]["security_context"]["run_as_user"] == int(user)


def objects() -> set[tuple[str, str]]:
    """The kind and the name of everything in the manifests of the examples."""
    documents = [
        document
        for path in sorted((EXAMPLES / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    return {(document["kind"], document["metadata"]["name"]) for document in documents}


def home_of_image() -> str:
    return re.findall(r"GTM_HOME=(\S+)", (EXAMPLES / "Dockerfile").read_text())[0]


def test_options_of_a_persons_own_go_over_those_of_the_platform(configured: Configured, tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text("networks: [other]\ncontainer_kwargs: {mem_limit: 4g}\n")
    options = {"GTM_RUN_OPTIONS": str(tmp_path / "options.yaml"), "GTM_RUN_IMAGE": "gtm-platform"}
    written = configured(GTM_RUN_LAUNCHER="docker", **options, **SHARED)
    assert written["run_launcher"]["config"] == {
        "image": {"env": "GTM_RUN_IMAGE"},
        "networks": ["other"],
        "container_kwargs": {"mem_limit": "4g"},
    }


@pytest.mark.parametrize("text", [None, "- a\n- list\n", "{"])
def test_options_that_cannot_be_read_are_a_sentence(configured: Configured, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "options.yaml").write_text(text)
    options = {"GTM_RUN_OPTIONS": str(tmp_path / "options.yaml"), "GTM_RUN_IMAGE": "gtm-platform"}
    with pytest.raises(SettingsError, match=r"^GTM_RUN_OPTIONS: "):
        configured(GTM_RUN_LAUNCHER="docker", **options, **SHARED)


@pytest.mark.parametrize("lacking", ["GTM_RUN_IMAGE", *SHARED])
@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_hosts_that_share_no_database_are_refused(configured: Configured, kind: str, lacking: str) -> None:
    """SQLite on a folder that hosts share loses what one of them writes."""
    variables = {"GTM_RUN_IMAGE": "gtm-platform", **SHARED}
    del variables[lacking]
    with pytest.raises(SettingsError, match=rf"GTM_RUN_LAUNCHER={kind} needs {lacking}, too"):
        configured(GTM_RUN_LAUNCHER=kind, **variables)


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_without_its_package_it_says_what_to_install(
    configured: Configured, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: not name.startswith(("dagster_docker", "dagster_k8s")))
    with pytest.raises(SettingsError, match=rf"pip install 'gtm-platform\[{kind}\]'"):
        configured(GTM_RUN_LAUNCHER=kind, GTM_RUN_IMAGE="gtm-platform", **SHARED)
    extras = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert re.search(rf"^{kind} = \[", extras, re.MULTILINE)


# --- as Dagster's own packages read it, where they are installed -----------------------------------------------------


def validated(config_type: Any, config: dict[str, Any]) -> bool:
    return bool(dg.validate_run_config(job_with(config_type), {"ops": {"taking": {"config": config}}}))


def job_with(schema: Any) -> dg.JobDefinition:
    """A job whose one op takes what the launcher takes: Dagster checks it as it checks the launcher's."""

    @dg.op(config_schema=schema)
    def taking() -> None: ...

    @dg.job
    def checked() -> None:
        taking()

    return checked


@pytest.mark.parametrize(("kind", "package"), [("docker", "dagster_docker"), ("kubernetes", "dagster_k8s")])
def test_dagster_takes_what_is_written(configured: Configured, kind: str, package: str) -> None:
    pytest.importorskip(package, reason=f"pip install 'gtm-platform[{kind}]'")
    written = configured(GTM_RUN_LAUNCHER=kind, GTM_RUN_IMAGE="gtm-platform", **SHARED)["run_launcher"]
    launcher = getattr(__import__(written["module"], fromlist=[written["class"]]), written["class"])
    assert validated(launcher.config_type(), written["config"])
    with pytest.raises(dg.DagsterInvalidConfigError):
        validated(launcher.config_type(), {**written["config"], "imagee": "misspelt"})
