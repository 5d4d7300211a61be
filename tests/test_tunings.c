/* Tunings: keys, files, damage, merging, and what a plan makes of them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/shape.h"
#include "plan/plan.h"
#include "plan/tunings.h"
#include "support/files.h"
#include "support/test.h"
#include "support/warnings.h"
#include "util/sha256.h"
#include "util/stats.h"

static const struct alx_device_info device = {.platform = "Portable Computing Language",
                                              .name = "a processor",
                                              .driver = "1.2",
                                              .type = ALX_DEVICE_CPU,
                                              .compute_units = 2,
                                              .vector_floats = 8,
                                              .max_work_group = 4096,
                                              .max_alloc_bytes = 1 << 30};
static const struct alx_layer conv = {.name = "conv",
                                      .kind = ALX_LAYER_CONV,
                                      .out_channels = 64,
                                      .kernel_h = 3,
                                      .kernel_w = 3,
                                      .pad_top = 1,
                                      .pad_left = 1,
                                      .pad_bottom = 1,
                                      .pad_right = 1};
static struct alx_layer_info info;
static struct alx_problem problem;
static struct alx_traits traits;
static alx_tunings *tunings;
static char folder[PATH_MAX];

static int begin(void **state)
{
    if (test_files_begin(state))
        return -1;
    snprintf(folder, sizeof folder, "%s", test_files_path("cache"));
    assert_ok(alx_layer_infer("test", &conv, (struct alx_shape){32, 13, 13}, &info));
    problem = (struct alx_problem){.info = &info, .batch = 2};
    traits = alx_traits_of_device(&device);
    return 0;
}

static int end(void **state)
{
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) || test_files_end(state);
}

static int make(void **state)
{
    (void)state;
    assert_ok(alx_tunings_create(&tunings));
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    alx_tunings_destroy(&tunings);
    alx_tunings_destroy(&tunings);
    assert_ok(alx_tunings_clear(folder));
    return 0;
}

/* --- making some --- */

static struct alx_params candidate(const char *name, size_t index)
{
    struct alx_candidates candidates;
    alx_candidates_of(alx_algorithm_find(ALX_LAYER_CONV, name), &problem, &traits, &candidates);
    assert_true(index < candidates.count);
    return candidates.list[index];
}

static void set(alx_tunings *list, size_t batch, const char *algorithm, size_t index, uint64_t ns)
{
    struct alx_tuning key;
    struct alx_problem other = problem;
    const struct alx_params params = candidate(algorithm, index);
    other.batch = batch;
    alx_tunings_key(list, &device, &other, &key);
    assert_ok(alx_tunings_set(list, &key, alx_algorithm_find(ALX_LAYER_CONV, algorithm), &params,
                              ns, 2 * ns));
}

static const struct alx_tuned *find(const alx_tunings *list, size_t batch)
{
    struct alx_tuning key;
    struct alx_problem other = problem;
    other.batch = batch;
    alx_tunings_key(list, &device, &other, &key);
    return alx_tunings_find(list, &key);
}

static const char *cache_file(void)
{
    static char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/tunings.txt", folder);
    return path;
}

static size_t read_cache_file(char *out, size_t capacity)
{
    FILE *file = fopen(cache_file(), "rb");
    assert_non_null(file);
    size_t bytes = fread(out, 1, capacity, file);
    fclose(file);
    return bytes;
}

static void write_cache_file(const char *text, size_t bytes)
{
    FILE *file = fopen(cache_file(), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    fclose(file);
    chmod(cache_file(), 0600);
}

/* --- keys and lists --- */

static void every_part_of_the_key_counts(void **state)
{
    (void)state;
    struct alx_tuning key;
    set(tunings, 2, "direct", 1, 100);
    assert_non_null(find(tunings, 2));
    assert_null(find(tunings, 1));
    struct alx_problem other = problem;
    other.precision = ALX_PRECISION_FP16;
    alx_tunings_key(tunings, &device, &other, &key);
    assert_null(alx_tunings_find(tunings, &key));
    struct alx_device_info strange[4] = {device, device, device, device};
    strcpy(strange[0].driver, "1.3");
    strcpy(strange[1].platform, "another");
    strange[2].compute_units = 64;
    strange[3].vector_floats = 16; /* the same name on another processor */
    for (size_t i = 0; i < 4; i++) {
        alx_tunings_key(tunings, &strange[i], &problem, &key);
        assert_null(alx_tunings_find(tunings, &key));
        assert_int_equal(alx_tunings_count_for(tunings, &strange[i]), 0);
    }
    assert_int_equal(alx_tunings_count_for(tunings, &device), 1);
    struct alx_layer_info changed = info;
    other = problem;
    other.info = &changed;
    changed.layer.activation = ALX_ACTIVATION_RELU;
    alx_tunings_key(tunings, &device, &other, &key);
    assert_null(alx_tunings_find(tunings, &key));
    changed = info;
    strcpy(changed.layer.name, "elsewhere"); /* a name is nothing */
    alx_tunings_key(tunings, &device, &other, &key);
    assert_non_null(alx_tunings_find(tunings, &key));
}

static void groups_are_a_part_of_the_key(void **state)
{
    (void)state;
    const enum alx_layer_kind kinds[] = {ALX_LAYER_CONV, ALX_LAYER_LRN};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct alx_tuning whole, groups;
        struct alx_layer_info changed = info;
        struct alx_problem other = problem;
        other.info = &changed;
        changed.layer.kind = kinds[i];
        changed.layer.groups = 1;
        alx_tunings_key(tunings, &device, &other, &whole);
        assert_null(strstr(whole.layer, "groups"));
        changed.layer.groups = 2;
        alx_tunings_key(tunings, &device, &other, &groups);
        assert_non_null(strstr(groups.layer, ", groups 2"));
    }
}

static void the_later_one_wins(void **state)
{
    (void)state;
    alx_tunings *more = NULL;
    set(tunings, 2, "direct", 1, 100);
    set(tunings, 2, "direct", 2, 50);
    assert_int_equal(alx_tunings_count(tunings), 1);
    assert_int_equal(find(tunings, 2)->shown.ns, 50);
    assert_ok(alx_tunings_create(&more));
    set(more, 2, "winograd", 0, 40);
    set(more, 3, "direct", 0, 30);
    assert_ok(alx_tunings_merge(tunings, more));
    assert_int_equal(alx_tunings_count(tunings), 2);
    assert_string_equal(find(tunings, 2)->shown.algorithm, "winograd");
    alx_tunings_destroy(&more);
}

/* --- files --- */

static void files_come_back(void **state)
{
    (void)state;
    alx_tunings *again = NULL;
    char *path = strdup(test_files_path("tunings"));
    set(tunings, 2, "direct", 1, 100);
    set(tunings, 4, "winograd", 3, 200);
    assert_ok(alx_tunings_write(tunings, path));
    assert_ok(alx_tunings_read(path, &again));
    assert_int_equal(alx_tunings_count(again), 2);
    for (size_t batch = 2; batch <= 4; batch += 2) {
        const struct alx_tuned *a = find(tunings, batch), *b = find(again, batch);
        assert_int_equal(alx_params_distance(&a->params, &b->params), 0);
        assert_int_equal(a->shown.ns, b->shown.ns);
        assert_int_equal(a->shown.default_ns, b->shown.default_ns);
        assert_true(alx_tunings_is_current(again, batch / 2 - 1));
    }
    alx_tunings_destroy(&again);
    assert_fails(alx_tunings_read("/nonexistent/x", &again), ALX_STATUS_FILE_NOT_FOUND, "x");
    assert_null(again);
    free(path);
}

static void the_cache_folder_keeps_them(void **state)
{
    (void)state;
    alx_tunings *again = NULL, *more = NULL;
    struct stat file;
    set(tunings, 2, "direct", 1, 100);
    assert_ok(alx_tunings_save(tunings, folder));
    assert_false(stat(cache_file(), &file));
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_ok(alx_tunings_create(&more));
    set(more, 8, "direct", 1, 100);
    assert_ok(alx_tunings_save(more, folder)); /* beside what is there */
    assert_ok(alx_tunings_load(folder, &again));
    assert_int_equal(alx_tunings_count(again), 2);
    alx_tunings_destroy(&again);
    alx_tunings_destroy(&more);
    assert_ok(alx_tunings_clear(folder));
    assert_ok(alx_tunings_load(folder, &again));
    assert_int_equal(alx_tunings_count(again), 0);
    alx_tunings_destroy(&again);
    assert_fails(alx_tunings_save(tunings, "/proc/nothing"), ALX_STATUS_FILE_UNWRITABLE, "/proc");
}

static void other_versions_are_dropped(void **state)
{
    (void)state;
    alx_tunings *again = NULL;
    set(tunings, 2, "direct", 1, 100);
    struct alx_tuned old = *find(tunings, 2);
    strcpy(old.shown.made_by, "0.0.1 abcdefabcdef");
    assert_ok(alx_tunings_add(tunings, &old));
    assert_int_equal(alx_tunings_count(tunings), 2);
    assert_false(alx_tunings_is_current(tunings, 1));
    assert_ok(alx_tunings_save(tunings, folder));
    assert_ok(alx_tunings_load(folder, &again));
    assert_int_equal(alx_tunings_count(again), 1);
    alx_tunings_destroy(&again);
}

/* --- damage --- */

static void assert_refused(const char *text, size_t bytes, const char *what)
{
    alx_tunings *list = NULL;
    assert_ok(alx_tunings_create(&list));
    const char *wrong = alx_tunings_parse(text, bytes, list);
    if (!wrong)
        fail_msg("%s: taken", what);
    alx_tunings_destroy(&list);
}

static void every_damage_is_noticed(void **state)
{
    (void)state;
    char text[4096], damaged[4096];
    set(tunings, 2, "direct", 1, 100);
    set(tunings, 4, "winograd", 3, 200);
    assert_ok(alx_tunings_save(tunings, folder));
    size_t bytes = read_cache_file(text, sizeof text);
    assert_null(alx_tunings_parse(text, bytes, tunings));
    for (size_t cut = 0; cut < bytes; cut++)
        assert_refused(text, cut, "cut");
    for (size_t i = 0; i < bytes; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            memcpy(damaged, text, bytes);
            damaged[i] = (char)(damaged[i] ^ 1 << bit);
            assert_refused(damaged, bytes, "a bit");
        }
    memcpy(damaged, text, bytes);
    damaged[bytes] = '\n';
    assert_refused(damaged, bytes + 1, "more behind it");
}

/* A file whose hash is right, with `from` replaced by `to`. */
static size_t forge(const char *text, const char *from, const char *to, char *out)
{
    uint8_t digest[ALX_SHA256_BYTES];
    char hex[ALX_SHA256_HEX_BYTES];
    const char *at = strstr(text, from), *last = strstr(text, "\nend\t") + 1;
    assert_true(at && at < last);
    size_t bytes = (size_t)sprintf(out, "%.*s%s%.*s", (int)(at - text), text, to,
                                   (int)(last - at - (long)strlen(from)), at + strlen(from));
    alx_sha256(out, bytes, digest);
    alx_sha256_hex(digest, hex);
    return bytes + (size_t)sprintf(out + bytes, "end\t1\t%s\n", hex);
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    char text[4096], forged[16384], longer[1200];
    set(tunings, 2, "direct", 1, 100);
    assert_ok(alx_tunings_save(tunings, folder));
    text[read_cache_file(text, sizeof text - 1)] = 0;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    const char *const changes[][2] = {
        {"tunings 1", "tunings 2"},
        {"\t2\tfp32", "\t0\tfp32"},
        {"\t2\tfp32", "\t-2\tfp32"},
        {"\t2\tfp32", "\t02\tfp32"},
        {"\t2\tfp32", "\t2\tfp33"},
        {"\t2\tfp32", "\t99999999999999999999\tfp32"},
        {"\t2\tfp32", "\t2"},
        {"\t2\tfp32", "\t2\tfp32\tfp32"},
        {"vector=8", "vector=0"},
        {"vector=8", "vector=8 vector=8"},
        {"vector=8", "sector=8"},
        {"vector=8", "vector"},
        {"vector=8", "vector=8000000"},
        {"vector=8", "vector=8 "},
        {"direct", ""},
        {"direct", "dir\033ect"},
        {"direct", longer},
        {"a processor", longer},
        {"direct", "0123456789012345678901234567890123456789"},
    };
    size_t bytes = forge(text, "vector=8", "vector=8", forged);
    assert_null(alx_tunings_parse(forged, bytes, tunings)); /* forging works */
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bytes = forge(text, changes[i][0], changes[i][1], forged);
        assert_refused(forged, bytes, changes[i][1]);
    }
}

static void bad_files_do_no_harm(void **state)
{
    (void)state;
    alx_tunings *list = NULL;
    static const char *const bad[] = {"", "alexnet-cl tunings 1\n", "hello", "\177ELF"};
    char *elsewhere = strdup(test_files_path("elsewhere"));
    set(tunings, 2, "direct", 1, 100);
    assert_ok(alx_tunings_save(tunings, folder));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_cache_file(bad[i], strlen(bad[i]));
        test_warnings_watch();
        assert_ok(alx_tunings_load(folder, &list));
        assert_int_equal(alx_tunings_count(list), 0);
        assert_int_equal(test_warnings_count(), 1);
        assert_non_null(strstr(test_warnings_last(), "defaults are used"));
        alx_tunings_destroy(&list);
    }
    /* links, and files that others may write to, are not followed and not read */
    assert_ok(alx_tunings_write(tunings, elsewhere));
    for (int how = 0; how < 3; how++) {
        unlink(cache_file());
        assert_false(how == 0   ? symlink(elsewhere, cache_file())
                     : how == 1 ? link(elsewhere, cache_file())
                                : rename(elsewhere, cache_file()) || chmod(cache_file(), 0622));
        test_warnings_watch();
        assert_ok(alx_tunings_load(folder, &list));
        assert_int_equal(alx_tunings_count(list), 0);
        assert_int_equal(test_warnings_count(), 1);
        alx_tunings_destroy(&list);
    }
    assert_ok(alx_tunings_save(tunings, folder)); /* replaces it */
    assert_ok(alx_tunings_load(folder, &list));
    assert_int_equal(alx_tunings_count(list), 1);
    alx_tunings_destroy(&list);
    free(elsewhere);
}

/* --- choosing --- */

static struct alx_choice choose(const char *asked, bool exact)
{
    struct alx_choice choice;
    const struct alx_wishes wishes = {
        .algorithm = asked, .exact = exact, .tunings = tunings, .device = &device};
    alx_choose(&problem, &traits, &wishes, &choice);
    return choice;
}

static void choices_have_an_order(void **state)
{
    (void)state;
    struct alx_choice choice = choose(NULL, false);
    assert_int_equal(choice.origin, ALX_ORIGIN_FAMILY);
    assert_non_null(strstr(choice.reason, "pocl avx2 default"));
    set(tunings, 2, "direct", 4, 420000);
    choice = choose(NULL, false);
    const struct alx_params tuned = candidate("direct", 4);
    assert_string_equal(choice.algorithm->name, "direct");
    assert_int_equal(choice.origin, ALX_ORIGIN_TUNED);
    assert_int_equal(alx_params_distance(&choice.params, &tuned), 0);
    assert_string_equal(choice.reason, "tuned: 0.42 ms, 100 % faster than the default");
    choice = choose("naive", false);
    assert_string_equal(choice.algorithm->name, "naive");
    assert_string_equal(choice.reason, "asked for");
    set(tunings, 2, "winograd", 2, 100);
    assert_int_equal(choose(NULL, false).origin, ALX_ORIGIN_TUNED);
    assert_string_equal(choose(NULL, true).algorithm->name, "direct"); /* exact goes before */
    assert_int_equal(choose(NULL, true).origin, ALX_ORIGIN_FAMILY);
}

static void impossible_tunings_are_not_used(void **state)
{
    (void)state;
    set(tunings, 2, "direct", 4, 100);
    struct alx_tuned forged = *find(tunings, 2);
    forged.params.pixels = 999; /* would spill, or worse */
    assert_ok(alx_tunings_add(tunings, &forged));
    assert_int_equal(choose(NULL, false).origin, ALX_ORIGIN_FAMILY);
    forged.params.pixels = 0;
    assert_ok(alx_tunings_add(tunings, &forged));
    assert_int_equal(choose(NULL, false).origin, ALX_ORIGIN_FAMILY);
    strcpy(forged.shown.algorithm, "magic");
    assert_ok(alx_tunings_add(tunings, &forged));
    assert_int_equal(choose(NULL, false).origin, ALX_ORIGIN_FAMILY);
}

/* --- candidates and families --- */

static void candidates_fit_into_registers(void **state)
{
    (void)state;
    size_t count;
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++) {
        struct alx_candidates candidates;
        if (all[i]->kind != ALX_LAYER_CONV || !all[i]->supports(&problem, &traits))
            continue;
        alx_candidates_of(all[i], &problem, &traits, &candidates);
        const struct alx_params own = all[i]->choose(&problem, &traits);
        assert_int_equal(alx_candidates_find(&candidates, &own), 0);
        for (size_t j = 0; j < candidates.count; j++) {
            const struct alx_params *p = &candidates.list[j];
            size_t sums = alx_median((uint64_t[]){p->pixels, p->rows, 1}, 3) * p->vectors;
            assert_int_equal(alx_candidates_find(&candidates, p), j); /* none twice */
            assert_true(!p->vectors || sums + p->vectors + 1 <= traits.registers);
        }
    }
    struct alx_candidates full = {0};
    for (struct alx_params p = {.rows = 1}; p.rows < 1000; p.rows++)
        alx_candidates_add(&full, &p);
    assert_int_equal(full.count, ALX_MAX_CANDIDATES);
}

static void families_are_recognised(void **state)
{
    (void)state;
    static const struct {
        enum alx_family family;
        struct alx_device_info info;
    } rows[] = {
        {ALX_FAMILY_POCL_AVX2, {.platform = "Portable Computing Language", .vector_floats = 8}},
        {ALX_FAMILY_POCL_AVX512, {.platform = "Portable Computing Language", .vector_floats = 16}},
        {ALX_FAMILY_CPU, {.platform = "Portable Computing Language", .vector_floats = 4}},
        {ALX_FAMILY_INTEL_CPU, {.platform = "Intel(R) OpenCL", .vector_floats = 16}},
        {ALX_FAMILY_CPU, {.platform = "Oclgrind", .simulator = true}},
        {ALX_FAMILY_GEN9, {.type = 1, .vendor_id = 0x8086, .generation = 900}},
        {ALX_FAMILY_GEN9, {.type = 1, .vendor_id = 0x8086, .unified_memory = true}},
        {ALX_FAMILY_XE_LP, {.type = 1, .vendor_id = 0x8086, .generation = 1210}},
        {ALX_FAMILY_XE_LP,
         {.type = 1, .vendor_id = 0x8086, .unified_memory = true, .int8_dot = true}},
        {ALX_FAMILY_XE_HPG, {.type = 1, .vendor_id = 0x8086, .generation = 1256}},
        {ALX_FAMILY_XE_HPG, {.type = 1, .vendor_id = 0x8086, .int8_dot = true}},
        {ALX_FAMILY_GCN, {.type = 1, .vendor_id = 0x1002, .wave = 64}},
        {ALX_FAMILY_GCN, {.type = 1, .vendor_id = 0x1002}},
        {ALX_FAMILY_RDNA, {.type = 1, .vendor_id = 0x1002, .wave = 32}},
        {ALX_FAMILY_NVIDIA_PASCAL, {.type = 1, .vendor_id = 0x10de, .generation = 61}},
        {ALX_FAMILY_NVIDIA_PASCAL, {.type = 1, .vendor_id = 0x10de}},
        {ALX_FAMILY_NVIDIA_TURING, {.type = 1, .vendor_id = 0x10de, .generation = 75}},
        {ALX_FAMILY_NVIDIA_TURING, {.type = 1, .vendor_id = 0x10de, .generation = 120}},
        {ALX_FAMILY_GPU, {.type = 1, .vendor_id = 0x13b5}},
        {ALX_FAMILY_GPU, {.platform = "rusticl", .software = true, .vector_floats = 8}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct alx_device_info one = rows[i].info;
        one.max_work_group = 256;
        one.local_bytes = 64 << 10;
        one.compute_units = 24;
        struct alx_traits t = alx_traits_of_device(&one);
        if (t.family != rows[i].family)
            fail_msg("row %zu: %s", i, alx_family_name(t.family));
        assert_true(t.lanes >= 1 && t.lanes <= t.max_lanes);
        assert_int_equal(t.simt, t.family >= ALX_FAMILY_GPU);
        /* whatever a rule of the family says is possible */
        struct alx_choice choice;
        const struct alx_wishes wishes = {.device = &one};
        alx_choose(&problem, &t, &wishes, &choice);
        assert_non_null(choice.algorithm);
        assert_int_equal(choice.origin, ALX_ORIGIN_FAMILY);
    }
    struct alx_device_info small = {.type = 1, .vendor_id = 0x1002, .max_work_group = 1};
    assert_int_equal(alx_traits_of_device(&small).lanes, 1);
}

static void medians(void **state)
{
    (void)state;
    assert_int_equal(alx_median((uint64_t[]){7}, 1), 7);
    assert_int_equal(alx_median((uint64_t[]){9, 1}, 2), 9);
    assert_int_equal(alx_median((uint64_t[]){9, 1, 5, 2, UINT64_MAX}, 5), 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, destroy)
    const struct CMUnitTest tests[] = {
        TEST(every_part_of_the_key_counts),
        TEST(groups_are_a_part_of_the_key),
        TEST(the_later_one_wins),
        TEST(files_come_back),
        TEST(the_cache_folder_keeps_them),
        TEST(other_versions_are_dropped),
        TEST(every_damage_is_noticed),
        TEST(wrong_values_are_refused),
        TEST(bad_files_do_no_harm),
        TEST(choices_have_an_order),
        TEST(impossible_tunings_are_not_used),
        TEST(candidates_fit_into_registers),
        TEST(families_are_recognised),
        TEST(medians),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
