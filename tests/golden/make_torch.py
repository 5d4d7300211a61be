#!/usr/bin/env python3
"""Writes torch/* and torch.h: narrow networks of torchvision's form in each container that torch.save
has had, and what PyTorch computes with them. Needs the packages torch, safetensors and numpy:

    python3 -m venv VENV && VENV/bin/pip install 'torch>=2' safetensors numpy
    VENV/bin/python make_torch.py

tests/test_torch.c knows what is in them. Value i of the input is ((37 i) mod 101 - 50) / 64.
"""
import io
import pathlib
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict

import safetensors.torch
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "torch"
CLASSES = 5


def classifier(width, dropout_first):
    layers = [nn.Linear(width, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 6), nn.ReLU()]
    if dropout_first:
        layers = [nn.Dropout(), *layers[:2], nn.Dropout(), *layers[3:]]
    else:
        layers.append(nn.Dropout())
    return nn.Sequential(*layers, nn.Linear(6, CLASSES))


class Net(nn.Module):
    def __init__(self, features, width, dropout_first):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = classifier(width, dropout_first)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def alexnet():
    relu, pool = nn.ReLU(), nn.MaxPool2d(3, 2)
    return Net([nn.Conv2d(3, 3, 11, 4, 2), relu, pool, nn.Conv2d(3, 4, 5, 1, 2), relu, pool,
                nn.Conv2d(4, 6, 3, 1, 1), relu, nn.Conv2d(6, 4, 3, 1, 1), relu,
                nn.Conv2d(4, 4, 3, 1, 1), relu, pool], 4 * 6 * 6, True)


class DeepCluster(nn.Module):
    """Batch normalisation in the features; the last layer stands apart."""

    def __init__(self):
        super().__init__()
        relu = nn.ReLU()
        self.features = nn.Sequential(*bn_features())
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear(144, 8), relu, nn.Dropout(0.5),
                                        nn.Linear(8, 6), relu)
        self.top_layer = nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.top_layer(self.classifier(torch.flatten(self.features(x), 1)))


def bn_features(bias=True):
    relu, pool = nn.ReLU(), nn.MaxPool2d(3, 2)
    return [nn.Conv2d(3, 3, 11, 4, 2, bias=bias), nn.BatchNorm2d(3), relu, pool,
            nn.Conv2d(3, 4, 5, 1, 2, bias=bias), nn.BatchNorm2d(4), relu, pool,
            nn.Conv2d(4, 6, 3, 1, 1, bias=bias), nn.BatchNorm2d(6), relu,
            nn.Conv2d(6, 4, 3, 1, 1, bias=bias), nn.BatchNorm2d(4), relu,
            nn.Conv2d(4, 4, 3, 1, 1, bias=bias), nn.BatchNorm2d(4, affine=bias), relu, pool]


def alexnet_bn():
    """As torchvision would number it; convolutions without biases, and one plain normalisation."""
    return Net(bn_features(bias=False), 4 * 6 * 6, True)


def examples_2015():
    """PyTorch's examples of that year normalise fully connected layers, too."""
    net = Net(bn_features(), 4 * 6 * 6, True)
    relu = nn.ReLU()
    net.classifier = nn.Sequential(nn.Dropout(), nn.Linear(144, 8), nn.BatchNorm1d(8), relu,
                                   nn.Dropout(), nn.Linear(8, 6), nn.BatchNorm1d(6), relu,
                                   nn.Linear(6, CLASSES))
    return net


def vgg_11():
    features, width = [], 3
    for step in [2, "M", 2, "M", 3, 2, "M", 3, 3, "M", 2, 4, "M"]:
        if step == "M":
            features.append(nn.MaxPool2d(2, 2))
        else:
            features += [nn.Conv2d(width, step, 3, 1, 1), nn.ReLU()]
            width = step
    return Net(features, width * 7 * 7, False)


def weights(net, seed):
    generator = torch.Generator().manual_seed(seed)
    state = OrderedDict()
    for name, value in net.state_dict().items():
        if name.endswith("running_var"):
            state[name] = torch.rand(value.shape, generator=generator) + 0.25
            continue
        if not value.dim():  # num_batches_tracked
            state[name] = torch.tensor(1000)
            continue
        fan_in = value[0].numel() if value.dim() > 1 else 30
        state[name] = torch.randn(value.shape, generator=generator) * (2 / fan_in) ** 0.5
    return state


def outputs(net, state):
    """The probabilities, computed in double with these weights."""
    net.load_state_dict({name: value.double() if value.dim() else value for name, value in state.items()}, assign=True)
    net.double().eval()
    count = 3 * 224 * 224
    x = torch.tensor([((37 * i) % 101 - 50) / 64 for i in range(count)], dtype=torch.double)
    with torch.no_grad():
        return torch.softmax(net(x.reshape(1, 3, 224, 224)), 1)[0].tolist()


def cast(state, dtype):
    return OrderedDict((name, value.to(dtype)) for name, value in state.items())


def save(name, value, **options):
    torch.save(value, FOLDER / name, **options)


def views(state):
    """All tensors are parts of one storage; the first fully connected one is transposed there."""
    flat = torch.cat([value.t().flatten() if name == "classifier.1.weight" else value.flatten()
                      for name, value in state.items()])
    result, offset = OrderedDict(), 0
    for name, value in state.items():
        part = flat[offset:offset + value.numel()]
        offset += value.numel()
        if name == "classifier.1.weight":
            result[name] = part.view(value.shape[1], value.shape[0]).t()
        else:
            result[name] = part.view(value.shape)
    return result


def checkpoint(state):
    """As a training script saves it, with the names of torch.nn.DataParallel."""
    renamed = OrderedDict((name.replace("features.", "features.module."), value)
                          for name, value in state.items())
    group = {"lr": 0.01, "momentum": 0.9, "params": [0, 1], "nesterov": False, "maximize": None}
    renamed["features.module.steps"] = torch.tensor(1 << 40)
    return {"epoch": 90, "arch": "alexnet", "best_acc1": torch.tensor(56.5),
            "size": torch.Size([224, 224]), "state_dict": renamed,
            "optimizer": {"state": {0: {"step": 70000}}, "param_groups": [group]}}


def save_big_endian(name, state):
    """As a machine with the other byte order would write it."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    sizes = {str(i): value.element_size() for i, value in enumerate(state.values())}
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(FOLDER / name, "w") as target:
        for info in source.infolist():
            data, last = source.read(info), info.filename.rsplit("/", 1)[1]
            if last == "byteorder":
                data = b"big"
            elif "/data/" in info.filename:
                size = sizes[last]
                data = b"".join(data[i:i + size][::-1] for i in range(0, len(data), size))
            target.writestr(zipfile.ZipInfo(info.filename), data)


def dumps(text):
    return pickle.dumps(text, protocol=2)


def triple(key, second, kind):
    """A pickled (key, second, torch.KIND); KIND may be a name that torch has no longer."""
    head = pickle.dumps((key, second, None), protocol=2)
    assert head[-5:-4] == b"N"
    return head[:-5] + b"ctorch\n" + kind.encode() + b"\n" + head[-4:]


def save_tar(name, state):
    """As torch before 0.1.10; storages and tensors have arbitrary numbers as keys."""
    storages, tensors = [dumps(len(state))], [dumps(len(state))]
    items = b""
    for i, (key, value) in enumerate(state.items()):
        storage_key, tensor_key = 94000000000000 + 16 * i, 95000000000000 - 16 * i
        storages += [triple(storage_key, "cpu", "FloatStorage"),
                     struct.pack("<q", value.numel()), value.numpy().tobytes()]
        tensors += [triple(tensor_key, storage_key, "FloatTensor"),
                    struct.pack("<ii", value.dim(), 0),
                    struct.pack(f"<{value.dim()}q", *value.shape),
                    struct.pack(f"<{value.dim()}q", *value.stride()), struct.pack("<q", 0)]
        for text in (key, str(tensor_key)):
            items += b"X" + struct.pack("<i", len(text)) + text.encode()
        items += b"Q"
    storages.append(dumps([]))
    members = {"sys_info": dumps({"protocol_version": 1000, "little_endian": True}),
               "pickle": b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u.",
               "tensors": b"".join(tensors), "storages": b"".join(storages)}
    with tarfile.open(FOLDER / name, "w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size, info.mtime = len(data), 1485000000.25  # a fraction needs a PAX header
            tar.addfile(info, io.BytesIO(data))


def check(name, state, **options):
    """torch itself must read what was made by hand."""
    loaded = torch.load(FOLDER / name, **options)
    assert all(torch.equal(loaded[key], value) for key, value in state.items()), name


def main():
    FOLDER.mkdir(exist_ok=True)
    state = weights(alexnet(), 1)
    save("zip.pth", state)
    save("stream.pth", state, _use_new_zipfile_serialization=False)
    save("half.pth", cast(state, torch.half))
    save("bfloat16.pth", cast(state, torch.bfloat16))
    save("double.pth", cast(state, torch.double))
    save("views.pth", views(state))
    save("checkpoint.pth", checkpoint(state), _use_new_zipfile_serialization=False)
    save_big_endian("big_endian.pth", state)
    save_tar("tar.pth", state)
    check("big_endian.pth", state)
    check("tar.pth", state, weights_only=False)
    safetensors.torch.save_file(state, FOLDER / "alexnet.safetensors")
    vgg = weights(vgg_11(), 2)
    save("vgg_11.pth", vgg)
    norms = {"alexnet_bn": alexnet_bn(), "deep_cluster": DeepCluster(), "examples": examples_2015()}
    states = {name: weights(net, 3) for name, net in norms.items()}
    for name, value in states.items():
        save(name + ".pth", value)
    results = {"f32": outputs(alexnet(), state),
               "f16": outputs(alexnet(), cast(state, torch.half)),
               "bf16": outputs(alexnet(), cast(state, torch.bfloat16)),
               "vgg_11": outputs(vgg_11(), vgg)}
    results.update((name, outputs(norms[name], states[name])) for name in norms)
    with open(FOLDER.parent / "torch.h", "w", encoding="ascii") as file:
        file.write("/* Written by make_torch.py: probabilities by PyTorch in double. */\n")
        for key, values in results.items():
            file.write(f"static const double golden_torch_{key}[] = {{\n    ")
            file.write(",\n    ".join(f"{value:.17g}" for value in values) + "};\n")


if __name__ == "__main__":
    main()
