"""COCO's 80 classes by its supercategories, in the order of their numbers (Lin et al., 2014, arXiv:1405.0312)."""

from __future__ import annotations

VEHICLES = ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat")
OUTDOOR = ("traffic light", "fire hydrant", "stop sign", "parking meter", "bench")
ANIMALS = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
ACCESSORIES = ("backpack", "umbrella", "handbag", "tie", "suitcase")
SPORTS = (
    *("frisbee", "skis", "snowboard", "sports ball", "kite"),
    *("baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket"),
)
KITCHEN = ("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl")
FOOD = ("banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake")
FURNITURE = ("chair", "couch", "potted plant", "bed", "dining table", "toilet")
ELECTRONIC = ("tv", "laptop", "mouse", "remote", "keyboard", "cell phone")
APPLIANCES = ("microwave", "oven", "toaster", "sink", "refrigerator")
INDOOR = ("book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush")
CLASSES = (
    *("person", *VEHICLES, *OUTDOOR, *ANIMALS, *ACCESSORIES, *SPORTS),
    *(*KITCHEN, *FOOD, *FURNITURE, *ELECTRONIC, *APPLIANCES, *INDOOR),
)
