"""The plugins for Lightroom Classic and darktable: where they belong, installed, upgraded, removed."""

from __future__ import annotations

from afterframe.app.plugins.hosts import HOSTS, host_folders
from afterframe.app.plugins.installation import Plugin, inspect_everywhere, inspect_plugin, install, remove
from afterframe.app.plugins.luarc import LUARC_LINE
from afterframe.app.plugins.source import plugin_files
from afterframe.app.plugins.store_python import redirected

__all__ = [
    "HOSTS",
    "LUARC_LINE",
    "Plugin",
    "host_folders",
    "inspect_everywhere",
    "inspect_plugin",
    "install",
    "plugin_files",
    "redirected",
    "remove",
]
