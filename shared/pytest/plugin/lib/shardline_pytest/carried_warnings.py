"""Warnings on their way from an xdist worker to the controller, where xdist ends the one or the other for a warning that it cannot carry."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from .channel import clean

if TYPE_CHECKING:
    from typing import Any


def cleaned(warning_message: warnings.WarningMessage) -> warnings.WarningMessage:
    """The same warning with texts that execnet can carry, and its message as text only."""
    return warnings.WarningMessage(
        message=clean(str(warning_message.message)),
        category=warning_message.category,
        filename=clean(str(warning_message.filename)),
        lineno=warning_message.lineno,
        line=None if warning_message.line is None else clean(str(warning_message.line)),
    )


def keep_unknown_warnings() -> None:
    """In the controller: shows a warning of a class that cannot be imported or made here, such as one of a test module, under the name of its class."""
    from xdist import workermanage

    rebuild = workermanage.unserialize_warning_message

    def rebuild_or_stand_in(data: dict[str, Any]) -> warnings.WarningMessage:
        try:
            rebuilt: warnings.WarningMessage = rebuild(data)
            return rebuilt
        except Exception:
            return stand_in(data)

    workermanage.unserialize_warning_message = rebuild_or_stand_in


def stand_in(data: dict[str, Any]) -> warnings.WarningMessage:
    category = type(data["category_class_name"] or "Warning", (Warning,), {"__module__": data["category_module"]})
    return warnings.WarningMessage(category(data["message_str"]), category, data["filename"], data["lineno"], line=data["line"])
