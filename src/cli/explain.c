/*
 * The plan, for people and for scripts.
 */
#include <stdio.h>

#include "cli/engine.h"
#include "cli/json.h"
#include "cli/output.h"

void cli_explain_print(const struct cli_engine *engine)
{
    static const struct cli_column columns[] = {
        {"Layer", false, false}, {"Algorithm", false, false},  {"MACs", true, false},
        {"Moves", true, false},  {"How and why", false, true},
    };
    struct cli_table table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    struct alx_plan_memory memory = alx_plan_memory(engine->plan);
    uint64_t macs = 0, moved = 0;
    for (size_t i = 0; i < alx_plan_step_count(engine->plan); i++) {
        const struct alx_plan_step *step = alx_plan_step(engine->plan, i);
        cli_table_add(&table, "%s", step->layer);
        cli_table_add(&table, "%s", step->algorithm);
        cli_table_add(&table, "%s", step->macs ? cli_count(step->macs).text : "");
        cli_table_add(&table, "%s", cli_bytes(step->moved_bytes).text);
        cli_table_add(&table, "%s; %s%s", step->parameters, step->reason,
                      step->streamed ? "; weights are streamed" : "");
        macs += step->macs;
        moved += step->moved_bytes;
    }
    cli_print_line(STYLE_BOLD, "Plan of %s at batch %zu on %s (%s)", alx_net_name(engine->net),
                   engine->batch, alx_device_get_info(engine->device)->name,
                   alx_plan_origin(engine->plan));
    cli_table_print(&table);
    printf("In all %s MACs, %s moved a run\n", cli_count(macs).text, cli_bytes(moved).text);
    printf("Device memory: %s weights, %s activations", cli_bytes(memory.weights_bytes).text,
           cli_bytes(memory.arena_bytes).text);
    if (memory.staging_bytes)
        printf(", %s for streamed weights, of which %s are sent at every run",
               cli_bytes(memory.staging_bytes).text,
               cli_bytes(cli_streamed_bytes(engine->plan)).text);
    printf("; limit %s\n\n", cli_bytes(memory.limit_bytes).text);
}

json_t *cli_explain_json(const struct cli_engine *engine)
{
    struct alx_plan_memory memory = alx_plan_memory(engine->plan);
    json_t *object = json_object(), *steps = json_array();
    for (size_t i = 0; i < alx_plan_step_count(engine->plan); i++) {
        const struct alx_plan_step *step = alx_plan_step(engine->plan, i);
        json_t *row = json_object();
        cli_json_set(row, "layer", cli_json_text(step->layer));
        cli_json_set(row, "algorithm", cli_json_text(step->algorithm));
        cli_json_set(row, "file", cli_json_text(step->file));
        cli_json_set(row, "parameters", cli_json_text(step->parameters));
        cli_json_set(row, "reason", cli_json_text(step->reason));
        cli_json_set(row, "macs", cli_json_count(step->macs));
        cli_json_set(row, "weight_bytes", cli_json_count(step->weight_bytes));
        cli_json_set(row, "moved_bytes", cli_json_count(step->moved_bytes));
        cli_json_set(row, "streamed", json_boolean(step->streamed));
        json_array_append_new(steps, row);
    }
    cli_json_set(object, "steps", steps);
    cli_json_set(object, "weights_bytes", cli_json_count(memory.weights_bytes));
    cli_json_set(object, "arena_bytes", cli_json_count(memory.arena_bytes));
    cli_json_set(object, "staging_bytes", cli_json_count(memory.staging_bytes));
    cli_json_set(object, "limit_bytes", cli_json_count(memory.limit_bytes));
    return object;
}
