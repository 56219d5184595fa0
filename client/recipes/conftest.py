"""The browser of the browser tests."""

from pathlib import Path

import pytest

from tests.browser.conftest import browser, page_errors, share_loop

__all__ = ["browser", "page_errors"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have all tests in the event loop of the browser."""
    share_loop(items, Path(__file__).parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
