"""Saying in one sentence what went wrong in code that a learner wrote."""

import linecache
import sys
import traceback
from pathlib import Path

PACKAGE = str(Path(__file__).parents[1])


def what_was_raised(error: BaseException, name: str) -> str:
    """What was raised, and at which line of the learner's own code."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    if not own:
        return f"{name} raised {said}"
    line = own[-1].lineno or 0
    source = linecache.getline(own[-1].filename, line).strip()
    return f"{name} raised {said} (line {line} of its cell" + (f": {source})" if source else ")")


def _is_ours(filename: str) -> bool:
    """Whether a file is part of p2pchat, Python or an installed package; a cell is none of these."""
    installed = "site-packages" in filename or filename.startswith(("<frozen", str(Path(sys.base_prefix, "lib"))))
    return installed or filename.startswith(PACKAGE)
