"""Makes `--log-file` of an xdist worker append to the file.

pytest's main process has emptied it. Without this, every worker that starts empties it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any


class LogFile:
    """Registered before pytest opens the file. Needs the setting log_file_mode of pytest 8.1."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.asked = config.getoption("log_file_mode", None)
        config.option.log_file_mode = "a"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        self.config.option.log_file_mode = self.asked
        plugin: Any = self.config.pluginmanager.get_plugin("logging-plugin")
        if hasattr(plugin, "log_file_mode"):
            # For files that the suite opens with set_log_path.
            plugin.log_file_mode = self.asked or self.config.getini("log_file_mode") or "w"
