/*
 * What it would take to compute ONNX's operators that are not computed.
 */
#include "model/onnx.h"

static const char other_activation[] =
    "it would take another activation than ReLU, which is the one that is computed";
static const char integers[] =
    "it would take integer arithmetic; save the model in float32, or with "
    "QuantizeLinear and DequantizeLinear (QDQ)";
static const char control[] = "it would take control flow; export the model for inference";
static const char shapes[] =
    "it would take shapes that are computed; export the model with a fixed size of its input";
static const char arithmetic[] = "it would take arithmetic between tensors; only biases are added";
static const char normalisation[] = "it would take another normalisation than LRN and that of a "
                                    "batch, which is folded";
static const char branches[] = "it would take a network with branches; channels may be split into "
                               "equal parts and put together again";
static const char others[] = "an operator that is not computed; it would take a new kind of layer "
                             "beside convolutions, poolings and fully connected layers";

static const struct hint_row {
    const char *op, *hint;
} rows[] = {
    {"Sigmoid", other_activation},
    {"HardSigmoid", other_activation},
    {"HardSwish", other_activation},
    {"Tanh", other_activation},
    {"LeakyRelu", other_activation},
    {"PRelu", other_activation},
    {"ThresholdedRelu", other_activation},
    {"Elu", other_activation},
    {"Selu", other_activation},
    {"Celu", other_activation},
    {"Gelu", other_activation},
    {"Mish", other_activation},
    {"Softplus", other_activation},
    {"Softsign", other_activation},
    {"QLinearConv", integers},
    {"QLinearMatMul", integers},
    {"QLinearAdd", integers},
    {"ConvInteger", integers},
    {"MatMulInteger", integers},
    {"DynamicQuantizeLinear", integers},
    {"If", control},
    {"Loop", control},
    {"Scan", control},
    {"Shape", shapes},
    {"Size", shapes},
    {"Gather", shapes},
    {"Mul", arithmetic},
    {"Sub", arithmetic},
    {"Div", arithmetic},
    {"Pow", arithmetic},
    {"Sum", arithmetic},
    {"InstanceNormalization", normalisation},
    {"LayerNormalization", normalisation},
    {"GroupNormalization", normalisation},
    {"LpNormalization", normalisation},
    {"Concat", branches},
};

const char *alx_onnx_hint(const struct alx_onnx_node *node)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (alx_span_is(node->op, rows[i].op))
            return rows[i].hint;
    return others;
}
