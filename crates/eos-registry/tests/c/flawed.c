/* A plugin with the flaw that FLAW names, for tests of the conformance kit: each is one that the
 * kit ought to find. Its rows hold their number, their class and the seed. */
#define _DEFAULT_SOURCE
#include "eos_plugin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef FLAW
#define FLAW "none"
#endif
#ifndef DOC
#define DOC "does nothing"
#endif

static int flawed(const char *flaw) { return strcmp(FLAW, flaw) == 0; }

static int holds(eos_str text, const char *word) {
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.ptr + i, word, len) == 0) return 1;
    return 0;
}

static eos_status create(const eos_host *host, eos_str params, eos_instance **out) {
    if (flawed("unknown") && holds(params, "no-such")) {
        host->set_error(host->ctx, (eos_str)EOS_STR("what is that?"));
        return EOS_FAILED;
    }
    *out = NULL;
    return EOS_OK;
}

static void destroy(eos_instance *instance) { (void)instance; }

static uint64_t rows_of(const eos_dataset *data, uint32_t class) {
    uint64_t rows = 0;
    for (uint64_t i = 0; i < data->len; i++) rows += data->labels[i] == class;
    return rows;
}

/* What a flaw does before anything is made. */
static void stumble(const eos_host *host, const eos_dataset *data, const eos_output *out) {
    for (uint32_t class = 0; class < data->classes; class++) {
        if (flawed("empty-class") && data->dims == 3 && rows_of(data, class) == 0) abort();
        if (flawed("one-row") && data->dims == 3 && rows_of(data, class) == 1) abort();
    }
    if (flawed("nothing") && data->dims == 6 && out->capacity == 0) abort();
    if (flawed("deaf") && out->capacity > 100000) sleep(3);
    if (flawed("panic") && host->service(host->ctx, (eos_str)EOS_STR(EOS_PANIC_SERVICE))) abort();
    if (flawed("fuzz") && data->dims == 1) abort();
}

static eos_status sample(const eos_host *host, const eos_instance *instance,
                         const eos_dataset *data, eos_output *out) {
    (void)instance;
    stumble(host, data, out);
    float mood = 0;
    if (flawed("moody")) mood = (float)getpid();
    if (flawed("threads")) mood = (float)host->threads;
    for (uint32_t label = 0; label < data->classes; label++)
        for (uint64_t i = 0; i < data->wanted[label]; i++, out->written++) {
            out->labels[out->written] = label;
            float *row = out->rows + out->written * data->dims;
            for (uint64_t d = 0; d < data->dims; d++)
                row[d] = (float)(i + label + data->seed % 64) + mood;
        }
    if (flawed("counts") && out->written == 20000) out->written--;
    return EOS_OK;
}

const eos_entry eos_plugin_entry__flawed = {
    EOS_HEADER(eos_entry),
    EOS_STR("flawed"),
    EOS_STR("0.1.0"),
    EOS_STR("has a flaw"),
    EOS_STR("[k]\ntype = \"int\"\ndefault = 3\nmin = 1\ndoc = \"" DOC "\"\n"),
    EOS_MAKES_ROWS,
    create,
    sample,
    destroy,
};
