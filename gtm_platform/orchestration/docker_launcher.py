"""Runs in containers: Dagster's own launcher, whose containers get the variables of the process that launches them.

So a key is set in one place, and none is in a file. What is the machine's own stays with it. Dagster loads this module
where GTM_RUN_LAUNCHER is docker; nothing else may import it, as its package is an extra.
"""

import os

import dagster as dg
from dagster_docker import DockerRunLauncher
from dagster_docker.container_context import DockerContainerContext

# What says where things are on a machine, or who is at work there; an image has its own.
OF_MACHINE = {
    *("PATH", "HOME", "HOSTNAME", "USER", "LOGNAME", "SHELL", "SHLVL", "PWD", "OLDPWD", "TMPDIR", "TERM", "_"),
    *("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "JAVA_HOME"),
    *("DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "GTM_RUN_OPTIONS"),
}


class DockerLauncher(DockerRunLauncher):
    """Launch each run in a container that gets this process's variables, but for those of the machine."""

    def get_container_context(self, dagster_run: dg.DagsterRun) -> DockerContainerContext:
        """Add the variables to what is configured; a value that is configured wins."""
        configured = super().get_container_context(dagster_run)
        inherited = DockerContainerContext(env_vars=[name for name in sorted(os.environ) if name not in OF_MACHINE])
        return inherited.merge(configured)
