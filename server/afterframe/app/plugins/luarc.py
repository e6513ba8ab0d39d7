"""The line in darktable's ``luarc`` that starts the plugin. The file is the user's: all else stays byte for byte."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from pathlib import Path

from afterframe.errors import WrongState
from afterframe.system.files import write_file

LUARC_MARK = b"-- put here by: afterframe plugin install"
LUARC_LINE = (
    b'do local dt = require "darktable"; '
    b'local ok, why = pcall(dofile, dt.configuration.config_dir .. "/afterframe/afterframe.lua"); '
    b"if not ok then dt.print_error(tostring(why)) end end " + LUARC_MARK
)


def luarc_of(folder: Path) -> Path:
    """darktable's luarc in its configuration folder, or the file that it is a link to.

    Raises:
        WrongState: it is not a file.
    """
    luarc = Path(os.path.realpath(folder / "luarc"))  # dotfiles are often links; a loop leads nowhere
    if luarc.is_symlink() or (luarc.exists() and not luarc.is_file()):
        raise WrongState(
            f"{folder / 'luarc'} is not a file; darktable reads its Lua scripts from there.",
            "Move it away, and try again.",
            code="not_ours",
        )
    return luarc


def has_line(folder: Path) -> bool:
    """Whether darktable starts the plugin, by the line of this version."""
    try:
        return LUARC_LINE in luarc_of(folder).read_bytes()
    except (OSError, WrongState):
        return False


def add_line(folder: Path) -> None:
    """Have darktable start the plugin.

    Raises:
        WrongState: the luarc is not a file.
        OSError: it cannot be written.
    """
    _rewrite(folder, _with_line)


def remove_line(folder: Path) -> None:
    """Have darktable no longer start the plugin.

    Raises:
        WrongState: the luarc is not a file.
        OSError: it cannot be written.
    """
    _rewrite(folder, _without_line)


def _rewrite(folder: Path, change: Callable[[bytes], bytes]) -> None:
    luarc = luarc_of(folder)
    before = luarc.read_bytes() if luarc.is_file() else b""
    after = change(before)
    if after == before:
        return
    if not after and luarc == folder.resolve() / "luarc":
        luarc.unlink()
        return
    write_file(luarc, after)


def _with_line(luarc: bytes) -> bytes:
    """First, because a luarc may end with a return."""
    rest = _without_line(luarc)
    mark = codecs.BOM_UTF8 if rest.startswith(codecs.BOM_UTF8) else b""
    ending = b"\r\n" if b"\r\n" in rest else b"\n"
    return mark + LUARC_LINE + ending + rest.removeprefix(mark)


def _without_line(luarc: bytes) -> bytes:
    mark = codecs.BOM_UTF8 if luarc.startswith(codecs.BOM_UTF8) else b""
    lines = luarc.removeprefix(mark).splitlines(keepends=True)
    return mark + b"".join(line for line in lines if LUARC_MARK not in line)
