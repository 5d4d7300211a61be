/* ONNX's external data: read from the model's own folder, and nowhere else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "support/files.h"
#include "support/golden.h"
#include "support/proto.h"
#include "support/test.h"

/* A model whose matrix lies elsewhere: its external data, as the entries say. */
#define MODEL(entries)                                                                             \
    "1=8 8{2=13} 7{2'net' 11{1'x' 2{1{1=1 2{1{1=1} 1{1=1} 1{1=2} 1{1=2}}}}} "                      \
    "5{1=2 1=4 2=1 8'w' 14=1 " entries "} 5{1=2 2=1 8'b' 4*2} 1{1'x' 2'f' 4'Flatten'} "            \
    "1{1'f' 1'w' 1'b' 2'y' 4'Gemm' 5{1'transB' 3=1}} 12{1'y'}}"
#define ENTRY(key, value) "13{1'" key "' 2'" value "'} "
#define AT(location)      ENTRY("location", location)

static void write_model(const char *name, const char *text)
{
    size_t bytes;
    uint8_t *file = test_proto_make(text, &bytes);
    test_files_write(name, file, bytes);
    free(file);
}

static enum alx_status load(const char *text, alx_model **out)
{
    write_model("model.onnx", text);
    return alx_model_load(test_files_path("model.onnx"), NULL, out);
}

static int begin(void **state)
{
    float values[10];
    for (size_t i = 0; i < 10; i++)
        values[i] = (float)i;
    if (test_files_begin(state))
        return 1;
    test_files_write("w.bin", values, sizeof values);
    test_files_write("nan.bin",
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                     32);
    test_files_write("twice.bin", values, sizeof values);
    test_files_write("empty.bin", "", 0);
    return link(test_files_path("twice.bin"), test_files_path("again.bin")) ||
           symlink("w.bin", test_files_path("link.bin")) ||
           symlink(".", test_files_path("folder_link")) ||
           symlink("/etc/passwd", test_files_path("passwd")) ||
           mkfifo(test_files_path("pipe"), 0600);
}

static void values_are_used_where_they_lie(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        float first;
    } rows[] = {
        {MODEL(AT("w.bin")), 0},
        {MODEL(AT("./w.bin")), 0},
        {MODEL(AT("w.bin") ENTRY("offset", "4")), 1},
        {MODEL(AT("w.bin") ENTRY("offset", "8") ENTRY("length", "32")), 2},
        {MODEL(ENTRY("length", "32") ENTRY("checksum", "0") AT("w.bin")), 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        alx_model *model = NULL;
        float value;
        assert_ok(load(rows[i].text, &model));
        /* the mapping stays although the name is gone */
        unlink(test_files_path("model.onnx"));
        memcpy(&value, alx_model_weights(model, 0).data, sizeof value);
        assert_true(value == rows[i].first);
        assert_non_null(model->files);
        assert_null(model->files->next);
        const uint8_t *data = alx_model_weights(model, 0).data, *file = model->files->mapping.data;
        assert_true(data >= file && data + 32 <= file + model->files->mapping.bytes);
        alx_model_destroy(&model);
    }
}

static void folders_below_are_the_models_own(void **state)
{
    (void)state;
    static const float values[8] = {5};
    alx_model *model = NULL;
    assert_int_equal(mkdir(test_files_path("below"), 0700), 0);
    test_files_write("below/w.bin", values, sizeof values);
    assert_ok(load(MODEL(AT("below/w.bin")), &model));
    assert_true(*(const float *)alx_model_weights(model, 0).data == 5);
    alx_model_destroy(&model);
    assert_fails(load(MODEL(AT("below/../w.bin")), &model), ALX_STATUS_MODEL,
                 "only files in the model's own folder");
    assert_fails(load(MODEL(AT("below")), &model), ALX_STATUS_MODEL, "not a regular file");
    assert_fails(load(MODEL(AT("w.bin/below")), &model), ALX_STATUS_MODEL, "w.bin/below: ");
    unlink(test_files_path("below/w.bin"));
    rmdir(test_files_path("below"));
}

static void what_onnx_writes_is_read(void **state)
{
    (void)state;
    alx_model *model = NULL;
    assert_ok(alx_model_load(test_golden_path("onnx/external.onnx"), NULL, &model));
    assert_non_null(model->files);
    assert_null(model->files->next); /* one file, for all tensors */
    test_golden_compare(model, "onnx/zoo7.out", 2e-6);
    alx_model_destroy(&model);
}

static void bad_places_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } rows[] = {
        {MODEL(""), "tensor w: its external data have no location"},
        {MODEL(AT("")), "tensor w: the location, offset or length"},
        {MODEL("13{1'location' 2#772e62696e00}"), "tensor w: the location, offset or length"},
        {MODEL("13=1"), "a number where bytes belong"},
        {MODEL("13{1=1}"), "field 1 of external data is of type 0"},
        {MODEL("13{!ff}"), "not the beginning of a field"},
        {MODEL(AT("w.bin") ENTRY("offset", "-4")), "the location, offset or length"},
        {MODEL(AT("w.bin") ENTRY("offset", "")), "the location, offset or length"},
        {MODEL(AT("w.bin") ENTRY("offset", "4x")), "the location, offset or length"},
        {MODEL(AT("w.bin") ENTRY("offset", "99999999999999999999")), "the location, offset or"},
        {MODEL(AT("w.bin") ENTRY("offset", "9999999999999999999")),
         "tensor w: its 32 bytes from offset 9999999999999999999 on do not lie in file w.bin of "
         "40"},
        {MODEL(AT("w.bin") ENTRY("offset", "12")), "its 32 bytes from offset 12 on do not lie"},
        {MODEL(AT("w.bin") ENTRY("length", "31")), "31 bytes of external data, but its shape"},
        {MODEL(AT("w.bin") ENTRY("length", "33")), "33 bytes of external data, but its shape"},
        {MODEL(AT("w.bin") ENTRY("length", "1e2")), "the location, offset or length"},
        {MODEL(AT("empty.bin")), "do not lie in file empty.bin of 0"},
        {MODEL(AT("none.bin")), "file none.bin: No such file"},
        {MODEL(AT("nowhere/w.bin")), "file nowhere/w.bin: No such file"},
        {MODEL(AT("../w.bin")), "file ../w.bin: only files in the model's own folder"},
        {MODEL(AT("x/../../w.bin")), "file x/../../w.bin: "},
        {MODEL(AT("./../w.bin")), "file ./../w.bin: only files in the model's own folder"},
        {MODEL(AT("..")), "file ..: only files in the model's own folder"},
        {MODEL(AT("/etc/passwd")), "file /etc/passwd: only files in the model's own folder"},
        {MODEL(AT("//w.bin")), "only files in the model's own folder"},
        {MODEL(AT("w.bin/")), "w.bin/: "},
        {MODEL(AT(".")), "file .: not a regular file"},
        {MODEL(AT("pipe")), "file pipe: not a regular file"},
        {MODEL(AT("link.bin")), "file link.bin: is or goes through a link"},
        {MODEL(AT("passwd")), "file passwd: is or goes through a link"},
        {MODEL(AT("folder_link/w.bin")), "file folder_link/w.bin: is or goes through a link"},
        {MODEL(AT("twice.bin")), "file twice.bin: has other names"},
        {MODEL(AT("a!1bb!0ac")), "file a!1bb!0ac: No such file"},
        {MODEL(AT("nan.bin")), "tensor fc1.weight: value 0 is NaN"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        alx_model *model = NULL;
        enum alx_status status = load(rows[i].text, &model);
        if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), rows[i].part))
            fail_msg("%s: %s: %s", rows[i].text, alx_status_name(status), alx_error_message());
        assert_non_null(strstr(alx_error_message(), "model.onnx: "));
        assert_null(strchr(alx_error_message(), '\n'));
        assert_null(model);
    }
}

static void long_names_are_refused(void **state)
{
    (void)state;
    char text[4096], name[1500];
    alx_model *model = NULL;
    for (size_t length = 300; length < sizeof name; length += 900) {
        memset(name, 'a', length);
        name[length] = 0;
        snprintf(text, sizeof text, MODEL("13{1'location' 2'%s'}"), name);
        assert_int_equal(load(text, &model), ALX_STATUS_MODEL);
        assert_null(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_used_where_they_lie),
        cmocka_unit_test(folders_below_are_the_models_own),
        cmocka_unit_test(what_onnx_writes_is_read),
        cmocka_unit_test(bad_places_are_refused),
        cmocka_unit_test(long_names_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, test_files_end);
}
