/*
 * What Linux tells: proc(5), and Documentation/ABI/ of the kernel for /sys. Elsewhere, and in
 * virtual machines, most of it is missing.
 */
#include <alexnet_cl/measure.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/memory.h"
#include "util/text.h"

enum { PATH_BYTES = 512, LINE_BYTES = 512 };

/* --- files --- */

/* The first line of a file, without its end. */
static bool read_line(const char *path, char *out, size_t out_bytes)
{
    FILE *file = fopen(path, "re");
    bool there = file && fgets(out, (int)out_bytes, file);
    if (there) {
        out[strcspn(out, "\n")] = 0;
        alx_text_clean(out);
    }
    if (file)
        fclose(file);
    return there;
}

static double read_number(const char *path)
{
    char line[LINE_BYTES], *end;
    if (!read_line(path, line, sizeof line))
        return NAN;
    double value = strtod(line, &end);
    return end == line ? NAN : value;
}

/* What follows `key` and a colon in a file like /proc/cpuinfo. */
static bool read_key(const char *path, const char *key, char *out, size_t out_bytes)
{
    char line[LINE_BYTES];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        size_t length = strlen(key), colon = strcspn(line, ":");
        if (strncmp(line, key, length) || !line[colon] ||
            strspn(line + length, " \t") < colon - length)
            continue;
        char *value = line + colon + 1 + strspn(line + colon + 1, " \t");
        value[strcspn(value, "\n")] = 0;
        alx_text_clean(value);
        alx_text_copy(out, out_bytes, value);
        found = true;
    }
    if (file)
        fclose(file);
    return found;
}

/* Calls `found` with `folder`/NAME/`file` for every NAME that begins with `prefix`. */
static void each(const char *root, const char *folder, const char *prefix, const char *file,
                 void (*found)(void *user, const char *path), void *user)
{
    char path[PATH_BYTES];
    struct dirent *entry;
    snprintf(path, sizeof path, "%s%s", root, folder);
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        if (!strncmp(entry->d_name, prefix, strlen(prefix)) && entry->d_name[0] != '.' &&
            snprintf(path, sizeof path, "%s%s/%s/%s", root, folder, entry->d_name, file) <
                (int)sizeof path)
            found(user, path);
    if (dir)
        closedir(dir);
}

/* For each(): the largest, and the sum, of what files hold. */
static void take_largest(void *user, const char *path)
{
    double *largest = user, value = read_number(path);
    *largest = isnan(*largest) ? value : fmax(*largest, value);
}

static void take_sum(void *user, const char *path)
{
    double *sum = user, value = read_number(path);
    if (!isnan(value))
        *sum = isnan(*sum) ? value : *sum + value;
}

/* --- what stays --- */

static void take_battery(void *user, const char *path)
{
    int *on_battery = user;
    char status[64];
    if (read_line(path, status, sizeof status))
        *on_battery = *on_battery > 0 || !strcmp(status, "Discharging");
}

void alx_host_read(const char *root, struct alx_host *out)
{
    struct utsname name;
    char path[PATH_BYTES], text[LINE_BYTES];
    root = root ? root : "";
    *out = (struct alx_host){.clock_max_mhz = NAN, .on_battery = -1};
    snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
    if (read_key(path, "model name", text, sizeof text) ||
        read_key(path, "Hardware", text, sizeof text))
        alx_text_copy(out->cpu, sizeof out->cpu, text);
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (read_key(path, "MemTotal", text, sizeof text))
        out->memory_bytes = strtoull(text, NULL, 10) * 1024;
    if (!uname(&name)) {
        snprintf(text, sizeof text, "%s %s", name.sysname, name.release);
        alx_text_copy(out->os, sizeof out->os, text);
        alx_text_copy(out->machine, sizeof out->machine, name.machine);
    }
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    out->logical_cpus = cpus > 0 ? (size_t)cpus : 0;
    each(root, "/sys/devices/system/cpu", "cpu", "cpufreq/cpuinfo_max_freq", take_largest,
         &out->clock_max_mhz);
    out->clock_max_mhz /= 1000; /* they are in kHz */
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", root);
    if (read_line(path, text, sizeof text))
        alx_text_copy(out->governor, sizeof out->governor, text);
    each(root, "/sys/class/power_supply", "BAT", "status", take_battery, &out->on_battery);
}

/* --- what changes --- */

/* Packages alone: their parts are counted in them. */
static void take_package(void *user, const char *path)
{
    struct alx_host_state *state = user;
    char other[PATH_BYTES];
    const char *zone = strstr(path, "intel-rapl:");
    if (!zone || strchr(zone + strlen("intel-rapl:"), ':'))
        return;
    take_sum(&state->package_joule, path);
    alx_text_copy(other, sizeof other, path);
    char *file = strrchr(other, '/');
    size_t room = sizeof other - (size_t)(file - other);
    if (alx_text_copy(file, room, "/max_energy_range_uj"))
        take_sum(&state->package_range_joule, other);
}

static double clock_mhz(const char *root)
{
    char path[PATH_BYTES], text[LINE_BYTES];
    double khz = NAN;
    each(root, "/sys/devices/system/cpu", "cpu", "cpufreq/scaling_cur_freq", take_largest, &khz);
    snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
    if (!isnan(khz))
        return khz / 1000;
    return read_key(path, "cpu MHz", text, sizeof text) ? strtod(text, NULL) : NAN;
}

/* Not what processors waited for, and guests' time is in that of their processes already. */
static double busy_s(const char *root)
{
    enum { USER, NICE, SYSTEM, IDLE, WAITING, INTERRUPTS, SOFT_INTERRUPTS, STOLEN, KINDS };
    char path[PATH_BYTES], line[LINE_BYTES], *at = line + strlen("cpu ");
    unsigned long long sum = 0;
    long ticks = sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof path, "%s/proc/stat", root);
    if (ticks <= 0 || !read_line(path, line, sizeof line) || strncmp(line, "cpu ", strlen("cpu ")))
        return NAN;
    for (int kind = USER; kind < KINDS; kind++) {
        unsigned long long count = strtoull(at, &at, 10);
        sum += kind == IDLE || kind == WAITING ? 0 : count;
    }
    return (double)sum / (double)ticks;
}

static double own_s(void)
{
    struct rusage self, ended;
    if (getrusage(RUSAGE_SELF, &self) || getrusage(RUSAGE_CHILDREN, &ended))
        return NAN;
    const struct timeval times[] = {self.ru_utime, self.ru_stime, ended.ru_utime, ended.ru_stime};
    double sum = 0;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        sum += (double)times[i].tv_sec + (double)times[i].tv_usec / 1e6;
    return sum;
}

/* What a BSD tells, which has no such file. */
static double load_of(const char *root)
{
    char path[PATH_BYTES];
    double load;
    snprintf(path, sizeof path, "%s/proc/loadavg", root);
    load = read_number(path);
    if (isnan(load) && !*root && getloadavg(&load, 1) != 1)
        load = NAN;
    return load;
}

void alx_host_state_read(const char *root, struct alx_host_state *out)
{
    double throttled = NAN;
    root = root ? root : "";
    *out = (struct alx_host_state){.clock_mhz = clock_mhz(root),
                                   .temperature_c = NAN,
                                   .package_joule = NAN,
                                   .package_range_joule = NAN,
                                   .load = load_of(root),
                                   .read_s = (double)alx_clock_ns() / 1e9,
                                   .busy_s = busy_s(root),
                                   .own_s = own_s()};
    each(root, "/sys/class/thermal", "thermal_zone", "temp", take_largest, &out->temperature_c);
    each(root, "/sys/class/hwmon", "hwmon", "temp1_input", take_largest, &out->temperature_c);
    out->temperature_c /= 1000;
    each(root, "/sys/class/powercap", "intel-rapl:", "energy_uj", take_package, out);
    out->package_joule /= 1e6;
    out->package_range_joule /= 1e6;
    each(root, "/sys/devices/system/cpu", "cpu", "thermal_throttle/core_throttle_count", take_sum,
         &throttled);
    out->throttled = isnan(throttled) ? 0 : (uint64_t)throttled;
}

double alx_host_joule(const struct alx_host_state *before, const struct alx_host_state *after)
{
    double joule = after->package_joule - before->package_joule;
    return joule < 0 ? joule + after->package_range_joule : joule;
}

double alx_host_others(const struct alx_host_state *before, const struct alx_host_state *after)
{
    const double least_s = 0.1; /* the system counts in hundredths */
    double s = after->read_s - before->read_s;
    double others_s = after->busy_s - before->busy_s - (after->own_s - before->own_s);
    return s >= least_s ? fmax(others_s, 0) / s : NAN;
}
