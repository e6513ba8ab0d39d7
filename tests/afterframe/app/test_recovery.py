from __future__ import annotations

import os
from typing import Any

import cv2

from afterframe.app.daemon import Daemon
from afterframe.config import Config, Home, ServerConfig


def test_the_daemon_leaves_opencv_its_threads(home_of_its_own: os.PathLike[str]) -> None:
    before = cv2.getNumThreads()
    daemon, found = Daemon(Home.find(), Config(server=ServerConfig(port=0))), []

    def ready(*_: Any) -> None:
        found.append(cv2.getNumThreads())
        daemon.stop()

    try:
        cv2.setNumThreads(7)
        daemon.run(ready, lambda event: None)
        assert found == [7]
    finally:
        cv2.setNumThreads(before)
