"""The programs that are timed beside ours: each a row, each in a process of its own.

    engines.py ENGINE FOLDER BATCH THREADS OUTPUT

runs one of them as a worker: it reads FOLDER/alexnet-BATCH.onnx and FOLDER/input-BATCH.f32, runs
until warm, writes the probabilities to OUTPUT, and prints "ready"; for every line N that it reads
it then runs N times and prints the N times in milliseconds. A program that is not installed says
so and ends with exit code 3.
"""

import os
import subprocess
import sys
import time

import numpy as np

import alexnet

WARM_UPS = 3


class Job:
    """What a worker has to do."""

    def __init__(self, folder, batch, threads):
        self.folder, self.batch, self.threads = folder, batch, threads
        self.onnx = os.path.join(folder, f"alexnet-{batch}.onnx")

    def path(self, name):
        return os.path.join(self.folder, name)

    def input(self):
        values = np.fromfile(self.path(f"input-{self.batch}.f32"), np.float32)
        return values.reshape(self.batch, 3, alexnet.SIDE, alexnet.SIDE)


def _made(path, make):
    """The file at `path`, made once by `make(path)`."""
    if not os.path.exists(path):
        make(path)
    return path


# --- OpenVINO ---

def _openvino(job, hint, change=None):
    import openvino
    core = openvino.Core()
    model = core.read_model(job.onnx)
    if change:
        model = change(model, job)
    compiled = core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": job.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": hint})
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(job.input()))

    def run():
        request.infer()
        return request.get_output_tensor().data
    return run


def openvino_fp32(job):
    return _openvino(job, "f32")


def openvino_bf16(job):
    import openvino
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ImportError("this processor has no bfloat16")
    return _openvino(job, "bf16")


def openvino_int8_weights(job):
    import nncf
    return _openvino(job, "f32", lambda model, _: nncf.compress_weights(
        model, mode=nncf.CompressWeightsMode.INT8_SYM))


def openvino_int8(job):
    import nncf

    def quantise(model, _):
        samples = np.split(job.input(), job.batch)
        if job.batch == 1:
            samples = [alexnet.pictures(8)[i:i + 1] for i in range(8)]
        else:
            samples = [job.input()]
        return nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples))
    return _openvino(job, "f32", quantise)


# --- ONNX Runtime ---

def _onnxruntime(job, path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    values = {"data": job.input()}
    return lambda: session.run(None, values)[0]


def onnxruntime_fp32(job):
    return _onnxruntime(job, job.onnx)


def onnxruntime_int8(job):
    from onnxruntime.quantization import quantize_dynamic
    path = _made(job.path(f"alexnet-{job.batch}-dynamic.onnx"), lambda path: quantize_dynamic(
        job.onnx, path, op_types_to_quantize=["Gemm", "MatMul"]))
    return _onnxruntime(job, path)


# --- PyTorch ---

def _torch(job, sixteen_bits):
    import torch
    from torch.nn import functional as F
    torch.set_num_threads(job.threads)
    w = {name: torch.from_numpy(array) for name, array in alexnet.weights().items()}
    if sixteen_bits:
        w = {name: array.to(torch.bfloat16) for name, array in w.items()}

    def conv(x, name, stride, pad, groups):
        return F.relu(F.conv2d(x, w[name + ".weight"], w[name + ".bias"], stride, pad, 1, groups))

    def norm_pool(x):
        # not made for bfloat16
        y = F.local_response_norm(x.float(), 5, 5e-4, 0.75, 2.0).to(x.dtype)
        return F.max_pool2d(y, 3, 2)

    def network(x):
        x = norm_pool(conv(x, "conv1", 4, 0, 1))
        x = norm_pool(conv(x, "conv2", 1, 2, 2))
        x = conv(x, "conv3", 1, 1, 1)
        x = conv(x, "conv4", 1, 1, 2)
        x = F.max_pool2d(conv(x, "conv5", 1, 1, 2), 3, 2).flatten(1)
        x = F.relu(F.linear(x, w["fc6.weight"], w["fc6.bias"]))
        x = F.relu(F.linear(x, w["fc7.weight"], w["fc7.bias"]))
        return F.softmax(F.linear(x, w["fc8.weight"], w["fc8.bias"]).float(), 1)

    x = torch.from_numpy(job.input())
    if sixteen_bits:
        x = x.to(torch.bfloat16)

    def run():
        with torch.inference_mode():
            return network(x).numpy()
    return run


def torch_fp32(job):
    return _torch(job, False)


def torch_bf16(job):
    return _torch(job, True)


# --- others ---

def ncnn_fp32(job):
    import ncnn
    base = job.path("alexnet")
    if not os.path.exists(base + ".ncnn.bin"):
        subprocess.run([os.path.join(os.path.dirname(sys.executable), "pnnx"),
                        job.path("alexnet-1.onnx"), f"ncnnparam={base}.ncnn.param",
                        f"ncnnbin={base}.ncnn.bin", "fp16=0"], check=True, cwd=job.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    net = ncnn.Net()
    net.opt.num_threads = job.threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param(base + ".ncnn.param")
    net.load_model(base + ".ncnn.bin")
    pictures = [ncnn.Mat(picture).clone() for picture in job.input()]

    def run():
        answers = []
        for picture in pictures:
            extractor = net.create_extractor()
            extractor.input("in0", picture)
            answers.append(np.array(extractor.extract("out0")[1]).ravel())
        return np.stack(answers)
    return run


def _mnn(job, precision):
    from MNN import expr, nn
    path = _made(job.path(f"alexnet-{job.batch}.mnn"), lambda path: subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "mnnconvert"), "-f", "ONNX", "--modelFile",
         job.onnx, "--MNNModel", path, "--bizCode", "bench"], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    runtime = nn.create_runtime_manager(({"precision": precision, "backend": 0,
                                          "numThread": job.threads},))
    net = nn.load_module_from_file(path, ["data"], ["prob"], runtime_manager=runtime,
                                   shape_mutable=False)
    values = job.input()
    plain = expr.const(values.ravel().tolist(), list(values.shape), expr.NCHW)
    x = expr.convert(plain, expr.NC4HW4)

    def run():
        return np.array(expr.convert(net.forward([x])[0], expr.NCHW).read())
    return run


def mnn_fp32(job):
    return _mnn(job, "high")


def mnn_bf16(job):
    return _mnn(job, "low_bf16")


def opencv_fp32(job):
    import cv2
    cv2.setNumThreads(job.threads)
    net = cv2.dnn.readNetFromONNX(job.onnx)
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    x = job.input()

    def run():
        net.setInput(x)
        return net.forward()
    return run


def tinygrad_opencl(job):
    os.environ.setdefault("DEV", "CL")
    from tinygrad import Tensor, TinyJit
    from tinygrad.nn.onnx import OnnxRunner
    network = OnnxRunner(job.onnx)
    step = TinyJit(lambda x: network({"data": x})["prob"].realize())
    x = Tensor(job.input()).realize()
    return lambda: step(x).numpy()


# Row: name as printed, precision class, Python packages it needs, what makes a run() of a job.
ENGINES = {
    "openvino-fp32": ("OpenVINO", "fp32", ["openvino"], openvino_fp32),
    "onnxruntime-fp32": ("ONNX Runtime", "fp32", ["onnxruntime"], onnxruntime_fp32),
    "torch-fp32": ("PyTorch", "fp32", ["torch"], torch_fp32),
    "ncnn-fp32": ("ncnn", "fp32", ["ncnn", "pnnx"], ncnn_fp32),
    "mnn-fp32": ("MNN", "fp32", ["MNN"], mnn_fp32),
    "opencv-fp32": ("OpenCV", "fp32", ["opencv-python-headless"], opencv_fp32),
    "tinygrad-fp32": ("tinygrad on OpenCL", "fp32", ["tinygrad"], tinygrad_opencl),
    "openvino-bf16": ("OpenVINO, bfloat16", "16 bits", ["openvino"], openvino_bf16),
    "torch-bf16": ("PyTorch, bfloat16", "16 bits", ["torch"], torch_bf16),
    "mnn-bf16": ("MNN, bfloat16", "16 bits", ["MNN"], mnn_bf16),
    "openvino-int8w": ("OpenVINO, int8 weights", "8 bits", ["openvino", "nncf"],
                       openvino_int8_weights),
    "openvino-int8": ("OpenVINO, int8 weights and activations", "8 bits", ["openvino", "nncf"],
                      openvino_int8),
    "onnxruntime-int8": ("ONNX Runtime, dynamic int8", "8 bits", ["onnxruntime", "onnx"],
                         onnxruntime_int8),
}


def serve(run):
    """Answers requests on standard input until it ends."""
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        print(" ".join(f"{t:.6f}" for t in times), file=ANSWERS, flush=True)


def main():
    name, folder, batch, threads, output = sys.argv[1:]
    try:
        run = ENGINES[name][3](Job(folder, int(batch), int(threads)))
    except ImportError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(3)
    for _ in range(WARM_UPS):
        answer = run()
    np.asarray(answer, np.float32).tofile(output)
    print("ready", file=ANSWERS, flush=True)
    serve(run)


if __name__ == "__main__":
    # What a program prints while it works must not be mixed with the answers.
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main()
