"""Warnings between an xdist worker and the controller. xdist crashes one or the other on a warning that it cannot carry."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from .channel import clean

if TYPE_CHECKING:
    from typing import Any


def cleaned(warning_message: warnings.WarningMessage) -> warnings.WarningMessage:
    """A copy of the warning that execnet can carry: clean texts, and the message as text."""
    return warnings.WarningMessage(
        message=clean(str(warning_message.message)),
        category=warning_message.category,
        filename=clean(str(warning_message.filename)),
        lineno=warning_message.lineno,
        line=None if warning_message.line is None else clean(str(warning_message.line)),
    )


def keep_unknown_warnings() -> None:
    """In the controller, accepts warnings whose class cannot be imported or constructed here, such as one of a test module.

    pytest shows such a warning under the name of its class.
    """
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
    """A warning of a new class with the original's name and message."""
    category = type(data["category_class_name"] or "Warning", (Warning,), {"__module__": data["category_module"]})
    return warnings.WarningMessage(category(data["message_str"]), category, data["filename"], data["lineno"], line=data["line"])
