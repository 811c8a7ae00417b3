"""The dashboard, used in a browser as a person uses it: `make test-ui`."""

import pytest

pytest.register_assert_rewrite("tests.ui.person")
