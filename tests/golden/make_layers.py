"""Write layers.h: small layers as PyTorch computes them in double precision.

Run: python make_layers.py > layers.h   (needs torch; made with the version named in the file)
"""
import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)

# name, input shape, layer fields as C, function of (input, weights, biases), weights' shape
CASES = [
    ("conv_grouped", (2, 6, 7, 5),
     ".kind = ALX_LAYER_CONV, .out_channels = 4, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, "
     ".stride_w = 1, .pad_top = 1, .pad_left = 2, .pad_bottom = 1, .pad_right = 2, .groups = 2",
     lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 2), groups=2), (4, 3, 3, 3)),
    ("conv_dilated", (1, 3, 8, 8),
     ".kind = ALX_LAYER_CONV, .activation = ALX_ACTIVATION_RELU, .out_channels = 5, "
     ".kernel_h = 3, .kernel_w = 2, .dilation_h = 2, .dilation_w = 3",
     lambda x, w, b: F.relu(F.conv2d(x, w, b, dilation=(2, 3))), (5, 3, 3, 2)),
    ("fc", (2, 3, 2, 4),
     ".kind = ALX_LAYER_FC, .out_channels = 6, .activation = ALX_ACTIVATION_RELU",
     lambda x, w, b: F.relu(F.linear(x.flatten(1), w, b)), (6, 24)),
    ("lrn_caffe", (2, 7, 2, 3),
     ".kind = ALX_LAYER_LRN, .lrn_size = 5, .lrn_alpha = 0.1, .lrn_beta = 0.75, .lrn_k = 1",
     lambda x, w, b: F.local_response_norm(x, 5, alpha=0.5, beta=0.75, k=1.0), None),
    ("lrn_paper", (1, 9, 2, 2),
     ".kind = ALX_LAYER_LRN, .lrn_size = 3, .lrn_alpha = 0.25, .lrn_beta = 0.6, .lrn_k = 2",
     lambda x, w, b: F.local_response_norm(x, 3, alpha=0.75, beta=0.6, k=2.0), None),
    ("pool_overlapping", (2, 3, 7, 8),
     ".kind = ALX_LAYER_MAX_POOL, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2",
     lambda x, w, b: F.max_pool2d(x, 3, 2), None),
    ("pool_ceil", (1, 2, 6, 8),
     ".kind = ALX_LAYER_MAX_POOL, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, "
     ".pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1, .ceil_mode = true",
     lambda x, w, b: F.max_pool2d(x, 3, 2, padding=1, ceil_mode=True), None),
    ("relu", (1, 2, 3, 3), ".kind = ALX_LAYER_RELU", lambda x, w, b: F.relu(x), None),
    ("softmax", (2, 5, 2, 1), ".kind = ALX_LAYER_SOFTMAX",
     lambda x, w, b: F.softmax(x, 1), None),
    ("average", (2, 3, 7, 8),
     ".kind = ALX_LAYER_AVG_POOL, .kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 2, "
     ".pad_top = 1, .pad_left = 0, .pad_bottom = 1, .pad_right = 0",
     lambda x, w, b: F.avg_pool2d(x, (3, 2), 2, padding=(1, 0), count_include_pad=False), None),
    ("average_padded", (1, 2, 7, 8),
     ".kind = ALX_LAYER_AVG_POOL, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, "
     ".pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1, .ceil_mode = true, "
     ".count_padding = true",
     lambda x, w, b: F.avg_pool2d(x, 3, 2, padding=1, ceil_mode=True), None),
    ("relu_limited", (1, 2, 5, 4), ".kind = ALX_LAYER_RELU, .relu_limit = 0.75",
     lambda x, w, b: F.hardtanh(x, 0, 0.75), None),
    ("lrn_groups", (2, 12, 2, 3),
     ".kind = ALX_LAYER_LRN, .groups = 3, .lrn_size = 5, .lrn_alpha = 0.4, .lrn_beta = 0.75, "
     ".lrn_k = 1",
     lambda x, w, b: torch.cat([F.local_response_norm(part, 5, alpha=2.0, beta=0.75, k=1.0)
                                for part in x.chunk(3, 1)], 1), None),
]


def array(name, kind, tensor):
    values = [float(v).hex() for v in tensor.flatten()]
    lines = [", ".join(values[i:i + 4]) for i in range(0, len(values), 4)]
    suffix = "f" if kind == "float" else ""
    body = ",\n    ".join(line.replace(",", suffix + ",") + suffix for line in lines)
    return f"static const {kind} {name}[] = {{\n    {body}}};\n"


print(f"/* Made by make_layers.py with PyTorch {torch.__version__}. */\n/* clang-format off */")
rows = []
for name, shape, fields, function, weight_shape in CASES:
    x = torch.randn(shape).float().double()
    w = b = None
    print(array(f"{name}_in", "float", x))
    if weight_shape:
        w = torch.randn(weight_shape).float().double()
        b = torch.randn(weight_shape[0]).float().double()
        print(array(f"{name}_w", "float", w), array(f"{name}_b", "float", b), sep="")
    out = function(x, w, b)
    print(array(f"{name}_out", "double", out))
    weights = f"{name}_w, {name}_b" if weight_shape else "NULL, NULL"
    n, c, h, width = shape
    rows.append(f'    {{"{name}", {n}, {{{c}, {h}, {width}}}, {{.name = "{name}", {fields}}},\n'
                f"     {name}_in, {weights}, {name}_out, sizeof {name}_out / sizeof(double)}},")
print("static const struct golden_layer {\n    const char *name;\n    size_t batch;\n"
      "    struct alx_shape in;\n    struct alx_layer layer;\n"
      "    const float *input, *weights, *biases;\n    const double *output;\n"
      "    size_t output_elems;\n} golden_layers[] = {")
print("\n".join(rows))
print("};\n/* clang-format on */")
