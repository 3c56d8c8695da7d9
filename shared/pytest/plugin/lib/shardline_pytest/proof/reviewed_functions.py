"""Hook functions of single projects that were reviewed as harmless, though the rules cannot show it.

Identified by the end of their path, and by the text that was reviewed.
"""

from __future__ import annotations

import hashlib
import linecache
import os
from typing import TYPE_CHECKING

from .function_source import source_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from types import CodeType


class ReviewedFunction:
    """`digests` are SHA-256 of the source text. If a line that contains `unless` ran, the review does not apply."""

    def __init__(self, path_end: str, name: str, digests: tuple[str, ...], why: str, unless: str | None = None) -> None:
        self.path_end = path_end
        self.name = name
        self.digests = digests
        self.why = why
        self.unless = unless

    def holds_for(self, code: CodeType, ran: Iterable[int]) -> bool:
        """Does the review apply to this code, with these lines that ran?"""
        if code.co_name != self.name or not code.co_filename.replace(os.sep, "/").endswith("/" + self.path_end):
            return False
        if digest_of(code) not in self.digests:
            return False
        return self.unless is None or not any(self.unless in linecache.getline(code.co_filename, line) for line in ran)


REVIEWED_FUNCTIONS = (
    ReviewedFunction(
        "numpy/conftest.py",
        "pytest_itemcollected",
        (
            "6da72d710c6b3413e507c73c7077d5d62349e94e0f7c658655529b6ec9fb1688",  # numpy 1.26 to 2.3
            "b6d109148ce100b46cc4b142f3074a690ed09286b2bd1ed4927d58dbd60ac3d0",  # numpy 2.4
        ),
        "reads the processor's mode, which the import of a test file would have to change",
        unless="_collect_results[item] =",
    ),
)


def digest_of(code: CodeType) -> str | None:
    text = source_text(code)
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_reviewed_function(code: CodeType, ran: Collection[int] | None) -> bool:
    return any(review.holds_for(code, ran or ()) for review in REVIEWED_FUNCTIONS)
