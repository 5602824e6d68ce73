/* A plugin that does, on request, what no host in the same process survives or can stop. It makes
 * rows; the good ones hold their number and the class. */
#define _DEFAULT_SOURCE
#include "eos_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char how[32];

static int asked(const char *what) { return strcmp(how, what) == 0; }

static void misbehave(void) {
    /* The last byte is always zero, which the compiler does not know. */
    if (asked("segfault")) *(volatile int *)(uintptr_t)how[31] = 1;
    if (asked("abort")) abort();
    if (asked("nap")) usleep(400 * 1000);
    if (asked("exit")) exit(0);
    if (asked("last-words")) {
        fprintf(stderr, "the stars\nare wrong\n");
        _exit(9);
    }
    if (asked("spin"))
        for (;;) {}
    /* Whatever number the pipe to the host has: junk goes to all of them. */
    if (asked("junk"))
        for (int file = 3; file < 32; file++) (void)!write(file, "how do you do, host?", 20);
    if (asked("hang-up")) {
        for (int file = 0; file < 32; file++) close(file);
        for (;;) sleep(1);
    }
}

static eos_status create(const eos_host *host, eos_str params, eos_instance **out) {
    (void)host;
    char line[64] = {0};
    memcpy(line, params.ptr, params.len < sizeof line ? params.len : sizeof line - 1);
    if (sscanf(line, "how = \"%31[a-z-]\"", how) != 1) return EOS_BAD_PARAMS;
    *out = how;
    if (asked("exit-in-create")) exit(3);
    return EOS_OK;
}

static void destroy(eos_instance *instance) {
    (void)instance;
    if (asked("abort-in-destroy")) abort();
}

static eos_status sample(const eos_host *host, const eos_instance *instance,
                         const eos_dataset *data, eos_output *out) {
    (void)instance;
    if (asked("chatter"))
        for (;;) host->log(host->ctx, EOS_LOG_DEBUG, (eos_str)EOS_STR("and another thing"));
    if (asked("patient"))
        while (!host->progress(host->ctx, 1, 2)) usleep(1000);
    misbehave();
    if (asked("print")) printf("printing is no crime\n");
    for (uint32_t label = 0; label < data->classes; label++)
        for (uint64_t i = 0; i < data->wanted[label]; i++, out->written++) {
            out->labels[out->written] = asked("counts") ? 0 : label;
            float *row = out->rows + out->written * data->dims;
            for (uint64_t d = 0; d < data->dims; d++) row[d] = (float)(i + label);
            if (asked("nan")) row[0] = (float)(out->written == 2 ? 0.0 / 0.0 : 1.0);
        }
    if (asked("too-many")) out->written = out->capacity + 1;
    if (asked("beyond")) out->rows[out->capacity * data->dims] = 1;
    if (asked("cancelled")) return EOS_CANCELLED;
    if (asked("patient")) return EOS_CANCELLED;
    return EOS_OK;
}

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void loaded(void) { CONSTRUCTOR; }
#endif

const eos_entry eos_plugin_entry__villain = {
    EOS_HEADER(eos_entry),
    EOS_STR("villain"),
    EOS_STR("0.1.0"),
    EOS_STR("does what no host survives"),
    EOS_STR("[how]\ntype = \"text\"\ndefault = \"nothing\"\ndoc = \"what to do\"\n"),
    EOS_MAKES_ROWS,
    create,
    sample,
    destroy,
};
