"""A recipe as JSON Schema: what the API gives, and what a sidecar must hold.

The ranges are wider than those of the settings: a model's grid, or a later version, may go beyond what a person may ask
for. They keep out what no clip can have.
"""

from __future__ import annotations

from typing import Any

from afterframe.domain import CameraMovement, Direction, PhotoType, Quality

LARGEST_SEED = 2**62
"""SQLite's integers end a little above."""
_TEXT = {"type": "string"}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_SIDE = {"type": "integer", "minimum": 1, "maximum": 32_768}

RECIPE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "photo_type": {"type": "string", "enum": [str(kind) for kind in PhotoType]},
        "prompt": _TEXT,
        "negative_prompt": _TEXT,
        "motion_intensity": _SHARE,
        "style_consistency": _SHARE,
        "camera_movement": {"type": "string", "enum": [str(movement) for movement in CameraMovement]},
        "duration_s": {"type": "number", "minimum": 0, "maximum": 86_400},
        "fps": {"type": "integer", "minimum": 1, "maximum": 1000},
        "size": {
            "type": "array",
            "items": _SIDE,
            "minItems": 2,
            "maxItems": 2,
            "description": "Width and height, pixels.",
        },
        "loop": {"type": "boolean"},
        "direction": {"type": "string", "enum": [str(direction) for direction in Direction]},
        "quality": {"type": "string", "enum": [str(quality) for quality in Quality]},
        "seed": {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED},
        "variants": {"type": "integer", "minimum": 1, "maximum": 1000},
        "takes": {"type": "integer", "minimum": 1, "maximum": 1000},
        "exact_photo": {"type": "boolean"},
        "end_photo": {"type": "string", "description": "Path of the photo that the clip ends with."},
        "extends": {"type": "string", "maxLength": 100, "description": "The id of the clip that it begins with."},
        "because": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": _TEXT},
            "description": "Setting -> its reasons.",
        },
    },
    "additionalProperties": False,
}
RECIPE["required"] = list(RECIPE["properties"])
