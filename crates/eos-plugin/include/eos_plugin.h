/*
 * The boundary between a host and an oversampler plugin, version 1.0, for C11 on 64-bit targets.
 *
 * A plugin exports one constant table, named after its library without prefix and suffix:
 *
 *     const eos_entry eos_plugin_entry__my_method = { ... };      // libmy_method.so
 *
 * Rules:
 *  1. Every table starts with an eos_header. Tables only grow at their end; header.size says how
 *     far the side that made it knows it. Check magic, major and size before reading on.
 *  2. A host reads and judges the entry before it calls the plugin.
 *  3. Neither side frees the other's memory. Inputs are borrowed for one call, outputs are host
 *     memory, strings are copied by whoever receives them.
 *  4. Nothing unwinds or jumps across a call: return a status, say why through set_error.
 *  5. progress and neighbours are called only from the thread that the host called on; set_error,
 *     log, service and block from any, but never after the call has returned.
 */
#ifndef EOS_PLUGIN_H
#define EOS_PLUGIN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define EOS_STATIC_ASSERT(what) static_assert(what, #what)
#else
#define EOS_STATIC_ASSERT(what) _Static_assert(what, #what)
#endif

/* "EOSPLUG" and a zero as a little-endian number. */
#define EOS_MAGIC UINT64_C(0x0047554C50534F45)
#define EOS_MAJOR 1
#define EOS_MINOR 0

typedef struct eos_header {
    uint64_t magic; /* EOS_MAGIC */
    uint16_t major; /* of the side that made the table */
    uint16_t minor;
    uint32_t size; /* bytes of the table, this header included */
} eos_header;

#define EOS_HEADER(type) { EOS_MAGIC, EOS_MAJOR, EOS_MINOR, (uint32_t)sizeof(type) }

/* Borrowed UTF-8, not terminated by a NUL. */
typedef struct eos_str {
    const char *ptr;
    size_t len;
} eos_str;

/* Of a string literal. */
#define EOS_STR(literal) { (literal), sizeof(literal) - 1 }

typedef int32_t eos_status;
enum {
    EOS_OK = 0,
    EOS_FAILED = 1,
    EOS_BAD_PARAMS = 2,
    EOS_CANCELLED = 3,
    EOS_PANICKED = 4,
    EOS_UNSUPPORTED = 5,
    EOS_HOST_MISMATCH = 6 /* the host's tables are of another version; no message */
};

/* eos_entry.flags */
#define EOS_PANIC_ABORTS UINT64_C(1) /* a panic ends the process */
#define EOS_MAKES_ROWS UINT64_C(2)   /* fills labels and rows, not recipes */

/* Levels of eos_host.log */
enum { EOS_LOG_DEBUG = 0, EOS_LOG_NOTE = 1, EOS_LOG_WARNING = 2 };

/* One synthetic row: base + ratio * (to - from). Interpolation has from = base. */
typedef struct eos_recipe {
    uint32_t label; /* class of the row; base must be a row of it */
    uint32_t base;
    uint32_t from;
    uint32_t to;
    float ratio; /* finite */
} eos_recipe;

typedef struct eos_dataset {
    eos_header header;
    uint64_t len;  /* N */
    uint64_t dims; /* D */
    uint32_t classes;
    uint32_t reserved;
    const float *rows;      /* [N, D] row-major, finite */
    const uint32_t *labels; /* [N], below classes */
    const uint64_t *wanted; /* [classes] rows to add; their sum is the output's capacity */
    uint64_t seed;
} eos_dataset;

typedef struct eos_output {
    eos_header header;
    uint64_t capacity;
    uint64_t written;    /* set by the plugin, at most capacity */
    eos_recipe *recipes; /* [capacity]; null for a plugin that makes rows */
    uint32_t *labels;    /* [capacity]; null for a plugin that makes recipes */
    float *rows;         /* [capacity, D]; null for a plugin that makes recipes */
} eos_output;

typedef struct eos_host {
    eos_header header;
    void *ctx; /* first argument of the functions */
    void (*set_error)(void *ctx, eos_str message);
    void (*log)(void *ctx, uint32_t level, eos_str line);
    int32_t (*progress)(void *ctx, uint64_t done, uint64_t total); /* not 0: return EOS_CANCELLED */
    const void *(*service)(void *ctx, eos_str name);               /* null: not offered */
    uint32_t threads;                                              /* that the plugin may use */
    uint32_t reserved;
} eos_host;

#define EOS_KNN_SERVICE "eos.knn/1"
enum { EOS_ANY_CLASS = 0, EOS_SAME_CLASS = 1, EOS_OTHER_CLASS = 2 };
#define EOS_NO_ROW UINT32_MAX /* in slots of a list that is shorter than k; distance +inf */

/* of the call's dataset; offered in sample, not in create */
typedef struct eos_knn {
    eos_header header;
    void *ctx;
    /* index and distance are [len, k], rising by (squared distance, row), the query excluded */
    eos_status (*neighbours)(void *ctx, const uint32_t *queries, uint64_t len, uint32_t k,
                             uint32_t classes, uint32_t *index, float *distance);
    eos_str device;
} eos_knn;

#define EOS_RNG_SERVICE "eos.rng/1"

typedef struct eos_rng {
    eos_header header;
    void *ctx;
    /* four words of Philox4x32-10 for the counter (index low, index high, stream, block), keyed
       by the seed; index counts samples within their class, stream is the class */
    void (*block)(void *ctx, uint64_t index, uint32_t stream, uint32_t block, uint32_t *out);
} eos_rng;

#define EOS_COST_SERVICE "eos.cost/1"

typedef struct eos_cost {
    eos_header header;
    void *ctx;
    /* so many parameters were trained, in so many steps; several calls add up */
    void (*trained)(void *ctx, uint64_t parameters, uint64_t steps);
} eos_cost;

/* Offered by conformance kits alone: a plugin whose language panics does so where it is offered. */
#define EOS_PANIC_SERVICE "eos.panic/1"

typedef void eos_instance;

typedef struct eos_entry {
    eos_header header;
    eos_str id;      /* lower case, digits, hyphens */
    eos_str version; /* of the plugin */
    eos_str summary;
    eos_str params; /* TOML: [key] type, default, min, max, choices, doc */
    uint64_t flags;
    /* params: every parameter, one "key = value" a line */
    eos_status (*create)(const eos_host *host, eos_str params, eos_instance **out);
    eos_status (*sample)(const eos_host *host, const eos_instance *instance,
                         const eos_dataset *data, eos_output *out);
    void (*destroy)(eos_instance *instance);
} eos_entry;

EOS_STATIC_ASSERT(sizeof(eos_header) == 16);
EOS_STATIC_ASSERT(sizeof(eos_str) == 16);
EOS_STATIC_ASSERT(sizeof(eos_recipe) == 20);
EOS_STATIC_ASSERT(sizeof(eos_dataset) == 72);
EOS_STATIC_ASSERT(sizeof(eos_output) == 56);
EOS_STATIC_ASSERT(sizeof(eos_host) == 64);
EOS_STATIC_ASSERT(sizeof(eos_knn) == 48);
EOS_STATIC_ASSERT(sizeof(eos_rng) == 32);
EOS_STATIC_ASSERT(sizeof(eos_cost) == 32);
EOS_STATIC_ASSERT(sizeof(eos_entry) == 112);

#ifdef __cplusplus
}
#endif
#endif
