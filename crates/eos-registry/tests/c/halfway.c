/* A whole plugin in C: from a random row of the class towards its nearest class-mate, by the
 * parameter `ratio`. Every service of the boundary is used. */
#include "eos_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct halfway {
    double ratio;
} halfway;

#define PARAMS_TEXT \
    "[ratio]\ntype = \"float\"\ndefault = 0.5\nmin = 0.0\nmax = 1.0\ndoc = \"how far to go\"\n"

static int fits(const eos_header *header, size_t size) {
    return header && header->magic == EOS_MAGIC && header->major == EOS_MAJOR &&
           header->size >= size;
}

static eos_str text(const char *chars) {
    eos_str str = {chars, strlen(chars)};
    return str;
}

static eos_status fail(const eos_host *host, eos_status status, const char *why) {
    host->set_error(host->ctx, text(why));
    return status;
}

static eos_status create(const eos_host *host, eos_str params, eos_instance **out) {
    if (!fits(&host->header, sizeof(eos_host))) return EOS_HOST_MISMATCH;
    char line[64] = {0};
    memcpy(line, params.ptr, params.len < sizeof line ? params.len : sizeof line - 1);
    halfway *made = malloc(sizeof *made);
    if (!made) return fail(host, EOS_FAILED, "no memory");
    if (sscanf(line, "ratio = %lf", &made->ratio) != 1) {
        free(made);
        return fail(host, EOS_BAD_PARAMS, "ratio is missing");
    }
    *out = made;
    return EOS_OK;
}

static void destroy(eos_instance *instance) { free(instance); }

/* The rows of a class and their nearest class-mates. */
typedef struct members {
    uint32_t *rows;
    uint32_t *near;
    float *distance;
    uint64_t len;
} members;

static int gather(const eos_dataset *data, uint32_t label, members *all) {
    all->len = 0;
    for (uint64_t i = 0; i < data->len; i++)
        if (data->labels[i] == label) all->rows[all->len++] = (uint32_t)i;
    return all->len > 1;
}

static eos_status fill(const eos_host *host, const halfway *self, const eos_dataset *data,
                       eos_output *out, members *all) {
    const eos_knn *knn = host->service(host->ctx, text(EOS_KNN_SERVICE));
    const eos_rng *rng = host->service(host->ctx, text(EOS_RNG_SERVICE));
    if (!knn || !rng || !fits(&knn->header, sizeof *knn) || !fits(&rng->header, sizeof *rng))
        return fail(host, EOS_UNSUPPORTED, "this host lacks eos.knn/1 or eos.rng/1");
    if (host->service(host->ctx, text("eos.tea/1")))
        return fail(host, EOS_FAILED, "there is tea");
    for (uint32_t label = 0; label < data->classes; label++) {
        if (data->wanted[label] == 0) continue;
        if (!gather(data, label, all)) return fail(host, EOS_FAILED, "a class of one row");
        eos_status status = knn->neighbours(knn->ctx, all->rows, all->len, 1, EOS_SAME_CLASS,
                                            all->near, all->distance);
        if (status != EOS_OK) return status;
        for (uint64_t i = 0; i < data->wanted[label]; i++) {
            if (host->progress(host->ctx, out->written, out->capacity)) return EOS_CANCELLED;
            uint32_t words[4];
            rng->block(rng->ctx, i, label, 0, words);
            uint64_t q = (words[0] * all->len) >> 32;
            eos_recipe recipe = {label, all->rows[q], all->rows[q], all->near[q],
                                 (float)self->ratio};
            out->recipes[out->written++] = recipe;
        }
    }
    const eos_cost *cost = host->service(host->ctx, text(EOS_COST_SERVICE));
    if (!cost || !fits(&cost->header, sizeof *cost))
        return fail(host, EOS_UNSUPPORTED, "this host lacks eos.cost/1");
    cost->trained(cost->ctx, 5, 0);
    cost->trained(cost->ctx, 2, out->written);
    char line[80];
    snprintf(line, sizeof line, "made %d rows on %.*s", (int)out->written, (int)knn->device.len,
             knn->device.ptr);
    host->log(host->ctx, EOS_LOG_NOTE, text(line));
    return EOS_OK;
}

static eos_status sample(const eos_host *host, const eos_instance *instance,
                         const eos_dataset *data, eos_output *out) {
    if (!fits(&host->header, sizeof(eos_host)) || !fits(&data->header, sizeof(eos_dataset)) ||
        !fits(&out->header, sizeof(eos_output)))
        return EOS_HOST_MISMATCH;
    members all = {malloc(4 * data->len), malloc(4 * data->len), malloc(4 * data->len), 0};
    eos_status status = EOS_FAILED;
    if (all.rows && all.near && all.distance) status = fill(host, instance, data, out, &all);
    free(all.rows);
    free(all.near);
    free(all.distance);
    return status;
}

/* The tests of refusals compile this file with one of these changed. */
#ifndef MAJOR
#define MAJOR EOS_MAJOR
#endif
#ifndef MINOR
#define MINOR EOS_MINOR
#endif
#ifndef SIZE
#define SIZE sizeof(eos_entry)
#endif
#ifndef MAGIC
#define MAGIC EOS_MAGIC
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef SAMPLE
#define SAMPLE sample
#endif
#ifndef PARAMS
#define PARAMS EOS_STR(PARAMS_TEXT)
#endif
#ifndef ENTRY
#define ENTRY eos_plugin_entry__halfway
#endif

/* A table of a later minor version: it has grown at its end. */
typedef struct later_entry {
    eos_entry entry;
    uint64_t more;
    void (*much_more)(void);
} later_entry;

#define FIELDS \
    EOS_STR("halfway"), EOS_STR("1.0.0"), EOS_STR("walks towards the nearest class-mate"), PARAMS, \
        FLAGS, create, SAMPLE, destroy

#ifdef LATER
const later_entry ENTRY = {{{MAGIC, MAJOR, MINOR, sizeof(later_entry)}, FIELDS}, 7, abort};
#else
const eos_entry ENTRY = {{MAGIC, MAJOR, MINOR, SIZE}, FIELDS};
#endif
