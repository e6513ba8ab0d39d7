"""The plugins' files as they come with this installation."""

from __future__ import annotations

from pathlib import Path

from afterframe.app.plugins.hosts import HOSTS
from afterframe.errors import UsageError
from afterframe.system.hashing import sha256_of

SHARED = "shared"
"""The folder in `lrplugin` whose files every plugin carries beside its own."""


def plugin_files(host: str) -> dict[str, Path]:
    """A plugin's files: name in the plugin's folder, with "/" -> where it comes from.

    Args:
        host: a key of HOSTS.
    Raises:
        UsageError: they did not come with this installation.
    """
    root = _root(host)
    folders = [root / SHARED, root / HOSTS[host].source]
    return {
        path.relative_to(folder).as_posix(): path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def checksums(host: str) -> dict[str, str]:
    """A plugin's files: name -> SHA-256.

    Raises:
        UsageError: they did not come with this installation.
    """
    return {name: sha256_of(path) for name, path in plugin_files(host).items()}


def _root(host: str) -> Path:
    """`lrplugin` in the wheel, or in the source tree."""
    package = Path(__file__).parents[2]
    for root in (package / "lrplugin", package.parents[1] / "lrplugin"):
        if (root / HOSTS[host].source / HOSTS[host].entry_file).is_file():
            return root
    raise UsageError(
        f"The plugin for {HOSTS[host].title} did not come with this installation.",
        "Install Afterframe again.",
        code="no_plugin",
    )
