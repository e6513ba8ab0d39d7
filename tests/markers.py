"""Why a test cannot run here."""

from __future__ import annotations

import pytest
from filelock import FileLock, SoftFileLock

real_locks = pytest.mark.skipif(
    issubclass(FileLock, SoftFileLock), reason="no locks of the system: a lock file of a dead process still holds"
)
