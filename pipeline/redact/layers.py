"""The tagger's layers as an ONNX graph of whole numbers of 8 bits, run by onnxruntime on one thread.

Whole numbers are not rounded, so a processor's instructions, the order of sums and the company of a text cannot
change a decision. Two places where a runtime could still differ are closed by the bounds of the numbers:

    pairs: processors without VNNI add two products in 16 bits and cut off what is more (vpmaddubsw);
        255 * 64 * 2 = 32640 < 2**15
    requantising: sums of 32 bits go through float32; 3 * width * 255 * 64 + |bias| < 2**23 is within its 24 digits,
        the step is a power of two, and halves are rounded to even

Shapes: L places, C width, K labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession, SessionOptions

DILATIONS = (1, 2, 4)
LAYER_BITS, LAYER_TOP = 7, 64
"""Of the layers' weights: -64 .. 64 in steps of 2**-7."""
ACTIVATION_BITS, ACTIVATION_MAX = 5, 255
"""0 .. 255 in steps of 2**-5."""
SUM_BITS = LAYER_BITS + ACTIVATION_BITS
"""Of a sum of their products, and of what is added to it."""
OPSETS = {"": 21, "com.microsoft": 1}
IR_VERSION = 10
AS_IS = ("one", "zero")
"""Step and zero point of an activation: counted in steps of its own."""


class Layers:
    """Three dilated convolutions, each added to what went in, and the labels' scores."""

    def __init__(self, grid: Mapping[str, NDArray[Any]]) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = as_graph(grid).SerializeToString()
        self.session = InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def logits(self, hidden_LC: NDArray[np.uint8], used_L: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(L, K)

        Args:
            used_L: where words stand; what is not used stays zero behind every layer.
        """
        (logits_1LK,) = self.session.run(None, {"hidden": hidden_LC[None], "used": used_L[None, :, None]})
        scores: NDArray[np.float32] = logits_1LK[0]
        return scores


def as_graph(grid: Mapping[str, NDArray[Any]]) -> ModelProto:
    """`near.*`, `bias.*`, `exit` and `exit_bias` of a tagger's weights as a graph from `hidden` to `logits`."""
    width, labels = grid["exit"].shape
    hidden, nodes, constants = "hidden", list[NodeProto](), _constants(grid)
    for number, dilation in enumerate(DILATIONS):
        nodes += _layer(hidden, number, dilation)
        constants |= {
            f"near.{number}": _kernel(grid[f"near.{number}"]),
            f"bias.{number}": _sums(grid[f"bias.{number}"]),
        }
        hidden = f"hidden.{number}"
    nodes += [
        helper.make_node("MatMulInteger", [hidden, "exit", "zero", "weight_zero"], ["products"]),
        helper.make_node("Add", ["products", "exit_bias"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["whole", "sum_step"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [
            helper.make_tensor_value_info("hidden", TensorProto.UINT8, [1, "L", width]),
            helper.make_tensor_value_info("used", TensorProto.BOOL, [1, "L", 1]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "L", labels])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _layer(hidden: str, number: int, dilation: int) -> Sequence[NodeProto]:
    """ReLU and the upper bound are those of an unsigned number of 8 bits; so is that of the sum."""
    near, added = f"near_sum.{number}", f"added.{number}"
    weights = (f"near.{number}", "weight_step", "weight_zero")
    return [
        helper.make_node(
            "QLinearConv",
            [hidden, *AS_IS, *weights, *AS_IS, f"bias.{number}"],
            [near],
            domain="com.microsoft",
            channels_last=1,
            dilations=[dilation],
            pads=[dilation, dilation],
        ),
        helper.make_node("QLinearAdd", [hidden, *AS_IS, near, *AS_IS, *AS_IS], [added], domain="com.microsoft"),
        helper.make_node("Where", ["used", added, "zero"], [f"hidden.{number}"]),
    ]


def _constants(grid: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        "one": np.array(1, np.float32),
        "zero": np.array(0, np.uint8),
        "weight_zero": np.array(0, np.int8),
        "weight_step": np.array(2.0**-LAYER_BITS, np.float32),
        "sum_step": np.array(2.0**-SUM_BITS, np.float32),
        "exit": grid["exit"].astype(np.int8),
        "exit_bias": _sums(grid["exit_bias"]),
    }


def _kernel(near_3CC: NDArray[Any]) -> NDArray[np.int8]:
    """(out, in, place): weights of the place before, of its own, of the one behind."""
    return np.ascontiguousarray(np.stack(np.split(near_3CC, 3)).transpose(2, 1, 0).astype(np.int8))


def _sums(values: NDArray[Any]) -> NDArray[np.int32]:
    return values.astype(np.int32)
