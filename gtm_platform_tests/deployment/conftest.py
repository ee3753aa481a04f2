"""Where a test in containers fails, what they wrote is shown beside it."""

from collections.abc import Generator

import pytest

from gtm_platform_tests.deployment.stack import started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of all containers to a failure."""
    report = yield
    if report.failed:
        report.sections += [("logs of the containers", stack.logs()) for stack in started]
    return report
