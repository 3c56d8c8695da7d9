"""Hook functions of single projects that are harmless though the rules cannot show it: known by the end of their path and by the text that was read."""

import hashlib
import os

from .function_source import source_text

# (end of the path, function) → SHA-256 of the source text → why.
REVIEWED_FUNCTIONS = {
    ("numpy/conftest.py", "pytest_itemcollected"): {},
}


def digest_of(code):
    text = source_text(code)
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_reviewed_function(code):
    path = code.co_filename.replace(os.sep, "/")
    for (end, name), digests in REVIEWED_FUNCTIONS.items():
        if name == code.co_name and path.endswith("/" + end):
            return digest_of(code) in digests
    return False
