#!/usr/bin/env python3
"""Writes onnx/*: small models as exporters write them, and what ONNX Runtime computes with them. Needs
the packages onnx, onnxruntime and ml_dtypes:

    python3 -m venv VENV && VENV/bin/pip install onnx onnxruntime ml_dtypes
    VENV/bin/python make_onnx.py

NAME.onnx is a model, NAME.out its probabilities as float32 for the input whose value i, from 0, is
((37 i + 11) mod 101 - 50) / 50. tests/test_onnx.c compares them.
"""
import pathlib

import ml_dtypes
import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "onnx"


class Graph:
    """Nodes one after the other, with their weights."""

    def __init__(self, seed, shape):
        self.random = numpy.random.default_rng(seed)
        self.shape, self.nodes, self.weights, self.at = shape, [], [], "data_0"

    def weight(self, name, *shape, store=None):
        scale = numpy.sqrt(2 / max(1, numpy.prod(shape[1:])))
        values = self.random.normal(0.1 if len(shape) == 1 else 0, scale if len(shape) > 1 else 0.1,
                                    shape).astype(numpy.float32)
        return self.constant(name, values, store)

    def constant(self, name, values, store=None):
        self.weights.append((store or numpy_helper.from_array)(values, name))
        return name

    def add(self, op, *inputs, outputs=None, **attributes):
        outputs = outputs or [f"{op.lower()}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(op, [self.at, *inputs], outputs, **attributes))
        self.at = outputs[0]
        return self

    def side(self, op, *inputs, **attributes):
        """A node beside the chain; returns what it writes."""
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def model(self, opset, name, ir=8, old=False):
        inputs = [helper.make_tensor_value_info("data_0", TensorProto.FLOAT, self.shape)]
        if old:  # initializers are inputs, too
            inputs += [helper.make_tensor_value_info(w.name, w.data_type, w.dims)
                       for w in self.weights]
        outputs = [helper.make_tensor_value_info(self.at, TensorProto.FLOAT, None)]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.weights)
        return helper.make_model(graph, producer_name="golden", ir_version=ir,
                                 opset_imports=[helper.make_opsetid("", opset)])


def zoo(opset):
    """The model zoo's AlexNet, with few channels: opset 9 as it is there, and 3 as it was before."""
    g = Graph(2012, [1, 3, 79, 79])
    old = opset < 7
    gemm = {"transB": 1, **({"broadcast": 1} if old else {})}
    norm = {"size": 5, "alpha": 0.01, "beta": 0.75, "bias": 1.0}
    pool = {"kernel_shape": [3, 3], "strides": [2, 2]}

    def conv(n, shape, **attributes):
        g.add("Conv", g.weight(f"conv{n}_w_0", *shape), g.weight(f"conv{n}_b_0", shape[0]),
              kernel_shape=list(shape[2:]), **attributes)
        g.add("Relu")

    def fc(n, shape):
        g.add("Gemm", g.weight(f"fc{n}_w_0", *shape), g.weight(f"fc{n}_b_0", shape[0]), **gemm)

    def dropout():
        g.add("Dropout", outputs=[f"drop_{len(g.nodes)}", f"mask_{len(g.nodes)}"], ratio=0.5,
              **({"is_test": 1} if old else {}))

    conv(1, (96 if opset == 9 else 4, 3, 3, 3), strides=[4, 4])
    g.add("LRN", **norm).add("MaxPool", **pool)
    conv(2, (6, 48 if opset == 9 else 2, 3, 3), pads=[1, 1, 1, 1], group=2)
    g.add("LRN", **norm).add("MaxPool", **pool)
    conv(3, (8, 6, 3, 3), pads=[1, 1, 1, 1])
    conv(4, (8, 4, 3, 3), pads=[1, 1, 1, 1], group=2)
    conv(5, (6, 4, 3, 3), pads=[1, 1, 1, 1], group=2)
    g.add("MaxPool", pads=[0, 0, 1, 1], **pool)
    if old:
        g.add("Reshape", shape=[1, 24])
    else:
        g.add("Reshape", g.constant("OC2_DUMMY_1", numpy.array([1, 24], numpy.int64)))
    fc(6, (10, 24))
    g.add("Relu")
    dropout()
    fc(7, (8, 10))
    g.add("Relu")
    dropout()
    fc(8, (5, 8))
    g.add("Softmax")
    return g.model(opset, "bvlc_alexnet", ir=3, old=True)


def stored(store):
    """Weights of another type, cast to float by the graph, or written another way."""
    g = Graph(7, [1, 3, 12, 10])

    def weight(*shape):
        name = g.weight(f"w{len(g.weights)}", *shape, store=store)
        if g.weights[-1].data_type == TensorProto.FLOAT:
            return name
        return g.side("Cast", name, to=TensorProto.FLOAT)

    g.add("Conv", weight(4, 3, 3, 2), weight(4), strides=[2, 1]).add("Relu").add("Flatten")
    g.add("Gemm", weight(5, 4 * 5 * 9), weight(5), transB=1).add("Softmax")
    return g.model(17, "stored")


def as_type(dtype):
    return lambda values, name: numpy_helper.from_array(values.astype(dtype), name)


def typed(kind):
    def store(values, name):
        if kind in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
            dtype = numpy.float16 if kind == TensorProto.FLOAT16 else ml_dtypes.bfloat16
            tensor = TensorProto(name=name, data_type=kind, dims=values.shape)
            tensor.int32_data.extend(values.astype(dtype).view(numpy.uint16).ravel().tolist())
            return tensor
        return helper.make_tensor(name, kind, values.shape, values.ravel().tolist())
    return store


def exported():
    """What an export of a network with batch normalisation looks like, and all kinds of padding."""
    g = Graph(17, ["batch", 3, 41, 37])
    g.add("Conv", g.weight("features.0.weight", 8, 3, 5, 3), auto_pad="SAME_UPPER", strides=[2, 3])
    for name, low, high in [("gamma", 0.5, 2), ("beta", -1, 1), ("mean", -1, 1), ("var", 0.1, 3)]:
        g.constant(name, g.random.uniform(low, high, 8).astype(numpy.float32))
    g.add("BatchNormalization", "gamma", "beta", "mean", "var", epsilon=1e-3).add("Relu")
    g.add("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1)
    g.add("Conv", g.weight("features.4.weight", 6, 4, 3, 3), g.weight("features.4.bias", 6), group=2,
          dilations=[2, 1], pads=[2, 1, 1, 0])
    g.add("BatchNormalization", *[g.constant(n, g.random.uniform(0.5, 2, 6).astype(numpy.float32))
                                  for n in ("gamma2", "beta2", "mean2", "var2")])
    g.add("Clip", g.constant("zero", numpy.array(0, numpy.float32)))
    g.add("MaxPool", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER")
    g.add("LRN", size=3, alpha=0.5, beta=0.5, bias=2.0)
    g.add("AveragePool", kernel_shape=[1, 1]).add("Identity").add("Flatten", axis=1)
    # The size of the flattened maps follows from shapes.
    probe = onnx.shape_inference.infer_shapes(g.model(17, "probe"))
    shape = {v.name: v.type.tensor_type.shape.dim for v in probe.graph.value_info}
    shape.update({v.name: v.type.tensor_type.shape.dim for v in probe.graph.output})
    inputs = shape[g.at][1].dim_value
    g.add("Gemm", g.weight("w1", inputs, 9), g.constant("c1", numpy.array([0.25], numpy.float32)),
          alpha=0.5, beta=2.0)
    g.add("Relu").add("Dropout", g.constant("ratio", numpy.array(0.25, numpy.float32)))
    g.add("MatMul", g.weight("w2", 9, 7)).add("Add", g.weight("b2", 7)).add("Relu")
    g.add("MatMul", g.side("Transpose", g.weight("w3", 5, 7), perm=[1, 0])).add("LogSoftmax")
    return g.model(17, "exported")


def quantised():
    """int8 weights that are dequantised where they are used."""
    g = Graph(8, [1, 3, 9, 9])

    def weight(name, shape, per_channel):
        values = g.random.normal(0, numpy.sqrt(2 / numpy.prod(shape[1:])), shape)
        axes = tuple(range(1, len(shape)))
        scale = numpy.abs(values).max(axes if per_channel else None, keepdims=True) / 127
        q = numpy.round(values / scale).astype(numpy.int8)
        scale = scale.astype(numpy.float32).reshape(-1 if per_channel else ())
        return g.side("DequantizeLinear", g.constant(name, q), g.constant(name + "_scale", scale),
                      g.constant(name + "_zero", numpy.zeros(scale.shape, numpy.int8)),
                      **({"axis": 0} if per_channel else {}))

    bias = g.side("DequantizeLinear", g.constant("b", numpy.arange(-2, 2, dtype=numpy.int32) * 1000),
                  g.constant("b_scale", numpy.array(0.0003, numpy.float32)))
    g.add("Conv", weight("w", (4, 3, 3, 3), True), bias).add("Relu").add("Flatten")
    g.add("Gemm", weight("f", (5, 196), False), transB=1).add("Softmax")
    return g.model(13, "quantised")


def filled():
    """Weights that are one value, as in the light models of ONNX's own tests."""
    g = Graph(1, [1, 1, 6, 6])

    def fill(name, *shape):
        dims = g.constant(name, numpy.array(shape, numpy.int64))
        value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.02])
        return g.side("ConstantOfShape", dims, value=value)

    g.add("Conv", fill("c", 2, 1, 3, 3), fill("d", 2)).add("Relu")
    constant = helper.make_tensor("v", TensorProto.INT64, [2], [0, -1])
    g.add("Reshape", g.side("Constant", value=constant))
    g.add("Gemm", fill("e", 4, 32), fill("f", 4), transB=1).add("Softmax", axis=1)
    return g.model(9, "filled", ir=4)


def towers(how):
    """The network of the paper in small, as its two GPUs had it: conv1 of each tower reads the
    picture, conv2, conv4 and conv5 their own tower's half, conv3 both."""
    g = Graph(1912, [1, 3, 39, 39])
    pool = {"kernel_shape": [3, 3], "strides": [2, 2]}

    def conv(source, n, tower, shape, **attributes):
        name = f"conv{n}_{tower}"
        if how == "split":  # as a list of constants that come where they are needed
            g.side("Identity", g.weight(name + "_w0", *shape))
            weight = g.nodes[-1].output[0]
        else:
            weight = g.weight(name + "_w", *shape)
        bias = g.weight(name + "_b", shape[0])
        out = g.side("Conv", source, weight, bias, **attributes)
        return g.side("Relu", out)

    def part(source, tower, half):
        if how != "slice":
            return None
        numbers = [g.constant(f"{source}_{tower}_{i}", numpy.array([v], numpy.int64))
                   for i, v in enumerate((tower * half, (tower + 1) * half if not tower else 2**62, 1))]
        return g.side("Slice", source, *numbers)

    def halves(source, half):
        if how == "slice":
            return [part(source, tower, half) for tower in range(2)]
        node = helper.make_node("Split", [source], [source + "_0", source + "_1"], axis=1)
        g.nodes.append(node)
        return list(node.output)

    def join(parts):
        return g.side("Concat", *parts, axis=1)

    both = [conv("data_0", 1, t, (4, 3, 5, 5), strides=[2, 2]) for t in range(2)]
    g.at = join([g.side("MaxPool", x, **pool) for x in both])
    g.add("LRN", size=5, alpha=0.01, beta=0.75, bias=2.0)
    both = [conv(x, 2, t, (6, 4, 3, 3), pads=[1, 1, 1, 1]) for t, x in enumerate(halves(g.at, 4))]
    g.at = join(both)
    g.add("MaxPool", **pool)
    g.add("Conv", g.weight("conv3_w", 8, 12, 3, 3), g.weight("conv3_b", 8), pads=[1, 1, 1, 1])
    g.add("Relu")
    both = [conv(x, 4, t, (4, 4, 3, 3), pads=[1, 1, 1, 1]) for t, x in enumerate(halves(g.at, 4))]
    both = [conv(x, 5, t, (2, 4, 3, 3), pads=[1, 1, 1, 1]) for t, x in enumerate(both)]
    g.at = join([g.side("MaxPool", x, **pool) for x in both])
    g.add("Flatten").add("Gemm", g.weight("fc_w", 5, 4), g.weight("fc_b", 5), transB=1)
    g.add("Softmax")
    return g.model(13 if how == "slice" else 11, "towers")


def paper():
    """The same with the normalisations where the two GPUs had them: each over its own tower's
    channels. Batch normalisation and biases that are added belong to towers, too; conv3 of each tower
    reads both."""
    g = Graph(2006, [1, 3, 43, 43])
    norm = {"size": 5, "alpha": 2.0, "beta": 0.75, "bias": 1.0}
    pool = {"kernel_shape": [3, 3], "strides": [2, 2]}

    def batch_norm(x, n, tower, channels):
        ranges = ("gamma", 0.5, 2), ("beta", -0.5, 0.5), ("mean", -1, 1), ("var", 0.2, 3)
        values = [g.constant(f"bn{n}_{tower}_{name}",
                             g.random.uniform(low, high, channels).astype(numpy.float32))
                  for name, low, high in ranges]
        return g.side("BatchNormalization", x, *values, epsilon=1e-3)

    def first(tower):
        x = g.side("Conv", "data_0", g.weight(f"w1_{tower}", 6, 3, 5, 5), strides=[2, 2])
        x = g.side("Relu", batch_norm(x, 1, tower, 6))
        x = g.side("MaxPool", g.side("LRN", x, **norm), **pool)
        x = g.side("Conv", x, g.weight(f"w2_{tower}", 10, 6, 3, 3), pads=[1, 1, 1, 1])
        bias = g.weight(f"b2_{tower}", 10, 1, 1)
        x = g.side("Add", *((bias, x) if tower else (x, bias)))
        return g.side("MaxPool", g.side("LRN", g.side("Relu", x), **norm), **pool)

    def second(tower, x):
        x = g.side("Conv", x, g.weight(f"w3_{tower}", 6, 20, 3, 3), g.weight(f"b3_{tower}", 6))
        x = g.side("Relu", batch_norm(x, 3, tower, 6))
        x = g.side("Conv", x, g.weight(f"w4_{tower}", 4, 6, 1, 1), g.weight(f"b4_{tower}", 4))
        return g.side("LRN", x, **{**norm, "size": 3})

    both = g.side("Concat", *[first(t) for t in range(2)], axis=1)
    g.at = g.side("Concat", *[second(t, both) for t in range(2)], axis=1)
    g.add("Relu").add("Flatten").add("Gemm", g.weight("fc_w", 5, 8 * 4), g.weight("fc_b", 5), transB=1)
    g.add("Softmax")
    return g.model(13, "paper")


def mobile(opset):
    """ReLU6, averages of all kinds, and a global one."""
    g = Graph(6, [1, 3, 23, 19])
    limits = () if opset < 11 else tuple(
        g.constant(n, numpy.array(v, numpy.float32)) for n, v in (("low", 0), ("high", 6)))
    clip = {"min": 0.0, "max": 6.0} if opset < 11 else {}
    ceil = {"ceil_mode": 1} if opset >= 10 else {}
    g.add("Conv", g.weight("w1", 6, 3, 3, 3), g.constant("b1", numpy.full(6, 4, numpy.float32)))
    g.add("Clip", *limits, **clip)
    g.add("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], **ceil)
    g.add("AveragePool", kernel_shape=[2, 3], strides=[1, 2], pads=[1, 1, 0, 1], count_include_pad=1)
    g.add("MaxPool", kernel_shape=[2, 2]).add("Clip", *limits, **clip)
    g.add("AveragePool", kernel_shape=[2, 2], auto_pad="SAME_UPPER")
    g.add("Conv", g.weight("w2", 5, 6, 1, 1), g.weight("b2", 5))
    g.add("GlobalAveragePool").add("Flatten").add("Softmax")
    return g.model(opset, "mobile")


def channels_last():
    """As exporters from TensorFlow write: pictures, and what is flattened, in [N, H, W, C]."""
    g = Graph(11, [1, 10, 9, 3])
    g.add("Transpose", perm=[0, 3, 1, 2])
    weight = g.side("Transpose", g.weight("w1", 3, 2, 3, 4), perm=[3, 2, 0, 1])
    g.add("Conv", weight, g.weight("b1", 4)).add("Transpose", perm=[0, 2, 3, 1]).add("Relu")
    g.add("Reshape", g.constant("shape", numpy.array([-1, 8 * 8 * 4], numpy.int64)))
    g.add("MatMul", g.weight("w2", 8 * 8 * 4, 6)).add("Add", g.weight("b2", 6)).add("Relu")
    g.add("Gemm", g.weight("w3", 6, 5), g.weight("b3", 1, 5)).add("Softmax")
    return g.model(18, "channels_last")


def gemm_forms(opset):
    """Gemm with transB, alpha and beta and each form of C; MatMul and Add with the bias first."""
    g = Graph(3, [1, 3, 3, 2])
    g.add("Flatten").add("Transpose", perm=[1, 0])
    g.add("Gemm", g.weight("w1", 8, 18), g.weight("c1", 8), transA=1, transB=1, alpha=0.5, beta=2.0)
    g.add("Relu").add("Gemm", g.weight("w2", 8, 7), g.weight("c2", 1, 7), alpha=1.5).add("Relu")
    g.add("Gemm", g.weight("w3", 6, 7), g.constant("c3", numpy.array(0.5, numpy.float32)), transB=1,
          beta=0.5)
    g.add("Relu")
    if opset >= 11:
        g.add("Gemm", g.weight("w4", 6, 6)).add("Relu")
    g.add("MatMul", g.weight("w5", 6, 5))
    g.nodes.append(helper.make_node("Add", [g.weight("c5", 5), g.at], ["sum"]))
    g.at = "sum"
    g.add("Softmax", axis=1)
    return g.model(opset, "gemm_forms")


def quantised_around():
    """QuantizeLinear and DequantizeLinear around weights of float32 (per channel and not) and around
    activations; the grid of these is so fine that leaving it out changes little."""
    g = Graph(28, [1, 3, 8, 8])

    def around(name, shape, axis, dtype):
        weight = g.weight(name, *shape)
        values = numpy_helper.to_array(g.weights[-1])
        axes = tuple(i for i in range(len(shape)) if i != axis)
        scale = (numpy.abs(values).max(axes) / 100).astype(numpy.float32) if axis is not None \
            else numpy.float32(numpy.abs(values).max() / 100)
        zero = numpy.full(numpy.shape(scale), 0 if dtype == numpy.int8 else 128, dtype)
        inputs = [g.constant(name + "_scale", numpy.asarray(scale)), g.constant(name + "_zero", zero)]
        attributes = {} if axis is None else {"axis": axis}
        return g.side("DequantizeLinear", g.side("QuantizeLinear", weight, *inputs, **attributes),
                      *inputs, **attributes)

    g.add("Conv", around("w1", (4, 3, 3, 3), 0, numpy.int8), g.weight("b1", 4)).add("Relu")
    grid = [g.constant("s", numpy.array(0.0002, numpy.float32)),
            g.constant("z", numpy.array(0, numpy.uint16))]
    g.add("QuantizeLinear", *grid).add("DequantizeLinear", *grid)
    g.add("Flatten")
    g.add("Gemm", around("w2", (144, 5), 1, numpy.uint8), g.weight("b2", 5)).add("Relu")
    g.add("Gemm", around("w3", (5, 5), None, numpy.int8), transB=1).add("Softmax")
    return g.model(21, "quantised_around", ir=10)


def external(model):
    """The same with all weights in a file beside it, as onnx.save writes them."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    onnx.save(copy, FOLDER / "external.onnx", save_as_external_data=True,
              all_tensors_to_one_file=True, location="external.bin", size_threshold=0,
              convert_attribute=False)


def compute(model, logarithm):
    shape = [d.dim_value or 1 for d in model.graph.input[0].type.tensor_type.shape.dim]
    numbers = numpy.arange(numpy.prod(shape))
    data = (((37 * numbers + 11) % 101 - 50) / 50).astype(numpy.float32)
    if model.graph.name == "channels_last":  # the same picture, [H, W, C]
        data = data.reshape(shape[3], shape[1], shape[2]).transpose(1, 2, 0)
    data = numpy.ascontiguousarray(data.reshape(shape))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    out = session.run(None, {"data_0": data})[0].ravel()
    return numpy.exp(out) if logarithm else out


def main():
    FOLDER.mkdir(exist_ok=True)
    models = {
        "zoo9": zoo(9), "zoo7": zoo(7), "zoo3": zoo(3), "exported": exported(),
        "quantised": quantised(), "filled": filled(),
        "raw": stored(None), "float_data": stored(typed(TensorProto.FLOAT)),
        "float16": stored(as_type(numpy.float16)), "float16_data": stored(typed(TensorProto.FLOAT16)),
        "bfloat16": stored(as_type(ml_dtypes.bfloat16)),
        "bfloat16_data": stored(typed(TensorProto.BFLOAT16)),
        "double": stored(as_type(numpy.float64)), "double_data": stored(typed(TensorProto.DOUBLE)),
        "towers_split": towers("split"), "towers_slice": towers("slice"),
        "towers_paper": paper(), "mobile9": mobile(9), "mobile19": mobile(19), "channels_last": channels_last(),
        "gemm_forms7": gemm_forms(7), "gemm_forms21": gemm_forms(21),
        "quantised_around": quantised_around(),
    }
    (FOLDER / "external.bin").unlink(missing_ok=True)
    external(models["zoo7"])
    for name, model in models.items():
        onnx.save(model, FOLDER / (name + ".onnx"))
        # ONNX Runtime begins with opset 7; the two differ in form alone.
        out = compute(models["zoo7"] if name == "zoo3" else model, name == "exported")
        out.astype(numpy.float32).tofile(FOLDER / (name + ".out"))
        print(name, out)


if __name__ == "__main__":
    main()
