"""Small ONNX models, written byte by byte: a net that always gives the same output.

Format: onnx.proto3 of the ONNX repository, protocol buffers' wire format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def constant_net(outputs: Mapping[str, np.ndarray]) -> bytes:
    """A model with an input "input" (1, 3, any, any) that ignores it but for its sum times 0."""
    nodes, tensors = [], []
    nodes.append(_node("ReduceSum", ["input"], ["sum"], keepdims=0))
    nodes.append(_node("Mul", ["sum", "zero"], ["nothing"]))
    tensors.append(_tensor("zero", np.zeros((1,), np.float32)))
    for name, values in outputs.items():
        tensors.append(_tensor(f"{name}_values", values))
        nodes.append(_node("Add", [f"{name}_values", "nothing"], [name]))
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"constant")
    graph += b"".join(_bytes(5, tensor) for tensor in tensors)
    graph += _bytes(11, _value("input", (1, 3, 416, 416)))
    graph += b"".join(_bytes(12, _value(name, values.shape)) for name, values in outputs.items())
    opset = _bytes(1, b"") + _number(2, 11)
    return _number(1, 6) + _bytes(7, graph) + _bytes(8, opset)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int) -> bytes:
    data = b"".join(_bytes(1, name.encode()) for name in inputs)
    data += b"".join(_bytes(2, name.encode()) for name in outputs)
    data += _bytes(3, f"{kind}_{outputs[0]}".encode()) + _bytes(4, kind.encode())
    for name, value in attributes.items():
        data += _bytes(5, _bytes(1, name.encode()) + _number(3, value) + _number(20, 2))
    return data


def _tensor(name: str, values: np.ndarray) -> bytes:
    data = b"".join(_number(1, side) for side in values.shape)
    return data + _number(2, 1) + _bytes(8, name.encode()) + _bytes(9, values.astype("<f4").tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    sides = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, sides)))
