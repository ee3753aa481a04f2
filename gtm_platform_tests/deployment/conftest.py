"""The services that all tests in containers share; where one fails, what the containers wrote is shown beside it."""

import re
from collections.abc import Generator, Iterator

import pytest

from gtm_platform_tests.deployment.stack import Stack, running, started


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Postgres and a sandbox, and a home in which everything was brought up to date by the command for cron."""
    with running(tmp_path_factory.mktemp("stack")) as stack:
        done = stack.compose("run", "--rm", "-T", "due")
        for what in ("sync_stripe: window .+: [1-9]", "daily_tables: .+: [1-9]", "deliver: .+: [1-9]"):
            assert re.search(f"^{what}", done, re.MULTILINE), done
        yield stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of all containers to a failure."""
    report = yield
    if report.failed:
        report.sections += [("logs of the containers", stack.logs()) for stack in started]
    return report
