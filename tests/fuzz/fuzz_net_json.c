/*
 * Any text is a network, a recipe of preprocessing or a list of labels, or is refused. What is read
 * can be written, and read again means the same. The first byte says which of the three it is.
 */
#include <stdlib.h>
#include <string.h>

#include "model/labels.h"
#include "model/net_json.h"
#include "model/preprocess.h"

/* Ends the program like a finding. */
static void must(int condition)
{
    if (!condition)
        abort();
}

static void must_be_same(char *first, char *second)
{
    must(!strcmp(first, second));
    free(first);
    free(second);
}

static enum alx_status try_net(const char *text)
{
    alx_net *net = NULL, *again = NULL;
    char *first = NULL, *second = NULL;
    enum alx_status status = alx_net_from_text(text, &net);
    if (status != ALX_STATUS_OK)
        return status;
    must(alx_net_to_text(net, &first) == ALX_STATUS_OK);
    must(alx_net_from_text(first, &again) == ALX_STATUS_OK);
    must(alx_net_to_text(again, &second) == ALX_STATUS_OK);
    must_be_same(first, second);
    alx_net_destroy(&again);
    must(alx_net_with_softmax(net, &again) == ALX_STATUS_OK);
    alx_net_destroy(&again);
    alx_net_destroy(&net);
    return ALX_STATUS_OK;
}

static enum alx_status try_preprocess(const char *text)
{
    struct alx_preprocess recipe, again;
    char *first = NULL, *second = NULL;
    enum alx_status status = alx_preprocess_from_json(text, &recipe);
    if (status != ALX_STATUS_OK)
        return status;
    must(alx_preprocess_to_json(&recipe, 3, &first) == ALX_STATUS_OK);
    must(alx_preprocess_from_json(first, &again) == ALX_STATUS_OK);
    must(alx_preprocess_to_json(&again, 3, &second) == ALX_STATUS_OK);
    must_be_same(first, second);
    return ALX_STATUS_OK;
}

static enum alx_status try_labels(const char *text)
{
    struct alx_labels labels = {0}, again = {0};
    char *first = NULL, *second = NULL;
    enum alx_status status = alx_labels_from_json(text, &labels);
    if (status != ALX_STATUS_OK)
        return status;
    must(alx_labels_to_json(&labels, &first) == ALX_STATUS_OK);
    must(alx_labels_from_json(first, &again) == ALX_STATUS_OK);
    must(alx_labels_to_json(&again, &second) == ALX_STATUS_OK);
    must_be_same(first, second);
    alx_labels_free(&labels);
    alx_labels_free(&again);
    return ALX_STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static enum alx_status (*const tries[])(const char *) = {try_net, try_preprocess, try_labels};
    if (!bytes)
        return 0;
    char *text = calloc(1, bytes);
    must(text != NULL);
    memcpy(text, data + 1, bytes - 1);
    enum alx_status status = tries[data[0] % 3](text);
    must(status == ALX_STATUS_OK || status == ALX_STATUS_MODEL);
    free(text);
    return 0;
}
