/*
 * A network as text: the name of a built-in table, or JSON:
 *
 *   {"name": "small", "input": [3, 227, 227], "layers": [
 *     {"name": "conv1", "kind": "conv", "activation": "relu", "out_channels": 24,
 *      "kernel": [11, 11], "stride": [4, 4], "padding": [0, 0, 0, 0], "dilation": [1, 1],
 *      "groups": 1, "bias": true},
 *     {"name": "norm1", "kind": "lrn", "groups": 1, "size": 5, "alpha": 0.0001, "beta": 0.75,
 *      "k": 2},
 *     {"name": "pool1", "kind": "max-pool", "kernel": [3, 3], "stride": [2, 2],
 *      "padding": [0, 0, 0, 0], "ceil_mode": false},
 *     {"name": "fc2", "kind": "fc", "activation": "none", "out_channels": 10, "bias": true},
 *     {"name": "drop2", "kind": "dropout", "ratio": 0.5},
 *     {"name": "relu2", "kind": "relu"},
 *     {"name": "prob", "kind": "softmax"}]}
 *
 * Pairs are [height, width], padding is [top, left, bottom, right]. What has the value that a
 * missing key stands for may be left out: activation "none", stride 1, padding 0, dilation 1,
 * groups 1, bias true, ceil_mode false. Any other key, type or value out of range is an error.
 */
#ifndef ALX_MODEL_NET_JSON_H
#define ALX_MODEL_NET_JSON_H

#include <alexnet_cl/net.h>

/* Reads either form. MODEL with a message that names layer and key. */
enum alx_status alx_net_from_text(const char *text, alx_net **out);
/* Writes the name of the built-in table that the network equals, else JSON, short and always the
 * same for the same network. `*out` is owned. */
enum alx_status alx_net_to_text(const alx_net *net, char **out);

/* A copy of a network; one that does not end in softmax gets one, named "prob" or, when that is
 * taken, "prob2", "prob3", ... */
enum alx_status alx_net_with_softmax(const alx_net *net, alx_net **out);

#endif
