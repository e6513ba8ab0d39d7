"""Multipart forms: checked fields and uploaded files, in the same shape as a JSON body."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flask import Request

from afterframe.errors import UsageError
from afterframe.web.problems import NotMultipartError
from afterframe.web.schema import Schema, check

MULTIPART = "multipart/form-data"
FILE: dict[str, Any] = {"type": "string", "format": "binary"}
"""The schema of a part that is a file."""
MAX_PARTS = 100
_NESTED = re.compile(r"(\w+)\[(\w+)\]")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form, not yet kept anywhere."""

    name: str
    """As the sender called it: not to be trusted."""
    stream: IO[bytes]

    def head(self, count: int = 32) -> bytes:
        """The first bytes."""
        self.stream.seek(0)
        return self.stream.read(count)

    def save(self, target: Path) -> None:
        """Write it to a new file.

        Raises:
            OSError: the file exists, or cannot be written.
        """
        self.stream.seek(0)
        with target.open("xb") as file:
            shutil.copyfileobj(self.stream, file, 1 << 20)


def read_form(request: Request, fields: Schema, named: Mapping[str, Schema], max_body: int) -> dict[str, Any]:
    """The fields of a form, each in the type that the schema gives it; ``a[b]`` becomes ``{"a": {"b": ...}}``.

    Args:
        fields: the schema of the form; a part of the form :data:`FILE` comes as an :class:`Upload`.
        named: the schemas that ``$ref`` can name.
        max_body: bytes; one field may be as long, because a picture may come as a data URL.
    Raises:
        NotMultipartError: it says that it is something else.
        UsageError: a field is unknown, given twice, or not what the schema describes.
        RequestEntityTooLarge: it is too long.
    """
    if request.mimetype != MULTIPART:
        raise NotMultipartError(
            "The body must be a multipart form.", "Send the photo as a file, as an HTML form would."
        )
    request.max_content_length = request.max_form_memory_size = max_body
    request.max_form_parts = MAX_PARTS
    properties: Mapping[str, Schema] = fields.get("properties", {})
    form: dict[str, Any] = {}
    for name, values in request.form.lists():
        _put(form, properties, name, values)
    uploads = {name: files for name, files in request.files.lists() if _is_file(properties.get(name, {}))}
    for name in request.files:
        if name not in uploads:
            raise UsageError(f"“{name[:100]}” is not a part that takes a file.", _known(properties), code="unknown_key")
    for name, files in uploads.items():
        if len(files) > 1 or name in form:
            raise UsageError(f"“{name}” is given twice.", "Send one file at a time.")
    check(form | dict.fromkeys(uploads, ""), fields, named)
    return form | {name: Upload(files[0].filename or "", files[0].stream) for name, files in uploads.items()}


def _put(form: dict[str, Any], properties: Mapping[str, Schema], name: str, values: list[str]) -> None:
    nested = _NESTED.fullmatch(name)
    outer, inner = (nested[1], nested[2]) if nested else (name, "")
    if outer not in properties:
        raise UsageError(f"“{name[:100]}” is not a known field.", _known(properties), code="unknown_key")
    schema = properties[outer]
    if not nested and _is_file(schema) and not _takes(schema, "object"):
        raise UsageError(f"“{name}” must be a file.", "Send it with a file name, as an HTML form would.")
    place = form.setdefault(outer, {}) if nested else form
    if len(values) > 1 or not isinstance(place, dict) or (inner or outer) in place:
        raise UsageError(f"“{name[:100]}” is given twice.")
    place[inner or outer] = _typed(values[0], schema.get("properties", {}).get(inner, {}) if nested else schema)


def _typed(text: str, schema: Schema) -> Any:
    """A field's text in the type that its schema asks for; text where it allows that."""
    if _takes(schema, "string") and not _is_file(schema):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text  # the check says what is expected
    return value if schema.get("type") or isinstance(value, bool | int | float) else text


def _takes(schema: Schema, kind: str) -> bool:
    kinds = schema.get("type", ())
    return kind in ([kinds] if isinstance(kinds, str) else kinds)


def _is_file(schema: Schema) -> bool:
    return schema.get("format") == "binary"


def _known(properties: Mapping[str, Schema]) -> str:
    return f"Known here: {', '.join(properties)}."
