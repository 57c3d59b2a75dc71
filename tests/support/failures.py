"""Whether a test has failed, for the fixtures that clean up behind it; `pytest_runtest_makereport` notes it."""

import pytest

failed = pytest.StashKey[bool]()
