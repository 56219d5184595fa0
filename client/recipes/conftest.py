"""The browser of the browser tests."""

import pytest

from tests.browser.conftest import browser, page_errors

__all__ = ["browser", "page_errors"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
