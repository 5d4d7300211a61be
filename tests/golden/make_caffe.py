#!/usr/bin/env python3
"""Writes caffe/*: small models as Caffe writes them, and what OpenCV's reader of Caffe files computes
with them. Needs the packages protobuf and opencv-python-headless (below 5):

    python3 -m venv VENV && VENV/bin/pip install protobuf 'opencv-python-headless<5'
    VENV/bin/python make_caffe.py

NAME.caffemodel is a model, NAME.out its probabilities as float32 for the input whose value i, from 0,
is ((37 i + 11) mod 101 - 50) / 50. tests/test_caffe.c compares them.
"""
import pathlib
import tempfile

import cv2
import numpy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

FOLDER = pathlib.Path(__file__).parent / "caffe"

# The fields of Caffe's messages that are written: name, number, type; "*": repeated, "#": packed.
MESSAGES = {
    "NetParameter": "name 1 string, layers 2 V1LayerParameter*, input 3 string*, input_dim 4 int32*,"
                    "input_shape 8 BlobShape*, layer 100 LayerParameter*",
    "BlobShape": "dim 1 int64#",
    "BlobProto": "num 1 int32, channels 2 int32, height 3 int32, width 4 int32, data 5 float#,"
                 "shape 7 BlobShape, double_data 8 double#",
    "UnpackedBlob": "num 1 int32, channels 2 int32, height 3 int32, width 4 int32, data 5 float*",
    "LayerParameter": "name 1 string, type 2 string, bottom 3 string*, top 4 string*,"
                      "blobs 7 BlobProto*, transform_param 100 TransformationParameter,"
                      "concat_param 104 ConcatParameter, slice_param 126 SliceParameter,"
                      "convolution_param 106 ConvolutionParameter, dropout_param 108 DropoutParameter,"
                      "inner_product_param 117 InnerProductParameter, lrn_param 118 LRNParameter,"
                      "pooling_param 121 PoolingParameter, batch_norm_param 139 BatchNormParameter,"
                      "scale_param 142 ScaleParameter, input_param 143 InputParameter",
    "V1LayerParameter": "bottom 2 string*, top 3 string*, name 4 string, type 5 int32,"
                        "blobs 6 BlobProto*, blobs_lr 7 float*, concat_param 9 ConcatParameter,"
                        "slice_param 31 SliceParameter,"
                        "convolution_param 10 ConvolutionParameter, data_param 11 DataParameter,"
                        "dropout_param 12 DropoutParameter,"
                        "inner_product_param 17 InnerProductParameter, lrn_param 18 LRNParameter,"
                        "pooling_param 19 PoolingParameter",
    "ConvolutionParameter": "num_output 1 uint32, bias_term 2 bool, pad 3 uint32*, kernel_size 4 uint32*,"
                            "group 5 uint32, stride 6 uint32*",
    "PoolingParameter": "pool 1 int32, kernel_size 2 uint32, stride 3 uint32, pad 4 uint32,"
                        "global_pooling 12 bool",
    "BatchNormParameter": "use_global_stats 1 bool, eps 3 float",
    "ScaleParameter": "axis 1 int32, num_axes 2 int32, bias_term 4 bool",
    "LRNParameter": "local_size 1 uint32, alpha 2 float, beta 3 float",
    "InnerProductParameter": "num_output 1 uint32, bias_term 2 bool, axis 5 int32, transpose 6 bool",
    "DropoutParameter": "dropout_ratio 1 float",
    "SliceParameter": "slice_dim 1 uint32, slice_point 2 uint32*, axis 3 int32",
    "ConcatParameter": "concat_dim 1 uint32, axis 2 int32",
    "InputParameter": "shape 1 BlobShape*",
    "DataParameter": "source 1 string, mean_file 3 string, batch_size 4 uint32, crop_size 5 uint32",
    "TransformationParameter": "scale 1 float, crop_size 3 uint32, mean_value 5 float*",
}
V1_TYPES = {"Concat": 3, "Convolution": 4, "Data": 5, "Dropout": 6, "InnerProduct": 14, "LRN": 15, "Pooling": 17,
            "ReLU": 18, "Slice": 33, "Softmax": 20, "SoftmaxWithLoss": 21, "Split": 22}


def message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(","):
            label, number, kind = field.split()
            row = message.field.add(name=label, number=int(number), label=3 if kind[-1] in "*#" else 1)
            if kind[-1] == "#":
                row.options.packed = True
            kind = kind.rstrip("*#")
            if kind in MESSAGES:
                row.type, row.type_name = 11, ".caffe." + kind
            else:
                row.type = {"bool": 8, "double": 1, "float": 2, "int64": 3, "int32": 5, "string": 9,
                            "uint32": 13}[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe." + name))
            for name in MESSAGES}


CLASSES = message_classes()
SIDE = 71

# AlexNet with few channels: (name, type, parameters, [weights' shape]).
CONV, FC, POOL, LRN = "convolution_param", "inner_product_param", "pooling_param", "lrn_param"
NORM = {"local_size": 5, "alpha": 0.01, "beta": 0.75}
ALEXNET = [
    ("conv1", "Convolution", (CONV, {"num_output": 4, "kernel_size": [11], "stride": [4]}), (4, 3, 11, 11)),
    ("relu1", "ReLU", None, None),
    ("norm1", "LRN", (LRN, NORM), None),
    ("pool1", "Pooling", (POOL, {"kernel_size": 3, "stride": 2}), None),
    ("conv2", "Convolution", (CONV, {"num_output": 6, "kernel_size": [5], "pad": [2], "group": 2}), (6, 2, 5, 5)),
    ("relu2", "ReLU", None, None),
    ("norm2", "LRN", (LRN, NORM), None),
    ("pool2", "Pooling", (POOL, {"kernel_size": 3, "stride": 2}), None),
    ("conv3", "Convolution", (CONV, {"num_output": 8, "kernel_size": [3], "pad": [1]}), (8, 6, 3, 3)),
    ("relu3", "ReLU", None, None),
    ("conv4", "Convolution", (CONV, {"num_output": 8, "kernel_size": [3], "pad": [1], "group": 2}), (8, 4, 3, 3)),
    ("relu4", "ReLU", None, None),
    ("conv5", "Convolution", (CONV, {"num_output": 6, "kernel_size": [3], "pad": [1], "group": 2}), (6, 4, 3, 3)),
    ("relu5", "ReLU", None, None),
    ("pool5", "Pooling", (POOL, {"kernel_size": 3, "stride": 2}), None),
    ("fc6", "InnerProduct", (FC, {"num_output": 10}), (10, 24)),
    ("relu6", "ReLU", None, None),
    ("drop6", "Dropout", ("dropout_param", {"dropout_ratio": 0.5}), None),
    ("fc7", "InnerProduct", (FC, {"num_output": 8}), (8, 10)),
    ("relu7", "ReLU", None, None),
    ("drop7", "Dropout", ("dropout_param", {"dropout_ratio": 0.5}), None),
    ("fc8", "InnerProduct", (FC, {"num_output": 5}), (5, 8)),
]


# Batch normalisation and its scale in all their forms, averages, and one over all.
BN, SCALE = "batch_norm_param", "scale_param"
BATCH_NORM = [
    ("conv1", "Convolution", (CONV, {"num_output": 6, "kernel_size": [7], "stride": [2],
                                     "bias_term": False}), (6, 3, 7, 7)),
    ("conv1/bn", "BatchNorm", (BN, {"use_global_stats": True, "eps": 1e-3}), ("norm", 6)),
    ("conv1/scale", "Scale", (SCALE, {"bias_term": True}), ("scale", 6)),
    ("relu1", "ReLU", None, None),
    ("pool1", "Pooling", (POOL, {"pool": 1, "kernel_size": 3, "stride": 2, "pad": 1}), None),
    ("conv2", "Convolution", (CONV, {"num_output": 8, "kernel_size": [3], "group": 2}), (8, 3, 3, 3)),
    ("conv2/bn", "BatchNorm", None, ("norm", 8)),
    ("conv2/scale", "Scale", None, ("scale alone", 8)),
    ("relu2", "ReLU", None, None),
    ("pool2", "Pooling", (POOL, {"pool": 1, "kernel_size": 3, "stride": 2}), None),
    ("conv3", "Convolution", (CONV, {"num_output": 6, "kernel_size": [3], "pad": [1]}), (6, 8, 3, 3)),
    ("conv3/bn", "BatchNorm", None, ("norm", 6)),
    ("relu3", "ReLU", None, None),
    ("pool3", "Pooling", (POOL, {"pool": 1, "global_pooling": True}), None),
    ("fc4", "InnerProduct", (FC, {"num_output": 5}), (5, 6)),
    ("fc4/scale", "Scale", (SCALE, {"bias_term": True}), ("scale", 5)),
]


def towers(old):
    """AlexNet as the paper's two GPUs had it, in small: normalisations within a tower, conv3 over both.
    Batch normalisation, which the old form does not have, belongs to towers, too. Rows say what they
    read and write where it is not the layer before."""
    norm = (LRN, {"local_size": 5, "alpha": 8.0, "beta": 0.75})
    pool = (POOL, {"kernel_size": 3, "stride": 2})

    def tower(n, numbers, bottom):
        """Convolutions of those numbers, one after the other, in tower `n`."""
        for number, inputs, outputs, kernel, stride in numbers:
            name = f"conv{number}{n}"
            conv = {"num_output": outputs, "kernel_size": [kernel], "stride": [stride], "pad": [kernel // 2]}
            yield name, "Convolution", (CONV, conv), (outputs, inputs, kernel, kernel), [bottom], [name]
            if number == 1 and not old:
                yield name + "/bn", "BatchNorm", (BN, {"eps": 1e-3}), ("norm", outputs)
                yield name + "/scale", "Scale", (SCALE, {"bias_term": True}), ("scale", outputs)
            yield f"relu{number}{n}", "ReLU", None, None
            bottom = name
            if number < 3:
                yield f"norm{number}{n}", "LRN", norm, None
                yield f"pool{number}{n}", "Pooling", pool, None
                bottom = f"pool{number}{n}"
        if numbers[0][0] == 4:
            yield f"drop5{n}", "Dropout", ("dropout_param", {"dropout_ratio": 0.5}), None

    first = [(1, 3, 6, 7, 2), (2, 6, 10, 5, 1)]
    last = [(4, 8, 6, 3, 1), (5, 6, 6, 3, 1)]
    concat = ("concat_param", {"concat_dim": 1} if old else {"axis": 1})
    points = ("slice_param", {"slice_dim": 1} if old else {"axis": -3, "slice_point": [8]})
    return [
        ("data_split", "Split", None, None, ["data"], ["data_0", "data_1"]),
        *tower("a", first, "data_0"), *tower("b", first, "data_1"),
        ("both", "Concat", concat, None, ["pool2a", "pool2b"], ["both"]),
        ("conv3", "Convolution", (CONV, {"num_output": 16, "kernel_size": [3]}), (16, 20, 3, 3)),
        ("relu3", "ReLU", None, None),
        ("apart", "Slice", points, None, ["conv3"], ["conv3a", "conv3b"]),
        *tower("a", last, "conv3a"), *tower("b", last, "conv3b"),
        ("join", "Concat", None if old else concat, None, ["conv5a", "conv5b"], ["join"]),
        ("pool5", "Pooling", pool, None),
        ("fc6", "InnerProduct", (FC, {"num_output": 5}), (5, 12 * 9)),
    ]


def normalisation(random, shape):
    """Blobs of batch normalisation (sums over 0.75 images) or of a scale."""
    kind, channels = shape
    if kind == "norm":
        blobs = [random.normal(0, 0.3, channels), random.uniform(0.2, 2, channels), numpy.array([0.75])]
    else:
        blobs = [random.uniform(0.5, 2, channels), random.normal(0, 0.3, channels)]
    return tuple(b.astype(numpy.float32) for b in blobs[:1 if kind == "scale alone" else 3])


def caffenet():
    """CaffeNet pools before it normalises."""
    order = {name: i for i, (name, _, _, _) in enumerate(ALEXNET)}
    for n in "12":
        order["norm" + n], order["pool" + n] = order["pool" + n], order["norm" + n]
    return sorted(ALEXNET, key=lambda row: order[row[0]])


def weights_of(layers):
    random = numpy.random.default_rng(2012)
    weights = {}
    for name, _, parameters, shape, *_ in layers:
        if shape and isinstance(shape[0], str):
            weights[name] = normalisation(random, shape)
        elif shape:
            scale = numpy.sqrt(2 / numpy.prod(shape[1:]))
            weights[name] = (random.normal(0, scale, shape).astype(numpy.float32),
                             random.normal(0.1, 0.1, shape[:1]).astype(numpy.float32))
            if parameters[1].get("bias_term") is False:
                weights[name] = weights[name][:1]
    return weights


def fill_blob(blob, values, form):
    if form in ("v1", "upgraded", "unpacked"):
        sizes = [1] * (4 - values.ndim) + list(values.shape)
        blob.num, blob.channels, blob.height, blob.width = sizes
    else:
        blob.shape.dim.extend(values.shape)
    (blob.double_data if form == "double" else blob.data).extend(values.ravel().tolist())


def add_layers(net, layers, weights, form):
    """Layers in place, as deploy.prototxt files have them; blobs where `weights` are given."""
    blob = "data"
    for name, kind, parameters, _, *ends in layers:
        layer = (net.layers if form == "v1" else net.layer).add(name=name)
        layer.type = V1_TYPES[kind] if form == "v1" else kind
        same = kind in ("ReLU", "Dropout", "BatchNorm", "Scale")
        bottoms, tops = ends or ([blob], [blob if same else name])
        layer.bottom.extend(bottoms)
        layer.top.extend(tops)
        blob = tops[0]
        if parameters:
            target = getattr(layer, parameters[0])
            for key, value in parameters[1].items():
                if isinstance(value, list):
                    getattr(target, key).extend(value)
                else:
                    setattr(target, key, value)
        for values in weights.get(name, ()):
            fill_blob(layer.blobs.add(), values, form)
    return blob


def model(name, layers, weights, form):
    net = CLASSES["NetParameter"](name=name)
    if form == "v1":  # what the training of 2012 left behind: a data layer and a loss
        data = net.layers.add(name="data", type=V1_TYPES["Data"], top=["data", "label"])
        data.data_param.source = "train_leveldb"
        data.data_param.mean_file = "mean.binaryproto"
        data.data_param.crop_size = SIDE
        data.data_param.batch_size = 256
    else:
        data = net.layer.add(name="data", type="Input", top=["data"])
        data.input_param.shape.add(dim=[1, 3, SIDE, SIDE])
    last = add_layers(net, layers, weights, form)
    if form == "v1":
        net.layers.add(name="loss", type=V1_TYPES["SoftmaxWithLoss"], bottom=[last, "label"])
    else:
        net.layer.add(name="prob", type="Softmax", bottom=[last], top=["prob"])
    return net.SerializeToString()


def unpack(data):
    """Writes each float of every blob as a field of its own, as protobuf did by default."""
    net = CLASSES["NetParameter"].FromString(data)
    out = b"\x0a" + varint(len(net.name)) + net.name.encode()
    for layer in net.layer:
        blobs = [blob.SerializeToString() for blob in layer.blobs]
        del layer.blobs[:]
        body = layer.SerializeToString()
        for blob in blobs:
            blob = CLASSES["UnpackedBlob"].FromString(blob).SerializeToString()
            body += b"\x3a" + varint(len(blob)) + blob  # field 7
        out += b"\xa2\x06" + varint(len(body)) + body  # field 100
    return out


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def deploy(layers):
    net = CLASSES["NetParameter"](name="deploy", input=["data"], input_dim=[1, 3, SIDE, SIDE])
    last = add_layers(net, layers, {}, "v2")
    net.layer.add(name="prob", type="Softmax", bottom=[last], top=["prob"])
    return text_format.MessageToString(net).replace("pool: 0", "pool: MAX")


def compute(prototxt, caffemodel):
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("net.prototxt", "net.caffemodel")]
        files[0].write_text(prototxt)
        files[1].write_bytes(caffemodel)
        net = cv2.dnn.readNetFromCaffe(str(files[0]), str(files[1]))
    numbers = numpy.arange(3 * SIDE * SIDE)
    net.setInput((((37 * numbers + 11) % 101 - 50) / 50).astype(numpy.float32).reshape(1, 3, SIDE, SIDE))
    return net.forward().astype(numpy.float32).ravel()


def transposed(layers):
    """Fully connected layers with weights [IN, OUT], over axis -3 where maps come in."""
    rows = []
    for name, kind, parameters, shape in layers:
        if kind == "InnerProduct":
            axis = -3 if name == "fc6" else -1
            parameters = (FC, {**parameters[1], "transpose": True, "axis": axis})
        rows.append((name, kind, parameters, shape))
    return rows


def extras(weights):
    """Models of layers that go into the weights before them."""
    norms = weights_of(BATCH_NORM)
    data = model("batch_norm", BATCH_NORM, norms, "v2")
    prototxt = deploy(BATCH_NORM).replace("pool: 1", "pool: AVE")
    (FOLDER / "batch_norm.caffemodel").write_bytes(data)
    (FOLDER / "batch_norm.prototxt").write_text(prototxt)
    compute(prototxt, data).tofile(FOLDER / "batch_norm.out")
    print("batch_norm", numpy.fromfile(FOLDER / "batch_norm.out", numpy.float32))
    for name, form in (("towers_v1", "v1"), ("towers_v2", "v2")):
        layers = towers(form == "v1")
        data = model(name, layers, weights_of(layers), form)
        (FOLDER / (name + ".caffemodel")).write_bytes(data)
        compute(deploy(layers), data).tofile(FOLDER / (name + ".out"))
        print(name, numpy.fromfile(FOLDER / (name + ".out"), numpy.float32))
    (FOLDER / "towers.prototxt").write_text(deploy(towers(False)))
    turned = {name: (blobs[0].T, *blobs[1:]) if name.startswith("fc") else blobs
              for name, blobs in weights.items()}
    # The same as alexnet_v2: OpenCV does not read transposed weights.
    (FOLDER / "transposed.caffemodel").write_bytes(
        model("transposed", transposed(ALEXNET), turned, "v2"))


def main():
    FOLDER.mkdir(exist_ok=True)
    weights = weights_of(ALEXNET)
    for name, layers, form in [("alexnet_v1", ALEXNET, "v1"), ("alexnet_v2", ALEXNET, "v2"),
                               ("caffenet_upgraded", caffenet(), "upgraded"),
                               ("alexnet_double", ALEXNET, "double"),
                               ("alexnet_unpacked", ALEXNET, "unpacked")]:
        data = model(name, layers, weights, form)
        if form == "unpacked":
            data = unpack(data)
        (FOLDER / (name + ".caffemodel")).write_bytes(data)
        # OpenCV reads floats alone.
        plain = model(name, layers, weights, "v2") if form == "double" else data
        compute(deploy(layers), plain).tofile(FOLDER / (name + ".out"))
        print(name, numpy.fromfile(FOLDER / (name + ".out"), numpy.float32))
    extras(weights)
    (FOLDER / "caffenet.prototxt").write_text(deploy(caffenet()))
    mean = CLASSES["BlobProto"](num=1, channels=3, height=6, width=5)
    values = (numpy.arange(90) / 2).astype(numpy.float32)
    mean.data.extend(values.tolist())
    (FOLDER / "mean.binaryproto").write_bytes(mean.SerializeToString())
    numpy.save(FOLDER / "mean.npy", values.reshape(3, 6, 5))
    numpy.save(FOLDER / "mean_double.npy", values.astype(numpy.float64).reshape(3, 6, 5))


if __name__ == "__main__":
    main()
