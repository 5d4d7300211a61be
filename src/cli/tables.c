/*
 * The words of the command line: commands, options, exit codes, environment.
 */
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

const char cli_summary[] = "classify images by AlexNet on any OpenCL device";

static const struct cli_command commands[] = {
    {"classify", ON_CLASSIFY, "IMAGE...", 0, SIZE_MAX, "say what images show (the default command)",
     "Prints the most probable classes of each IMAGE (JPEG, PNG, BMP or PNM; - reads standard "
     "input). Images that cannot be read are reported, and the others still done.",
     "alexnet-cl --device gpu photos/*.jpg", cli_classify},
    {"devices", ON_DEVICES, "", 0, 0, "list the OpenCL devices of this machine",
     "Lists every device of every OpenCL platform under the number that --device takes. With -v, "
     "everything that is known of each.",
     "alexnet-cl devices", cli_devices},
    {"info", ON_INFO, "[MODEL]", 0, 1, "print a network as a table of layers",
     "Prints the layers of a model file, of an installed model, or with --network of a built-in "
     "network that needs no weights: kernels, shapes, parameters and multiply-accumulates (MACs) "
     "for one image.",
     "alexnet-cl info --network alexnet", cli_info},
    {"eval", ON_EVAL, "FOLDER | IMAGES LABELS", 1, 2, "measure the accuracy on labelled images",
     "Classifies every image of a FOLDER that holds one folder for each class, named by its label "
     "or its number; or of a pair of IDX files (as MNIST has them, plain or .gz). Prints top-1 and "
     "top-5 accuracy, what was taken for what, and images per second.",
     "alexnet-cl eval t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz", cli_eval},
    {"bench", ON_BENCH, "[FILE...]", 0, SIZE_MAX, "measure devices side by side, layer by layer",
     "Measures every device (or those of --device) in a process of its own: what it can do at "
     "most, whether its results are right, then AlexNet with random weights (or --network, "
     "--model) for one image and for as many at a time as are fastest, with float32, half and "
     "8-bit weights. Medians have their confidence intervals; a device that fails or hangs is a "
     "row that says so. --json=FILE keeps all of it: --from FILE shows it again, --merge FILE... "
     "puts several machines side by side, and --compare OLD [FILE] says what became faster or "
     "slower beyond noise.",
     "alexnet-cl bench --quick --json=result.json --html result.html", cli_bench},
    {"verify", ON_VERIFY, "", 0, 0, "compare every kernel on a device with the reference",
     "Runs every algorithm over many shapes, on small whole numbers, which must be exact, and on "
     "real numbers, whose largest error is printed as a part of the error that rounding allows.",
     "alexnet-cl verify --device all", cli_verify},
    {"convert", ON_CONVERT, "IN OUT.safetensors", 2, 2, "read any model file, write safetensors",
     "Reads the model IN (a file or an installed model's name) and writes it with its network, "
     "labels, preprocessing and where it is from as a safetensors file, which runs without further "
     "options. As fp32 it gives the same answers to the bit. An existing OUT is replaced once the "
     "new one is complete.",
     "alexnet-cl convert --precision fp16 model.safetensors small.safetensors", cli_convert},
    {"cache", ON_CACHE, "", 0, 0, "show or clear the cache of compiled programs",
     "Prints where compiled programs are kept, how many, and how large they are; --clear removes "
     "them.",
     "alexnet-cl cache --clear", cli_cache},
    {"tune", ON_TUNE, "", 0, 0, "find the fastest plan for a device and remember it",
     "Measures, layer by layer, which algorithm and which parameters are fastest on a device, "
     "checks "
     "their numbers, tries the best in the whole network, and keeps what it found for this "
     "network, "
     "batch size and precision. Classifying and eval then use it. Weights are not needed: with "
     "--network the built-in network alone is tuned.",
     "alexnet-cl tune --device all --network alexnet", cli_tune},
};

const struct cli_command *cli_command(size_t index)
{
    return index < sizeof commands / sizeof *commands ? &commands[index] : NULL;
}

#define OPTION(long_name, short_name, value, text, on, how, member)                                \
    .name = long_name, .letter = short_name, .argument = value, .help = text, .commands = on,      \
    .kind = how, .offset = offsetof(struct cli_options, member)
#define BETWEEN(least, most) .low = least, .high = most
#define OFFER(...)           .completion = COMPLETE_WORDS, .choices = {__VA_ARGS__}

/* The order is that of the help. Choices stand in the order of the enums whose values they are. */
static const struct cli_option options[] = {
    {OPTION("device", 'd', "SPEC",
            "the device: a number as devices prints it, PLATFORM:DEVICE, a part of its name, cpu "
            "or gpu; bench, verify and tune also take all and lists such as 1,3 (default: "
            "$ALEXNET_CL_DEVICE, else the best real device; bench: all)",
            ON_PLANS | ON_VERIFY | ON_TUNE, KIND_TEXT, device),
     OFFER("cpu", "gpu", "all")},
    {OPTION("model", 'm', "FILE|NAME", "the model: a file, or the name of an installed one",
            ON_PLANS | ON_INFO | ON_TUNE, KIND_TEXT, model),
     .completion = COMPLETE_FILE},
    {OPTION(
         "network", 0, "NAME|FILE",
         "the network that a file of mere weights belongs to: a built-in one, or a .prototxt file",
         ON_PLANS | ON_INFO | ON_CONVERT | ON_TUNE, KIND_TEXT, network),
     .completion = COMPLETE_NETWORK},
    {OPTION("labels", 0, "FILE", "the names of the classes, one a line",
            ON_RUNS | ON_INFO | ON_CONVERT, KIND_TEXT, labels),
     .completion = COMPLETE_FILE},
    {OPTION("allow-nan", 0, NULL,
            "take a model whose weights are NaN or infinite, with a warning that names the tensor",
            ON_RUNS | ON_INFO | ON_CONVERT, KIND_FLAG, allow_nan)},
    {OPTION("top", 'k', "N",
            "print the N most probable classes (default 5); 0: all, in their order", ON_CLASSIFY,
            KIND_NUMBER, top),
     BETWEEN(0, 1000000)},
    {OPTION("batch", 'b', "N",
            "images in one run (default 1; eval: 32, with --ten-crop 3; bench: 1, and what is "
            "fastest)",
            ON_PLANS | ON_TUNE, KIND_NUMBER, batch),
     BETWEEN(1, 4096)},
    {OPTION("precision", 0, "fp32|fp16|int8|bf16",
            "how weights are stored, on the device (default fp32) or by convert (default: as they "
            "are), which alone takes bf16; int8 has a scale for each output channel; sums are "
            "always float32",
            ON_PLANS | ON_CONVERT | ON_TUNE, KIND_CHOICE, precision),
     OFFER("fp32", "fp16", "int8", "bf16"), .last_choice = ON_CONVERT},
    {OPTION("input-size", 0, "N", "make the network's input N x N, where its weights allow it",
            ON_RUNS, KIND_NUMBER, input_size),
     BETWEEN(1, 8192)},
    {OPTION(
         "resize", 0, "warp|crop|none",
         "scale to a square (warp), scale the short side and cut the centre (crop), or demand the "
         "exact size (none)",
         ON_RUNS, KIND_CHOICE, resize),
     OFFER("warp", "crop", "none")},
    {OPTION("ten-crop", 0, NULL,
            "average the answers to ten views of each image: the corners and the centre of the "
            "resized image, and their mirror images, as the paper of 2012 does",
            ON_RUNS, KIND_FLAG, ten_crop)},
    {OPTION(
         "mean", 0, "V,V,V|FILE",
         "subtracted from each channel, or a mean image (.npy, .binaryproto): a pixel p becomes (p "
         "* "
         "scale - mean) / std; giving one of --mean, --std, --scale resets the others to 0, 1, 1",
         ON_RUNS, KIND_MEAN, mean),
     .completion = COMPLETE_FILE},
    {OPTION("std", 0, "V,V,V", "what each channel is divided by", ON_RUNS, KIND_TRIPLE, std),
     .low = 1},
    {OPTION("scale", 0, "V", "what pixels (0 to 255) are multiplied by first", ON_RUNS, KIND_FLOAT,
            scale),
     .low = 1},
    {OPTION("order", 0, "rgb|bgr", "the order of channels in which the network reads", ON_RUNS,
            KIND_CHOICE, order),
     OFFER("rgb", "bgr")},
    {OPTION("memory-limit", 0, "MIB", "use no more device memory; weights are then streamed",
            ON_PLANS | ON_TUNE, KIND_NUMBER, memory_limit_mib),
     BETWEEN(1, (size_t)1 << 24)},
    {OPTION("algorithm", 0, "NAME",
            "use this algorithm wherever it can be used; verify: only this one",
            ON_PLANS | ON_VERIFY, KIND_TEXT, algorithm)},
    {OPTION("exact", 0, NULL, "only algorithms whose sums are those of the definition: no Winograd",
            ON_PLANS, KIND_FLAG, exact)},
    {OPTION("layer", 0, "KIND",
            "verify only this kind of layer: conv, fc, lrn, max-pool, avg-pool, relu, softmax",
            ON_VERIFY, KIND_WORD, layer),
     OFFER("conv", "fc", "lrn", "max-pool", "avg-pool", "relu", "softmax")},
    {OPTION("shapes", 0, "N", "try only the first N shapes of each", ON_VERIFY, KIND_NUMBER,
            shapes),
     BETWEEN(1, 1000000)},
    {OPTION("candidates", 0, NULL,
            "on each shape, try all values of the parameters that tune may choose", ON_VERIFY,
            KIND_FLAG, candidates)},
    {OPTION("budget", 0, "SECONDS", "how long to measure on each device (default 60)", ON_TUNE,
            KIND_NUMBER, budget),
     BETWEEN(1, 1000000)},
    {OPTION("exhaustive", 0, NULL, "measure every candidate, however long that takes", ON_TUNE,
            KIND_FLAG, exhaustive)},
    {OPTION("show", 0, NULL, "print what was found before; measure nothing", ON_TUNE, KIND_FLAG,
            show)},
    {OPTION("export", 0, "FILE", "write what was found before to FILE", ON_TUNE, KIND_TEXT, export),
     .completion = COMPLETE_FILE},
    {OPTION("import", 0, "FILE", "add what FILE holds to what was found before", ON_TUNE, KIND_TEXT,
            import),
     .completion = COMPLETE_FILE},
    {OPTION("probabilities", 0, "FILE",
            "write all probabilities to FILE: float32, [images, classes]", ON_EVAL, KIND_TEXT,
            probabilities),
     .completion = COMPLETE_FILE},
    {OPTION("time", 0, "SECONDS",
            "the most that one measurement may take (default 10, with --quick 1); it ends before, "
            "when the median is known within 2 %",
            ON_BENCH, KIND_FLOAT, time),
     .low = 1},
    {OPTION("quick", 0, NULL, "measure for a shorter time, batches up to 16", ON_BENCH, KIND_FLAG,
            quick)},
    {OPTION("interleave", 0, NULL,
            "let the devices take turns, so that what disturbs one disturbs all", ON_BENCH,
            KIND_FLAG, interleave)},
    {OPTION("timeout", 0, "SECONDS", "give a device up after so long without progress (default 60)",
            ON_BENCH, KIND_NUMBER, timeout),
     BETWEEN(1, 86400)},
    {OPTION("from", 0, "FILE", "show what was measured before, as --json wrote it; measure nothing",
            ON_BENCH, KIND_TEXT, from),
     .completion = COMPLETE_FILE},
    {OPTION("merge", 0, NULL,
            "show the documents of the FILEs, of other machines or days, side by side", ON_BENCH,
            KIND_FLAG, merge)},
    {OPTION("compare", 0, "OLD",
            "say what became faster or slower than in the document OLD, now or in FILE", ON_BENCH,
            KIND_TEXT, compare),
     .completion = COMPLETE_FILE},
    {OPTION("threshold", 0, "PERCENT",
            "a run or layer that is slower by more is a regression: exit 1 (default 5)", ON_BENCH,
            KIND_FLOAT, threshold)},
    {OPTION("html", 0, "FILE", "also write a page with charts that needs no network", ON_BENCH,
            KIND_TEXT, html),
     .completion = COMPLETE_FILE},
    {OPTION("csv", 0, "[FILE]", "print a row a run and layer instead of text, or write it to FILE",
            ON_BENCH, KIND_OUTPUT, csv),
     .completion = COMPLETE_FILE},
    {OPTION("markdown", 0, "[FILE]", "print Markdown instead of text, or write it to FILE",
            ON_BENCH, KIND_OUTPUT, markdown),
     .completion = COMPLETE_FILE},
    {OPTION("trace", 0, "FILE",
            "write one run of each device, layer by layer, in Chrome's trace format", ON_BENCH,
            KIND_TEXT, trace),
     .completion = COMPLETE_FILE},
    {OPTION("list", 0, NULL, "list the installed models and the built-in networks", ON_INFO,
            KIND_FLAG, list)},
    {OPTION("clear", 0, NULL, "remove the programs in the cache; tune: what was found",
            ON_CACHE | ON_TUNE, KIND_FLAG, clear)},
    {OPTION("explain", 0, NULL,
            "print the plan: each layer's algorithm, why, and what it should cost", ON_RUNS,
            KIND_FLAG, explain)},
    {OPTION("no-cache", 0, NULL, "compile all programs, keep none; use and keep no tunings",
            ON_PLANS | ON_VERIFY | ON_TUNE, KIND_FLAG, no_cache)},
    {OPTION("cache-dir", 0, "DIR",
            "where compiled programs and tunings are kept (default: ~/.cache/alexnet-cl)",
            ON_PLANS | ON_VERIFY | ON_CACHE | ON_TUNE, KIND_TEXT, cache_dir),
     .completion = COMPLETE_FOLDER},
    {OPTION("json", 0, "[FILE]", "print one JSON document instead of text, or write it to FILE",
            ON_ALL, KIND_JSON, json),
     .completion = COMPLETE_FILE},
    {OPTION("color", 0, "auto|always|never",
            "colours (auto: on a terminal, unless NO_COLOR is set)", ON_ALL, KIND_CHOICE, color),
     OFFER("auto", "always", "never")},
    {OPTION("verbose", 'v', NULL, "say more, and all names of a class; twice: still more", ON_ALL,
            KIND_COUNTED, verbose)},
    {OPTION("quiet", 'q', NULL, "results and errors alone", ON_ALL, KIND_FLAG, quiet)},
    {OPTION("help", 'h', NULL, "print this help", ON_ALL, KIND_FLAG, help)},
    {OPTION("version", 0, NULL, "print the version", ON_ALL, KIND_FLAG, version)},
    {OPTION("print", 0, "man|bash|zsh|fish", "print the man page or a shell's completions", ON_ALL,
            KIND_WORD, print),
     OFFER("man", "bash", "zsh", "fish"), .hidden = true},
};

bool cli_option_is_alone(const struct cli_option *option)
{
    return option->kind == KIND_JSON || option->kind == KIND_OUTPUT;
}

const struct cli_option *cli_option(size_t index)
{
    return index < sizeof options / sizeof *options ? &options[index] : NULL;
}

const struct cli_note cli_exit_codes[] = {
    {"0", "all done"},
    {"1", "some inputs failed, the others were done; the output could not be written; or bench "
          "--compare found a regression"},
    {"2", "wrong usage"},
    {"3", "no usable OpenCL device, or the one named does not exist"},
    {"4", "the model, or a document that is read, cannot be read or does not fit"},
    {"5", "the device failed: build error, out of memory, wrong results"},
    {"130", "interrupted"},
    {NULL, NULL},
};

const struct cli_note cli_environment[] = {
    {"ALEXNET_CL_DEVICE", "the device to use where --device is not given"},
    {"ALEXNET_CL_MODELS", "folders to look in for models by name, separated by colons"},
    {"XDG_CACHE_HOME",
     "where the folder alexnet-cl for compiled programs and tunings lies (default: ~/.cache)"},
    {"NO_COLOR", "when set, no colours unless --color=always"},
    {NULL, NULL},
};
