"""The one error that photometa raises on purpose."""

from __future__ import annotations


class MetadataError(Exception):
    """A file cannot be read, or must not be written.

    The file is as it was before the call.
    """

    def __init__(self, message: str, hint: str = "", code: str = "metadata") -> None:
        super().__init__(message)
        self.message = message
        """What is wrong, naming the file, in a photographer's words."""
        self.hint = hint
        """What to do about it."""
        self.code = code
        """For programs: "missing", "unreadable", "empty", "unknown_format", "malformed", "busy" ..."""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[type[MetadataError], tuple[str, str, str]]:
        """Survive pickling through a process pool, with hint and code."""
        return type(self), (self.message, self.hint, self.code)
