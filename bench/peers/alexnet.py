"""AlexNet as published, with random weights, as an ONNX file: what all programs are timed on.

The weights are He-initialised from one seed, so that activations keep their size from layer to
layer and errors show. The network ends in a softmax.
"""

import os

import numpy as np

CLASSES = 1000
SIDE = 227
SEED = 2012


def weights():
    """{name: array} of the eight layers."""
    rng = np.random.default_rng(SEED)
    shapes = {
        "conv1": (96, 3, 11, 11), "conv2": (256, 48, 5, 5), "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3), "conv5": (256, 192, 3, 3),
        "fc6": (4096, 9216), "fc7": (4096, 4096), "fc8": (CLASSES, 4096),
    }
    made = {}
    for name, shape in shapes.items():
        deviation = np.sqrt(2 / np.prod(shape[1:]))
        made[name + ".weight"] = (rng.standard_normal(shape, np.float32) * np.float32(deviation))
        made[name + ".bias"] = rng.random(shape[0], np.float32) * np.float32(0.1)
    return made


def pictures(batch):
    """[batch, 3, 227, 227], as after subtracting a mean and dividing by a deviation."""
    rng = np.random.default_rng(SEED + 1)
    return rng.standard_normal((batch, 3, SIDE, SIDE), np.float32)


def _nodes(helper):
    def conv(name, source, kernel, stride, pad, group):
        return helper.make_node("Conv", [source, name + ".weight", name + ".bias"], [name], name,
                                kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4,
                                group=group)

    def relu(source):
        return helper.make_node("Relu", [source], [source + "_relu"], source + "_relu")

    def norm(name, source):  # the paper's alpha belongs to the plain sum, ONNX's to the mean
        return helper.make_node("LRN", [source], [name], name, size=5, alpha=5e-4, beta=0.75,
                                bias=2.0)

    def pool(name, source):
        return helper.make_node("MaxPool", [source], [name], name, kernel_shape=[3, 3],
                                strides=[2, 2])

    def fc(name, source):
        return helper.make_node("Gemm", [source, name + ".weight", name + ".bias"], [name], name,
                                transB=1)

    return [
        conv("conv1", "data", 11, 4, 0, 1), relu("conv1"),
        norm("norm1", "conv1_relu"), pool("pool1", "norm1"),
        conv("conv2", "pool1", 5, 1, 2, 2), relu("conv2"),
        norm("norm2", "conv2_relu"), pool("pool2", "norm2"),
        conv("conv3", "pool2", 3, 1, 1, 1), relu("conv3"),
        conv("conv4", "conv3_relu", 3, 1, 1, 2), relu("conv4"),
        conv("conv5", "conv4_relu", 3, 1, 1, 2), relu("conv5"), pool("pool5", "conv5_relu"),
        helper.make_node("Flatten", ["pool5"], ["flat"], "flat", axis=1),
        fc("fc6", "flat"), relu("fc6"), fc("fc7", "fc6_relu"), relu("fc7"), fc("fc8", "fc7_relu"),
        helper.make_node("Softmax", ["fc8"], ["prob"], "prob", axis=1),
    ]


def write_onnx(path, batch):
    """Writes the network for a fixed batch, once."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    if os.path.exists(path):
        return
    graph = helper.make_graph(
        _nodes(helper), "alexnet",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("prob", TensorProto.FLOAT, [batch, CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in weights().items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path + ".part")
    os.replace(path + ".part", path)
