"""Texts that others wrote, file names above all, as one line: no new line is forged, no terminal is steered."""

from __future__ import annotations


def printable(text: object) -> str:
    """The text with every character that does not print (line ends, escapes, text direction) written as its number."""
    return "".join(letter if letter.isprintable() else _number(letter) for letter in str(text))


def _number(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
