/* Statistics of samples, answers of networks and their bounds, what the system tells. */
#include "support/test.h"

#include <alexnet_cl/alexnet_cl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/random.h"

#define assert_near(value, expected, most) assert_true(fabs((value) - (expected)) <= (most))

/* --- statistics --- */

static void percentiles_lie_between_samples(void **state)
{
    (void)state;
    const double samples[] = {50, 10, NAN, 40, 20, 30};
    struct alx_statistics s;
    assert_ok(alx_statistics_of(samples, 6, &s));
    assert_int_equal(s.count, 5);
    assert_near(s.median, 30, 0);
    assert_near(s.p10, 14, 1e-12);
    assert_near(s.p90, 46, 1e-12);
    assert_true(isnan(s.low) && isnan(s.high)); /* five are too few */
    assert_false(alx_statistics_are_steady(&s, 1e9));
    assert_ok(alx_statistics_of(samples, 2, &s));
    assert_near(s.median, 30, 0); /* between two */
    assert_ok(alx_statistics_of(samples + 2, 1, &s));
    assert_int_equal(s.count, 0);
    assert_true(isnan(s.median) && isnan(s.p10) && isnan(s.p90));
    assert_ok(alx_statistics_of(NULL, 0, &s));
    assert_int_equal(s.count, 0);
}

/* Ranks of the published tables for n samples: the interval's ends are the samples of rank r and n
 * + 1 - r. */
static void intervals_are_those_of_the_tables(void **state)
{
    (void)state;
    static const struct {
        size_t count, rank;
    } cases[] = {{6, 1}, {8, 1}, {9, 2}, {10, 2}, {20, 6}, {100, 40}, {1000, 469}, {1001, 470}};
    double samples[1001];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].count;
        struct alx_statistics s;
        for (size_t j = 0; j < n; j++)
            samples[j] = (double)((j * 7) % n + 1); /* 1 .. n in another order, where 7 fits */
        for (size_t j = 0; j < n && n % 7 == 0; j++)
            samples[j] = (double)j + 1;
        assert_ok(alx_statistics_of(samples, n, &s));
        assert_near(s.low, (double)cases[i].rank, 0);
        assert_near(s.high, (double)(n + 1 - cases[i].rank), 0);
    }
}

static void the_interval_holds_the_median_as_often_as_it_says(void **state)
{
    (void)state;
    enum { TRIALS = 4000, SAMPLES = 15 };
    uint64_t random = 5;
    size_t hits = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        double samples[SAMPLES];
        struct alx_statistics s;
        for (size_t i = 0; i < SAMPLES; i++) /* far from normal */
            samples[i] = exp(4 * (double)alx_random_float(&random, 0, 1));
        assert_ok(alx_statistics_of(samples, SAMPLES, &s));
        hits += s.low <= exp(2) && exp(2) <= s.high;
    }
    assert_true(hits >= TRIALS * 95 / 100 - 60 && hits <= TRIALS * 98 / 100);
}

/* Samples that share a while's slowness say less than as many that are independent. */
static void whiles_widen_the_interval(void **state)
{
    (void)state;
    enum { TRIALS = 1000, SAMPLES = 480, WHILE = 80 };
    double samples[SAMPLES];
    uint64_t random = 6;
    size_t hits = 0, naive = 0;
    struct alx_statistics s, independent;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        double level = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            if (i % WHILE == 0)
                level = (double)alx_random_float(&random, -1, 1);
            samples[i] = 10 + level + 0.1 * (double)alx_random_float(&random, -1, 1);
        }
        assert_ok(alx_statistics_of(samples, SAMPLES, &independent));
        assert_ok(alx_statistics_in_order(samples, SAMPLES, 1, &s));
        assert_near(s.median, independent.median, 0);
        hits += s.low <= 10 && 10 <= s.high;
        naive += independent.low <= 10 && 10 <= independent.high;
    }
    assert_true(hits >= TRIALS * 93 / 100);
    assert_true(naive < TRIALS * 60 / 100);
}

static void few_samples_have_no_whiles(void **state)
{
    (void)state;
    double samples[13]; /* each slower than the one before; one is not known */
    struct alx_statistics s, independent;
    for (size_t i = 0; i < 12; i++)
        samples[i] = 1 + (double)i / 10;
    samples[12] = NAN;
    assert_ok(alx_statistics_of(samples + 1, 12, &independent));
    assert_ok(alx_statistics_in_order(samples + 1, 12, 1, &s));
    assert_memory_equal(&s, &independent, sizeof s); /* 11 are known */
    assert_ok(alx_statistics_in_order(samples, 13, 1, &s));
    assert_near(s.low, 1, 1e-9); /* which are worth fewer than six: nothing is sure */
    assert_near(s.high, 2.1, 1e-9);
    for (size_t i = 0; i < 12; i++)
        samples[i] = 1 + (double)(i * 5 % 12) / 10; /* the same ones, mixed */
    assert_ok(alx_statistics_of(samples, 13, &independent));
    assert_ok(alx_statistics_in_order(samples, 13, 1, &s));
    assert_near(s.low, independent.low, 1e-9);
    assert_near(s.high, independent.high, 1e-9);
    assert_ok(alx_statistics_in_order(samples, 13, 12, &s)); /* one of twelve intervals */
    assert_near(s.low, 1, 1e-9);
    assert_near(s.high, 2.1, 1e-9);
    assert_ok(alx_statistics_in_order(NULL, 0, 1, &s));
    assert_true(s.count == 0 && isnan(s.low));
}

static void steady_is_a_narrow_interval(void **state)
{
    (void)state;
    const struct alx_statistics narrow = {9, 100, 98, 102, 99, 101.9},
                                skewed = {9, 100, 0, 0, 97, 101};
    assert_true(alx_statistics_are_steady(&narrow, 0.02));
    assert_false(alx_statistics_are_steady(&narrow, 0.01));
    assert_false(alx_statistics_are_steady(&skewed, 0.02));
}

/* --- answers --- */

enum { SIDE = 32, PIXELS = SIDE * SIDE, CLASSES = 10 };

static alx_model *lenet(void)
{
    alx_net *net = NULL;
    alx_model *model = NULL;
    assert_ok(alx_net_create_named("lenet-5", &net));
    assert_ok(alx_model_create_random(net, 3, &model));
    alx_net_destroy(&net);
    return model;
}

static void count_progress(void *user, size_t done, size_t all)
{
    *(size_t *)user += done < all;
}

static void answers_are_compared_within_their_bounds(void **state)
{
    (void)state;
    static float images[2 * PIXELS];
    float got[4 * CLASSES];
    uint64_t random = 9;
    size_t layers = 0;
    alx_model *model = lenet();
    alx_answers *answers = NULL;
    struct alx_shape in = alx_net_input(alx_model_net(model));
    assert_true(in.channels * in.height * in.width <= PIXELS);
    for (size_t i = 0; i < 2 * PIXELS; i++)
        images[i] = alx_random_float(&random, -2, 2);
    assert_ok(alx_answers_create(model, NULL, images, 2, count_progress, &layers, &answers));
    assert_int_equal(layers, alx_net_layer_count(alx_model_net(model)));
    memset(got, 0, sizeof got); /* so that errors are the answers themselves */
    struct alx_check check = alx_answers_compare(answers, got, 4);
    assert_int_equal(check.images, 4);
    assert_true(check.worst > 100 && check.max_abs_error >= 0.1 && check.max_abs_error <= 1);
    assert_true(check.bound > 0 && check.bound < 1e-3);
    got[5] = NAN;
    check = alx_answers_compare(answers, got, 4);
    assert_true(isnan(check.worst) && isnan(check.max_abs_error));
    alx_answers_destroy(&answers);
    assert_null(answers);
    alx_model_destroy(&model);
}

static void hashes_tell_contents_apart(void **state)
{
    (void)state;
    char hash[ALX_HASH_BYTES], again[ALX_HASH_BYTES], other[ALX_HASH_BYTES];
    alx_hash("abc", 3, hash); /* FIPS 180-4's example */
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(alx_kernels_hash(hash));
    assert_ok(alx_kernels_hash(again));
    assert_string_equal(hash, again);
    alx_model *model = lenet(), *same = lenet(), *another = NULL;
    assert_ok(alx_model_create_random(alx_model_net(model), 4, &another));
    assert_ok(alx_weights_hash(model, hash));
    assert_ok(alx_weights_hash(same, again));
    assert_ok(alx_weights_hash(another, other));
    assert_string_equal(hash, again);
    assert_string_not_equal(hash, other);
    alx_model_destroy(&model);
    alx_model_destroy(&same);
    alx_model_destroy(&another);
}

/* --- hardware behind drivers --- */

#define CARD(platform_, name_, pci_)                                                               \
    .platform_number = platform_, .name = name_, .pci = pci_, .type = ALX_DEVICE_GPU

static void one_piece_of_hardware_has_several_drivers(void **state)
{
    (void)state;
    static const struct alx_device_info infos[] = {
        {.platform_number = 1, .name = "pthread-haswell", .type = ALX_DEVICE_CPU},
        {.platform_number = 2, .name = "llvmpipe", .type = ALX_DEVICE_GPU, .software = true},
        {.platform_number = 3, .name = "Oclgrind", .type = ALX_DEVICE_CPU, .simulator = true},
        {CARD(4, "gfx803", "0000:01:00.0")},
        {CARD(4, "gfx803", "0000:02:00.0")},
        {CARD(5, "AMD Radeon RX 580 (radeonsi, polaris10)", "0000:02:00.0")},
        {CARD(6, "Intel(R) HD Graphics [0x5917]", "")},
        {CARD(7, "Mesa Intel(R) HD Graphics (KBL GT2)", "0000:00:02.0")},
        {CARD(6, "Twin", "")},
        {CARD(6, "Twin", "")},
        {CARD(7, "Twin", "")},
        {CARD(7, "Twin", "")},
    };
    static const size_t owners[] = {0, 0, 2, 3, 4, 4, 6, 6, 8, 9, 8, 9};
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        for (size_t j = 0; j < sizeof infos / sizeof *infos; j++)
            if (alx_hardware_is_same(infos, i, j) != (owners[i] == owners[j]))
                fail_msg("%s and %s: %s", infos[i].name, infos[j].name,
                         owners[i] == owners[j] ? "the same" : "not the same");
}

static void hardware_has_plain_names(void **state)
{
    (void)state;
    static const struct {
        struct alx_device_info info;
        const char *cpu, *name;
    } cases[] = {
        {{.name = "cpu-haswell", .type = ALX_DEVICE_CPU},
         "Some CPU (8 cores)",
         "Some CPU (8 cores)"},
        {{.name = "cpu-haswell", .type = ALX_DEVICE_CPU}, "", "cpu-haswell"},
        {{.name = "llvmpipe", .software = true, .type = ALX_DEVICE_GPU}, "Some CPU", "Some CPU"},
        {{.name = "Oclgrind", .simulator = true}, "Some CPU", "Oclgrind"},
        {{CARD(1, "Radeon (radeonsi)", "")}, "Some CPU", "Radeon"},
        {{CARD(1, "Mesa Intel(R) Graphics (KBL)", "")}, "Some CPU", "Intel(R) Graphics"},
        {{CARD(1, "(odd)", "")}, "", "(odd)"},
        {{CARD(1, "", "")}, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[128];
        alx_hardware_name(&cases[i].info, cases[i].cpu, name);
        assert_string_equal(name, cases[i].name);
    }
}

/* --- the machine --- */

static char root[] = "/tmp/alexnet-cl-test.XXXXXX";

static void put(const char *path, const char *content)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static void nothing_told_is_nothing_known(void **state)
{
    (void)state;
    struct alx_host host;
    struct alx_host_state now;
    alx_host_read(root, &host);
    assert_string_equal(host.cpu, "");
    assert_string_equal(host.governor, "");
    assert_int_equal(host.memory_bytes, 0);
    assert_int_equal(host.on_battery, -1);
    assert_true(isnan(host.clock_max_mhz));
    assert_true(host.logical_cpus > 0 && *host.os); /* the system's own calls */
    alx_host_state_read(root, &now);
    assert_true(isnan(now.clock_mhz) && isnan(now.temperature_c) && isnan(now.load));
    assert_true(isnan(now.busy_s) && isnan(alx_host_others(&now, &now)));
    assert_true(isnan(now.package_joule) && isnan(alx_host_joule(&now, &now)));
    assert_int_equal(now.throttled, 0);
}

static void the_system_is_read(void **state)
{
    (void)state;
    struct alx_host host;
    struct alx_host_state now, later;
    put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nmodel\t\t: 1\n"
                         "cpu MHz\t\t: 1234.500\n");
    put("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
    put("/proc/loadavg", "0.75 0.50 0.25 1/100 4242\n");
    alx_host_state_read(root, &now);
    assert_near(now.clock_mhz, 1234.5, 1e-9); /* until cpufreq knows better */
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1800000\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2100000\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3500000\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    put("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n");
    put("/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "4\n");
    put("/sys/class/power_supply/AC/online", "0\n");
    put("/sys/class/power_supply/BAT0/status", "Discharging\n");
    put("/sys/class/thermal/thermal_zone0/temp", "45000\n");
    put("/sys/class/hwmon/hwmon2/temp1_input", "61500\n");
    put("/sys/class/powercap/intel-rapl:0/energy_uj", "262000000\n");
    put("/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328\n");
    put("/sys/class/powercap/intel-rapl:0:0/energy_uj", "1000000\n");
    alx_host_read(root, &host);
    assert_string_equal(host.cpu, "Some CPU @ 2.00GHz");
    assert_string_equal(host.governor, "powersave");
    assert_int_equal(host.memory_bytes, 16384 * 1024);
    assert_int_equal(host.on_battery, 1);
    assert_near(host.clock_max_mhz, 3500, 1e-9);
    alx_host_state_read(root, &now);
    assert_near(now.clock_mhz, 2100, 1e-9);
    assert_near(now.temperature_c, 61.5, 1e-9);
    assert_near(now.load, 0.75, 1e-9);
    assert_near(now.package_joule, 262, 1e-9);
    assert_int_equal(now.throttled, 7);
    put("/sys/class/powercap/intel-rapl:0/energy_uj", "856672\n"); /* it began anew */
    alx_host_state_read(root, &later);
    assert_near(alx_host_joule(&now, &later), 1, 1e-6);
    put("/sys/class/power_supply/BAT0/status", "Charging\n");
    alx_host_read(root, &host);
    assert_int_equal(host.on_battery, 0);
}

/* The system counts in ticks; waiting for disks (the fifth number) is no work, what a host takes
 * from a virtual machine (the eighth) is. */
static void others_are_what_is_not_ours(void **state)
{
    (void)state;
    struct alx_host_state before, after;
    char line[128];
    long second = sysconf(_SC_CLK_TCK);
    put("/proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n");
    alx_host_state_read(root, &before);
    assert_near(before.busy_s, 0, 1e-9);
    assert_true(before.read_s > 0 && before.own_s > 0);
    snprintf(line, sizeof line, "cpu  %ld %ld %ld 900000 800000 %ld %ld %ld 700000 600000\n",
             5 * second, second, second, second, second, second);
    put("/proc/stat", line);
    alx_host_state_read(root, &after);
    assert_near(after.busy_s, 10, 1e-9);
    assert_true(after.own_s >= before.own_s);
    before.read_s = 100, after.read_s = 105;
    before.own_s = 1, after.own_s = 4;
    assert_near(alx_host_others(&before, &after), 1.4, 1e-9);
    after.own_s = 12; /* ticks are coarse */
    assert_near(alx_host_others(&before, &after), 0, 1e-9);
    after.read_s = 100.05;
    assert_true(isnan(alx_host_others(&before, &after)));
    put("/proc/stat", "intr 1 2 3\n");
    alx_host_state_read(root, &after);
    assert_true(isnan(after.busy_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_lie_between_samples),
        cmocka_unit_test(intervals_are_those_of_the_tables),
        cmocka_unit_test(the_interval_holds_the_median_as_often_as_it_says),
        cmocka_unit_test(whiles_widen_the_interval),
        cmocka_unit_test(few_samples_have_no_whiles),
        cmocka_unit_test(steady_is_a_narrow_interval),
        cmocka_unit_test(answers_are_compared_within_their_bounds),
        cmocka_unit_test(hashes_tell_contents_apart),
        cmocka_unit_test(one_piece_of_hardware_has_several_drivers),
        cmocka_unit_test(hardware_has_plain_names),
        cmocka_unit_test(nothing_told_is_nothing_known),
        cmocka_unit_test(the_system_is_read),
        cmocka_unit_test(others_are_what_is_not_ours),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
