"""Sources: the suite in ``contract.py`` shows what differs when one of its promises breaks."""

import pytest

pytest.register_assert_rewrite("tests.sources.contract")
