"""What holds for all tests."""

import pytest

pytest.register_assert_rewrite("tests.support")  # an assertion in a helper tells as much as one in a test
