"""What a test does for want of a program: skipped on a desk, a failure where all must run."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def wanting(what: str) -> NoReturn:
    """Say what is missing: as a skip, or as a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
