"""Labels for Exif's numeric values (Exif 3.0, 4.6.6), and tables that the standard leaves to readers."""

from __future__ import annotations

METERING = {
    1: "average",
    2: "center-weighted average",
    3: "spot",
    4: "multi-spot",
    5: "pattern",
    6: "partial",
}
LIGHT_SOURCE = {
    1: "daylight",
    2: "fluorescent",
    3: "tungsten",
    4: "flash",
    9: "fine weather",
    10: "cloudy",
    11: "shade",
    12: "daylight fluorescent",
    13: "day white fluorescent",
    14: "cool white fluorescent",
    15: "white fluorescent",
    16: "warm white fluorescent",
    17: "standard light A",
    18: "standard light B",
    19: "standard light C",
    20: "D55",
    21: "D65",
    22: "D75",
    23: "D50",
    24: "tungsten",
}
EXPOSURE_PROGRAM = {
    1: "manual",
    2: "normal",
    3: "aperture priority",
    4: "shutter priority",
    5: "creative",
    6: "action",
    7: "portrait",
    8: "landscape",
}
SCENE = {1: "landscape", 2: "portrait", 3: "night"}
SENSOR_WIDTHS_MM = ((4, 9.6), (12.4, 13.6), (16.8, 18.9), (21.5, 24.3), (27, 29.5), (34.5, 36.5), (43, 54))
"""Compacts, 1 inch, Four Thirds, APS-C, APS-H, full frame, medium format."""
COLOUR_SPACE = {1: "sRGB", 2: "Adobe RGB"}
NO_CAPTION = {
    "olympus digital camera",
    "konica minolta digital camera",
    "minolta digital camera",
    "sony dsc",
    "samsung",
    "default",
    "digital camera",
    "exif_jpeg_picture",
    "exif jpeg",
    "dcim",
    "dcim100media",
    "image description",
    "imagedescription",
    "untitled",
    "my beautiful picture",
    "null",
    "minolta dsc",
    "kodak digital still camera",
    "kodak action cam",
}
"""What cameras write into ImageDescription by default."""
