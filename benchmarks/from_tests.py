"""What the tests have to drive browsers with, for the benchmarks as well."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path += [str(TESTS / "browser"), str(TESTS / "webrtc")]

from in_a_browser import BACK_END, FRONT_END  # noqa: E402
from pyodide_page import PyodideSite, PyodideTab  # noqa: E402
from real_jupyterlab import FIRST_WIDGET, Notebook, find_chromium, launch  # noqa: E402

__all__ = ["BACK_END", "FIRST_WIDGET", "FRONT_END", "Notebook", "PyodideSite", "PyodideTab", "find_chromium", "launch"]
