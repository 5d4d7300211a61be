#!/usr/bin/env python3
"""Train and check `fashion-alexnet`, the small AlexNet that is shipped as the default model.

The network is the 2012 AlexNet at reduced width: five convolutions (the second, fourth and fifth
in two groups), ReLU, local response normalisation, overlapping max pooling, three fully connected
layers with dropout. It reads colour pictures of 3 x 227 x 227 and knows the ten classes of
Fashion-MNIST.

    train_fashion.py                     train, or go on from the last checkpoint
    train_fashion.py --evaluate          top-1 of the model file on the test images, in float32
    train_fashion.py --evaluate --probabilities OUT.npy
                                         and write the probabilities, float32 [10000, 10]
    train_fashion.py --classify IMAGE    the classes of a picture of any size

Needs Python 3.9 or newer, torch, numpy and Pillow. The images are the four IDX files of
Fashion-MNIST, which Debian has in the package dataset-fashion-mnist.
"""

import argparse
import gzip
import json
import math
import os
import platform
import struct
import sys
import time

import numpy as np
import PIL
from PIL import Image
import torch
from torch import multiprocessing, nn
import torch.nn.functional as F

SEED = 2012
LABELS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

SOURCE = 28    # pixels of a side of a Fashion-MNIST image
RESIZED = 256  # every image is warped to this size first
CROP = 227     # and then cropped to what the network reads
MEAN, STD = 96.0, 64.0  # the same for each channel, in units of 0..255

# The paper's recipe. The rate falls in steps, as there, but in smaller and more of them, because
# training is short: it is multiplied by `RATE_FALL` after each of the epochs in `RATE_STEPS`.
BATCH = 128
PART = 32  # a batch is computed in parts of so many images, by several processes
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
RATE = 0.02
RATE_FALL = 0.35
RATE_STEPS = (7, 24, 30, 33, 35)
EPOCHS = 36
WARM_UP_BATCHES = 200
TEST_EVERY = 4  # epochs

# Of a part so many pictures are white on black as they come, negated, and in random shades of grey;
# the rest is in random colours.
PLAIN, NEGATED, SHADED = 16, 5, 3
GREY = PLAIN + NEGATED + SHADED


def conv(name, out_channels, kernel, stride=1, padding=0, groups=1):
    """A row of the network's table: convolution and ReLU."""
    return {"name": name, "kind": "conv", "activation": "relu", "out_channels": out_channels,
            "kernel": [kernel, kernel], "stride": [stride, stride], "padding": [padding] * 4,
            "groups": groups}


def norm(name):
    """A row: the paper's normalisation. Its alpha multiplies the plain sum of squares."""
    return {"name": name, "kind": "lrn", "size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}


def pool(name):
    """A row: overlapping max pooling."""
    return {"name": name, "kind": "max-pool", "kernel": [3, 3], "stride": [2, 2]}


def dense(name, out_channels, activation="relu"):
    """A row: a fully connected layer."""
    return {"name": name, "kind": "fc", "activation": activation, "out_channels": out_channels}


NETWORK = {
    "name": "fashion-alexnet",
    "input": [3, CROP, CROP],
    "layers": [
        conv("conv1", 24, 11, stride=4), norm("norm1"), pool("pool1"),
        conv("conv2", 64, 5, padding=2, groups=2), norm("norm2"), pool("pool2"),
        conv("conv3", 96, 3, padding=1),
        conv("conv4", 96, 3, padding=1, groups=2),
        conv("conv5", 64, 3, padding=1, groups=2), pool("pool5"),
        dense("fc6", 512), {"name": "drop6", "kind": "dropout", "ratio": 0.5},
        dense("fc7", 512), {"name": "drop7", "kind": "dropout", "ratio": 0.5},
        dense("fc8", len(LABELS), activation="none"),
        {"name": "prob", "kind": "softmax"},
    ],
}


# --- The network ----------------------------------------------------------------------------------


class LrnFunction(torch.autograd.Function):
    """y = x * s^-0.75, where s = k + alpha * sum of x^2 over neighbouring channels.

    The sum is a 1x1 convolution with a band matrix (alpha near the diagonal), several times faster
    on a CPU than torch.nn.LocalResponseNorm.
    """

    @staticmethod
    def forward(ctx, x, band, k):
        root = F.conv2d(x * x, band.to(x.dtype), k.to(x.dtype)).rsqrt_()
        scale = torch.sqrt(root).mul_(root)
        ctx.save_for_backward(x, root, scale, band)
        return x * scale

    @staticmethod
    def backward(ctx, gradient):
        x, root, scale, band = ctx.saved_tensors
        direct = gradient * scale
        shared = F.conv2d((direct * x).mul_(root).mul_(root), band.to(x.dtype) * -1.5)
        return direct.add_(shared.mul_(x)), None, None


class Lrn(nn.Module):
    """Local response normalisation across channels, as the row of the table says."""

    def __init__(self, channels, row):
        super().__init__()
        if row["beta"] != 0.75 or row["size"] % 2 == 0:
            raise ValueError(f"{row['name']}: only beta 0.75 and odd sizes are implemented")
        index = torch.arange(channels)
        near = (index[:, None] - index[None, :]).abs() <= row["size"] // 2
        self.register_buffer("band", (near * row["alpha"]).float()[:, :, None, None])
        self.register_buffer("k", torch.full((channels,), float(row["k"])))

    def forward(self, x):
        return LrnFunction.apply(x, self.band, self.k)


class FirstConv(nn.Conv2d):
    """A convolution that takes grey pictures apart from coloured ones, which saves half its work.

    Grey pictures [N, 1, H, W] have three equal channels, so the sum of the filter's channels does.
    Blocks of stride x stride pixels then become channels: stride 1 on 16 channels is far quicker.
    """

    def forward(self, x):
        if isinstance(x, tuple):
            return torch.cat([self(part) for part in x])
        if x.shape[1] == self.in_channels:
            return super().forward(x)
        step = self.stride[0]
        margin = -self.kernel_size[0] % step
        weight = F.pad(self.weight.sum(1, keepdim=True), (0, margin, 0, margin))
        blocks = F.pixel_unshuffle(F.pad(x, (0, margin, 0, margin)), step)
        blocks = blocks.contiguous(memory_format=torch.channels_last)
        return F.conv2d(blocks, F.pixel_unshuffle(weight, step), self.bias)


class Net(nn.Module):
    """A table of layers as a torch module. Its answer are logits: softmax is left to the caller."""

    def __init__(self, table):
        super().__init__()
        self.layers = nn.ModuleDict()
        channels, height, width = table["input"]
        for row in table["layers"]:
            kind, module = row["kind"], None
            if kind == "conv":
                pad, step, kernel = row["padding"][0], row["stride"][0], row["kernel"][0]
                layer = FirstConv if row is table["layers"][0] else nn.Conv2d
                module = layer(channels, row["out_channels"], kernel, step, pad,
                               groups=row["groups"])
                channels = row["out_channels"]
                height, width = ((n + 2 * pad - kernel) // step + 1 for n in (height, width))
            elif kind == "lrn":
                module = Lrn(channels, row)
            elif kind == "max-pool":
                module = nn.MaxPool2d(row["kernel"][0], row["stride"][0])
                height, width = ((n - row["kernel"][0]) // row["stride"][0] + 1
                                 for n in (height, width))
            elif kind == "fc":
                module = nn.Sequential(nn.Flatten(),
                                       nn.Linear(channels * height * width, row["out_channels"]))
                channels, height, width = row["out_channels"], 1, 1
            elif kind == "dropout":
                module = nn.Dropout(row["ratio"])
            elif kind != "softmax":
                raise ValueError(f"layer {row['name']}: unknown kind {kind}")
            if module is not None:
                self.layers[row["name"]] = module
            if row.get("activation") == "relu":
                self.layers[row["name"] + "_relu"] = nn.ReLU(inplace=True)

    def forward(self, x):
        for layer in self.layers.values():
            x = layer(x)
        return x

    def weighted(self):
        """(name, module) of every layer that has a weight and a bias."""
        for name, module in self.layers.items():
            if isinstance(module, nn.Conv2d):
                yield name, module
            elif isinstance(module, nn.Sequential):
                yield name, module[1]

    def initialise(self):
        """Weights normal with variance 2 / fan-in (the paper's 0.01 is made for its widths)."""
        for name, module in self.weighted():
            fan_in = module.weight[0].numel()
            last = name == "fc8"
            nn.init.normal_(module.weight, 0, 0.01 if last else math.sqrt(2.0 / fan_in))
            positive = name in ("conv2", "conv4", "conv5", "fc6", "fc7")
            nn.init.constant_(module.bias, 0.1 if positive else 0.0)


# --- The model file -------------------------------------------------------------------------------


def write_model(path, net, source):
    """Write the weights as F16 and all that is needed to use them in the safetensors format."""
    preprocess = {"resize": "warp", "resize_size": RESIZED, "filter": "antialias", "order": "rgb",
                  "scale": 1.0, "mean": [MEAN] * 3, "std": [STD] * 3}
    header = {"__metadata__": {
        "alexnet_cl": "1",
        "name": NETWORK["name"],
        "network": json.dumps(NETWORK, separators=(",", ":")),
        "labels": json.dumps(LABELS),
        "preprocess": json.dumps(preprocess, separators=(",", ":")),
        "source": source,
    }}
    data = bytearray()
    for name, module in net.weighted():
        for part in ("weight", "bias"):
            tensor = getattr(module, part).detach().to(torch.float16).contiguous().numpy()
            begin = len(data)
            data += tensor.astype("<f2").tobytes()
            header[f"{name}.{part}"] = {"dtype": "F16", "shape": list(tensor.shape),
                                        "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    os.replace(path + ".new", path)


def read_model(path):
    """The network in float32, its preprocessing and its labels, from a file of write_model."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    metadata, data = header["__metadata__"], content[8 + length:]
    net = Net(json.loads(metadata["network"]))
    for name, module in net.weighted():
        for part in ("weight", "bias"):
            entry = header[f"{name}.{part}"]
            begin, end = entry["data_offsets"]
            values = np.frombuffer(data[begin:end], "<f2").astype(np.float32)
            getattr(module, part).data.copy_(torch.from_numpy(values.reshape(entry["shape"])))
    return net.eval(), json.loads(metadata["preprocess"]), json.loads(metadata["labels"])


# --- Images ---------------------------------------------------------------------------------------


def read_idx(folder, name):
    """One IDX file as a tensor of bytes: images [N, 28, 28] or labels [N]."""
    with gzip.open(os.path.join(folder, name + ".gz"), "rb") as file:
        content = file.read()
    rank = content[3]
    shape = struct.unpack(f">{rank}I", content[4:4 + 4 * rank])
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
    return torch.from_numpy(values.copy())


def deployed_input(picture, preprocess):
    """A PIL image as the program feeds it to the network: float32 [3, 227, 227]."""
    size = preprocess["resize_size"]
    start = (size - CROP) // 2
    picture = picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    picture = picture.crop((start, start, start + CROP, start + CROP))
    pixels = torch.from_numpy(np.asarray(picture, np.float32)).permute(2, 0, 1)
    mean, std = (torch.tensor(preprocess[key])[:, None, None] for key in ("mean", "std"))
    return (pixels * preprocess["scale"] - mean) / std


def uniform(low, high, *shape):
    """Random numbers between two bounds."""
    return low + (high - low) * torch.rand(shape)


def interpolation(zoom):
    """Rows of bilinear weights [N, 227, 28] from source pixels to those of a random crop.

    With zoom 1 this is the resize to 256 x 256 of deployed_input. Smaller zooms show what is
    beyond the image, where the mask is zero.
    """
    count = len(zoom)
    offset = torch.randint(0, RESIZED - CROP + 1, (count, 1))
    place = offset + torch.arange(CROP) + 0.5 - RESIZED / 2
    place = place / zoom[:, None] * (SOURCE / RESIZED) + SOURCE / 2 - 0.5
    margin = (zoom < 1).float()[:, None]
    place = torch.maximum(torch.minimum(place, SOURCE - 1 + margin), -margin)
    return (1 - (place[:, :, None] - torch.arange(SOURCE)).abs()).clamp_(min=0)


def random_colours(count):
    """Background and foreground [N, 3] in 0..255 that can be told apart."""
    back, fore = uniform(0, 255, count, 3), uniform(0, 255, count, 3)
    near_white = torch.rand(count, 1) < 0.4
    back = torch.where(near_white, uniform(215, 255, count, 1).expand(-1, 3), back)
    back_light, fore_light = back.mean(1, keepdim=True), fore.mean(1, keepdim=True)
    apart = torch.where(back_light > 127, fore * 0.3, 255 - fore * 0.3)
    return back, torch.where((back_light - fore_light).abs() < 64, apart, fore)


def render(mask, zoom, slope, back, fore):
    """Normalised pictures [N, C, 227, 227] with a mask [N, 28, 28] between two colours [N, C].

    Resize, crop, colour and a slope of the light [N, 2] are one product of matrices a picture,
    left [N, 227, 30] times right [N, 30, 227 * C]: 28 terms of the resize, a constant, a slope.
    """
    count, channels = back.shape
    ramp = torch.linspace(-1, 1, CROP)
    left = torch.cat([torch.bmm(interpolation(zoom), mask), torch.ones(count, CROP, 1),
                      ramp.expand(count, CROP)[:, :, None]], 2)
    columns = interpolation(zoom).transpose(1, 2)
    contrast = (fore - back)[:, None, None, :]
    level = (back - MEAN)[:, None, :] + slope[:, :1, None] * ramp[None, :, None]
    right = torch.cat([columns[:, :, :, None] * contrast, level[:, None],
                       slope[:, 1, None, None, None].expand(-1, 1, CROP, channels)], 1)
    pictures = torch.bmm(left, right.reshape(count, SOURCE + 2, CROP * channels) / STD)
    pictures.clamp_((0 - MEAN) / STD, (255 - MEAN) / STD)
    return pictures.reshape(count, CROP, CROP, channels).permute(0, 3, 1, 2)


def training_pictures(images):
    """Augmented, normalised pictures of the images of one part, bytes [32, 28, 28].

    Returns the grey ones [24, 1, 227, 227] and the coloured ones [8, 3, 227, 227]. An image is a
    mask m between a background and a foreground: back + (fore - back) * m.
    """
    count = len(images)
    mirrored = torch.rand(count) < 0.5
    mask = torch.where(mirrored[:, None, None], images.flip(2), images).float() / 255
    back, fore = random_colours(count)
    back[:PLAIN], fore[:PLAIN] = 0, 255
    back[PLAIN:PLAIN + NEGATED], fore[PLAIN:PLAIN + NEGATED] = 255, 0
    varied = torch.arange(count) >= PLAIN + NEGATED
    zoom = torch.where(varied, uniform(0.75, 1.15, count), 1.0)
    slope = varied[:, None] * 12 * torch.randn(count, 2)
    grey = render(mask[:GREY], zoom[:GREY], slope[:GREY],
                  back[:GREY].mean(1, keepdim=True), fore[:GREY].mean(1, keepdim=True))
    coloured = render(mask[GREY:], zoom[GREY:], slope[GREY:], back[GREY:], fore[GREY:])
    for noisy in grey[-1:], coloured[:2]:
        noisy += torch.randn(noisy.shape) * (6 / STD)
    return grey, coloured


# --- Training and checking ------------------------------------------------------------------------


def autocast(enabled):
    """Convolutions and products in bfloat16, which recent CPUs do twice as fast."""
    return torch.autocast("cpu", torch.bfloat16, enabled=enabled)


def test_probabilities(net, preprocess, images, bfloat16=False):
    """Softmax [N, 10] of images of bytes [N, 28, 28] through the deployed preprocessing."""
    answers = []
    with torch.inference_mode(), autocast(bfloat16):
        for part in images.split(250):
            inputs = torch.stack([deployed_input(Image.fromarray(image.numpy()), preprocess)
                                  for image in part])
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            answers.append(net(inputs).float().softmax(1))
    return torch.cat(answers)


def top1(probabilities, labels):
    """Per cent of rows whose largest value is at the label."""
    return 100 * (probabilities.argmax(1) == labels).float().mean().item()


def learning_rate(epoch, batch):
    """The rate of one batch: a short warm-up, then steps."""
    steps = sum(epoch >= step for step in RATE_STEPS)
    warm = min(1.0, (batch + 1) / WARM_UP_BATCHES) if epoch == 0 else 1.0
    return RATE * RATE_FALL ** steps * warm


def work(net, images, labels, gradients, jobs, results, bfloat16):
    """A worker process: the gradient of one part of a batch after the other.

    Each part has its own seed, so that what comes out does not depend on which worker does it.
    """
    torch.set_num_threads(1)
    net.train()
    parameters = list(net.parameters())
    for part, seed, index, batch_size in iter(jobs.get, None):
        torch.manual_seed(seed)
        pictures, answers = training_pictures(images[index]), labels[index]
        if bfloat16:
            pictures = tuple(kind.bfloat16() for kind in pictures)
        with autocast(bfloat16):
            logits = net(pictures).float()
            loss = F.cross_entropy(logits, answers, reduction="sum")
        flat = [g.flatten() for g in torch.autograd.grad(loss / batch_size, parameters)]
        torch.cat(flat, out=gradients[part])
        results.put((loss.item(), (logits.argmax(1) == answers).sum().item()))


class Workers:
    """Processes that compute the gradients of a batch together."""

    def __init__(self, count, net, images, labels, bfloat16):
        spawn = multiprocessing.get_context("spawn")
        self.parameters = list(net.parameters())
        size = sum(p.numel() for p in self.parameters)
        self.gradients = torch.zeros(BATCH // PART, size).share_memory_()
        self.jobs, self.results = spawn.SimpleQueue(), spawn.SimpleQueue()
        for _ in range(count):
            spawn.Process(target=work, daemon=True, args=(
                net.share_memory(), images.share_memory_(), labels.share_memory_(),
                self.gradients, self.jobs, self.results, bfloat16)).start()

    def compute(self, index, seed):
        """Set the gradients for these images; returns the sum of losses and of right answers."""
        parts = index.split(PART)
        for part, of_part in enumerate(parts):
            self.jobs.put((part, seed + part, of_part.numpy(), len(index)))
        answers = [self.results.get() for _ in parts]
        total = self.gradients[:len(parts)].sum(0)
        for p, gradient in zip(self.parameters, total.split([p.numel() for p in self.parameters])):
            p.grad = gradient.view(p.shape)
        return (sum(column) for column in zip(*answers))


def train_epoch(workers, optimiser, count, epoch):
    """One pass over the training images; returns the mean loss and the accuracy on its pictures."""
    torch.manual_seed(SEED + epoch)
    loss_sum = correct = seen = 0
    for batch, index in enumerate(torch.randperm(count).split(BATCH)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(epoch, batch)
        loss, right = workers.compute(index, seed=(epoch + 1) * 1000000 + batch * BATCH)
        optimiser.step()
        loss_sum, correct, seen = loss_sum + loss, correct + right, seen + len(index)
        if batch % 50 == 0:
            print(f"epoch {epoch + 1}, {seen} images, loss {loss_sum / seen:.4f}", end="\r",
                  file=sys.stderr, flush=True)
    return loss_sum / seen, 100 * correct / seen


def train(options):
    """Train from the start or from the last checkpoint; write the model after every epoch."""
    torch.set_num_threads(1)  # the workers have the cores
    images = read_idx(options.data, "train-images-idx3-ubyte")
    labels = read_idx(options.data, "train-labels-idx1-ubyte").long()
    tests = read_idx(options.data, "t10k-images-idx3-ubyte")
    answers = read_idx(options.data, "t10k-labels-idx1-ubyte")

    torch.manual_seed(SEED)
    net = Net(NETWORK)
    net.initialise()
    optimiser = torch.optim.SGD(net.parameters(), RATE, MOMENTUM, weight_decay=WEIGHT_DECAY,
                                fused=True)
    parameters = sum(p.numel() for p in net.parameters())
    header = [
        f"# python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}, Pillow {PIL.__version__}",
        f"# seed {SEED}, batches in parts of {PART}, "
        f"{'bfloat16' if options.bfloat16 else 'float32'}, "
        f"{sum(p.numel() for p in net.parameters())} parameters",
        f"# batch {BATCH}, momentum {MOMENTUM}, weight decay {WEIGHT_DECAY}, "
        f"{EPOCHS} epochs",
        "# epoch  rate  loss  training top-1 (augmented)  test top-1  seconds"]
    first, lines = 0, []
    if os.path.exists(options.checkpoint):
        state = torch.load(options.checkpoint)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        first, lines = state["epoch"], state["lines"]
    print("\n".join(header + lines), flush=True)

    workers = Workers(options.workers, net, images, labels, options.bfloat16)
    for epoch in range(first, EPOCHS):
        start = time.monotonic()
        loss, accuracy = train_epoch(workers, optimiser, len(images), epoch)
        source = (f"trained on Fashion-MNIST (60,000 images) by weights/train_fashion.py, "
                  f"epoch {epoch + 1} of {EPOCHS}, seed {SEED}, torch {torch.__version__}")
        write_model(options.model, net, source)
        test = "-"
        if (epoch + 1) % TEST_EVERY == 0 or epoch + 1 == EPOCHS:
            shipped, preprocess, _ = read_model(options.model)
            found = test_probabilities(shipped, preprocess, tests, options.bfloat16)
            test = f"{top1(found, answers):.2f}"
        rate = optimiser.param_groups[0]["lr"]
        lines.append(f"{epoch + 1:3d}  {rate:.6f}  {loss:.4f}  {accuracy:.2f}  {test}  "
                     f"{time.monotonic() - start:.0f}")
        print(lines[-1], flush=True)
        torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(),
                    "epoch": epoch + 1, "lines": lines}, options.checkpoint + ".new")
        os.replace(options.checkpoint + ".new", options.checkpoint)
        with open(options.log, "w", encoding="utf-8") as file:
            file.write("\n".join(header + lines) + "\n")


def evaluate(options):
    """Print the accuracy of the model file in float32, and write its probabilities if asked."""
    net, preprocess, names = read_model(options.model)
    net = net.to(memory_format=torch.channels_last)
    images = read_idx(options.data, "t10k-images-idx3-ubyte")
    labels = read_idx(options.data, "t10k-labels-idx1-ubyte").long()
    probabilities = test_probabilities(net, preprocess, images)
    if options.probabilities:
        np.save(options.probabilities, probabilities.numpy())
    print(f"test images as they are: top-1 {top1(probabilities, labels):.2f} %")
    for number, name in enumerate(names):
        of_class = labels == number
        print(f"    {name:12s} {top1(probabilities[of_class], labels[of_class]):6.2f} %")
    negated = test_probabilities(net, preprocess, 255 - images)
    print(f"negated, dark on white:  top-1 {top1(negated, labels):.2f} %")


def classify(options):
    """Print the classes of one picture, the most probable first."""
    net, preprocess, names = read_model(options.model)
    with Image.open(options.classify) as picture, torch.inference_mode():
        probabilities = net(deployed_input(picture, preprocess)[None]).softmax(1)[0]
    for number in probabilities.argsort(descending=True):
        print(f"{names[number]:12s} {probabilities[number]:.4f}")


def main():
    """Read the command line and do what it asks."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--evaluate", action="store_true",
                        help="print the accuracy of the model file instead of training")
    parser.add_argument("--probabilities", metavar="OUT",
                        help="with --evaluate: write the probabilities of the test images (.npy)")
    parser.add_argument("--classify", metavar="IMAGE", help="print the classes of a picture")
    parser.add_argument("--data", metavar="FOLDER", default="/usr/share/datasets/fashion-mnist",
                        help="folder of the four IDX files (default: %(default)s)")
    parser.add_argument("--model", metavar="FILE",
                        default=os.path.join(here, "fashion-alexnet.safetensors"),
                        help="model file to write or to read (default: beside this script)")
    parser.add_argument("--log", metavar="FILE", default=os.path.join(here, "train_fashion.log"),
                        help="log to write (default: beside this script)")
    parser.add_argument("--checkpoint", metavar="FILE", default="fashion-checkpoint.pt",
                        help="file from which training goes on (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2,
                        help="processes that train, one for each core (default: %(default)s)")
    parser.add_argument("--float32", dest="bfloat16", action="store_false",
                        help="train in float32 (slower on CPUs with bfloat16 instructions)")
    options = parser.parse_args()
    if options.classify:
        classify(options)
    elif options.evaluate:
        evaluate(options)
    else:
        train(options)


if __name__ == "__main__":
    main()
