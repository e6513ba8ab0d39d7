"""Multipart forms: checked fields and uploaded files, in the same shape as a JSON body."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from flask import Request

from afterframe.errors import UsageError, shortened
from afterframe.formats.json_schema import Schema, check
from afterframe.web.http.errors import FileTooLargeError, NotMultipartError

MULTIPART = "multipart/form-data"
FILE: dict[str, Any] = {"type": "string", "format": "binary"}
"""The schema of a part that is a file."""
MAX_PARTS = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form, not yet saved anywhere."""

    name: str
    """As the sender named it: not to be trusted."""
    stream: IO[bytes]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stream.seek(0, os.SEEK_END)

    def head(self, count: int) -> bytes:
        """The first bytes."""
        self.stream.seek(0)
        return self.stream.read(count)

    def close(self) -> None:
        """Let go of it."""
        self.stream.close()

    def save(self, target: Path) -> None:
        """Write it to a new file.

        Raises:
            OSError: the file exists, or cannot be written.
        """
        self.stream.seek(0)
        with target.open("xb") as file:
            shutil.copyfileobj(self.stream, file, 1 << 20)


def read_form(
    request: Request, fields: Schema, named: Mapping[str, Schema], *, max_body: int, max_file: int
) -> dict[str, Any]:
    """The fields of a form, each in the type that its schema asks for, files as :class:`Upload`.

    Args:
        fields: the schema of the form; a part that is a file has :data:`FILE`.
        named: the schemas that ``$ref`` can name.
        max_body: bytes; one field may be as long, because a picture may come as a data URL.
        max_file: bytes of one file.
    Raises:
        NotMultipartError: its content type is something else.
        UsageError: a field is unknown, given twice, or not what the schema describes.
        RequestEntityTooLarge: it is too long.
        FileTooLargeError: a file is.
    """
    if request.mimetype != MULTIPART:
        raise NotMultipartError(
            "The body must be a multipart form.", "Send the photo as a file, as an HTML form would."
        )
    request.max_content_length = request.max_form_memory_size = max_body
    request.max_form_parts = MAX_PARTS
    known: Mapping[str, Schema] = fields["properties"]
    texts = {name: _typed(_only(name, values), known.get(name, {})) for name, values in request.form.lists()}
    files = {name: _only(name, values) for name, values in request.files.lists()}
    for name in texts.keys() & known.keys():
        if _is_file(known[name]):
            raise UsageError(f"“{name}” must be a file.", "Send it with a file name, as an HTML form would.")
    for name in files.keys() & known.keys():
        if not _is_file(known[name]):
            raise UsageError(f"“{name}” must be text, not a file.", "Send it without a file name.")
    check(texts | dict.fromkeys(files, ""), fields, named)
    uploads = {name: Upload(file.filename or "", file.stream) for name, file in files.items()}
    for upload in uploads.values():
        if upload.size > max_file:
            raise FileTooLargeError(
                f"{shortened(upload.name)} has {upload.size / 1e6:.0f} MB; at most {max_file / 1e6:.0f} MB are taken.",
                "Export it smaller, or raise limits.upload_mb in config.toml.",
            )
    return texts | uploads


def _only(name: str, values: list[T]) -> T:
    if len(values) > 1:
        raise UsageError(f"“{name[:100]}” is given twice.", "Send one at a time.")
    return values[0]


def _typed(text: str, schema: Schema) -> Any:
    kinds = schema.get("type", "string")
    if "string" in kinds:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the check says what is expected


def _is_file(schema: Schema) -> bool:
    return schema.get("format") == "binary"
