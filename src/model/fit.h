/*
 * Which tensor belongs to which layer, and whether all is there.
 */
#ifndef ALX_MODEL_FIT_H
#define ALX_MODEL_FIT_H

#include "model/naming.h"
#include "model/reader.h"

/* A layer's values; elems 0 for what it does not have. */
struct alx_slot {
    struct alx_tensor_view weights, biases, scales;
};

/* A tensor that a layer needs. */
struct alx_need {
    char name[ALX_NAME_BYTES + 8];
    size_t dims[4], dim_count;
};
enum { ALX_NEEDS_A_LAYER = 2 }; /* weights, then biases */
/* Returns how many the layer needs. */
size_t alx_needs_of(const struct alx_layer_info *info, struct alx_need needs[ALX_NEEDS_A_LAYER]);

/* MODEL unless the values of a tensor that is needed are of a type that is read, and finite; with
 * `allow_nan` those that are not are only warned of. */
enum alx_status alx_fit_check_values(const struct alx_source_tensor *tensor, bool allow_nan);

/* Fills a slot for each layer of the network and marks the tensors that are used. MODEL when one is
 * missing, of another type, of another shape than the network needs, or not finite unless
 * `allow_nan`. `naming` is how the file names them; NULL: as we do. */
enum alx_status alx_fit(const struct alx_source *source, const alx_net *net,
                        const struct alx_naming *naming, bool allow_nan, struct alx_slot *slots);

/* How the file names the tensors of a network: the naming of which most are there, or NULL. */
const struct alx_naming *alx_fit_naming(const struct alx_source *source, const alx_net *net);

/* The one network among `nets` that all tensors' names and shapes are there for, in any naming; of
 * several that which takes the most, and of those that whose widths are most like them. Its layers
 * may have other numbers of output channels than the table's: then the network is made with the
 * file's. MODEL when it is none or more than one, with what to do. `*out` is owned. */
enum alx_status alx_fit_recognise(const struct alx_source *source, const alx_net *const *nets,
                                  size_t count, const struct alx_naming **naming, alx_net **out);

/* One warning that names tensors which nobody uses. */
void alx_fit_warn_unused(const struct alx_source *source, const alx_net *net);

#endif
