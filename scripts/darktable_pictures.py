#!/usr/bin/env python3
"""Make the pictures of docs/darktable.md in a real darktable, from the demo's photos. Needs what its tests need."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from environment import ROOT, use_venv

TARGET = ROOT / "docs" / "images"
ICONS = {
    "plugins/lighttable/afterframe/expanded": "TRUE",
    "plugins/lighttable/export/expanded": "TRUE",
    "plugins/lighttable/export/storage_name": "afterframe",
    "plugins/lighttable/export/format_name": "jpeg",
    "plugins/lighttable/layout": "1",
    "ui_last/panel_bottom": "0",
    "lighttable/ui/bottom_visible": "FALSE",
}
PICTURES = {"darktable-panel": (0, 0, 1600, 640), "darktable-export": (1300, 290, 1600, 870)}
"""Name -> what is cut out of the screen: left, top, right, bottom."""


def main() -> int:
    """Animate the demo's photos, and take the pictures."""
    use_venv()
    sys.path[:0] = [str(ROOT / "tests" / name) for name in ("hosts", "faults", "")]
    from darktable_host import play

    play(take)
    return 0


def take(_: int) -> None:
    """One try, in a fresh folder."""
    from darktable_host import Darktable, on_a_display, until
    from faults_processes import Afterframe
    from PIL import Image

    from demo_photos import write_photos

    with tempfile.TemporaryDirectory() as root, ExitStack() as stack:
        afterframe = Afterframe(Path(root, "home"))
        afterframe.settings(recipe={"size": [720, 480], "duration_s": 3, "fps": 24})
        photos, config = Path(root, "Photos"), Path(root, "config")
        photos.mkdir()
        config.mkdir()
        write_photos(photos)
        stack.callback(afterframe.serve(photos).end)
        afterframe.ask("plugin", "install", "darktable", "--folder", config)
        environ = {name: value for name, value in os.environ.items() if name != "AFTERFRAME_HOME"}
        display = stack.enter_context(on_a_display(Path(root, "screen")))
        host = Darktable(display, config, settings=ICONS, environ=environ)
        stack.callback(host.close)
        host.lua(f"dt.database.import('{photos}')")
        until(lambda: host.lua("return #dt.database") == "4", "the photos to be imported")
        until(afterframe.idle, "the clips to be made", 300)
        host.lua('dt.gui.action("lua/Afterframe: refresh", 0, "", "", 1.0)')
        until(lambda: host.lua("return #dt.database") == "8", "the posters to be imported")
        host.lua("dt.gui.selection({ dt.database[1], dt.database[3] })")
        host.lua('dt.gui.action("lua/Afterframe: approve clip", 0, "", "", 1.0)')
        host.lua("dt.control.sleep(6000)")
        for name, cut in PICTURES.items():
            Image.fromarray(display.picture()).crop(cut).save(TARGET / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    sys.exit(main())
