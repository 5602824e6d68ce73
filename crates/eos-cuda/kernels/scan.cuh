// The first pass in f32: a tile of queries against a range of rows, 128 x 128 scores at a time, of which those that
// reach a query's floor are kept.
//
// *Expanded*: rows are centred and scaled, and the closeness is a · b − ½|b|², one multiply-add a term. *Direct*: rows
// are as given, and the closeness is −Σ(a − b)², two operations a term, but right where rows lie close together and far
// from their mean. Scores are not distances: the ranking proves that none is missing, or says that it cannot.
//
// Slabs of 8 terms pass through two buffers in shared memory, [term][line]; the next slab is on its way, in registers,
// while this one is computed, also across the border of two tiles. A thread has 8 x 8 sums, in four squares of 4 x 4.
#ifndef EOS_SCAN_CUH
#define EOS_SCAN_CUH
#include "offer.cuh"

#define EOS_SLAB 8u
// A line of a slab: 4 more than a tile, so that few of the transposing stores meet in a bank.
#define EOS_LINE (EOS_TILE + 4u)

struct __align__(16) ScanShared {
    float queries[2][EOS_SLAB * EOS_LINE];
    float rows[2][EOS_SLAB * EOS_LINE];
    float starts[EOS_TILE];  // of the sums of a tile, by row
    float floors[EOS_TILE];
    Queue queue;
};

__device__ __forceinline__ void put(float* slab, u32 term, u32 line, float4 values) {
    slab[(term + 0u) * EOS_LINE + line] = values.x;
    slab[(term + 1u) * EOS_LINE + line] = values.y;
    slab[(term + 2u) * EOS_LINE + line] = values.z;
    slab[(term + 3u) * EOS_LINE + line] = values.w;
}

template <bool DIRECT> __device__ __forceinline__ void scan(const ScanParams& p, ScanShared& shared) {
    const Task task = p.tasks[blockIdx.x];
    const u32 t = threadIdx.x, across = (t & 15u) * 4u, down = (t >> 4) * 4u;
    // This thread's part of a slab: 4 terms of a line.
    const u32 line = t >> 1, term = (t & 1u) * 4u;
    const float* query = p.queries + (u64)(task.tile * EOS_TILE + line) * p.stride + term;

    if (t < EOS_TILE) shared.floors[t] = floor_of(p, task.tile * EOS_TILE + t);
    if (t == 0) shared.queue.count = 0;

    float sums[8][8] = {};
    auto place = [=](int j) { return (j < 4 ? 0u : 60u) + across + (u32)j; };
    auto lines = [=](int i) { return (i < 4 ? 0u : 60u) + down + (u32)i; };
    auto closeness = [&](int i, int j) { return DIRECT ? -sums[i][j] : sums[i][j]; };
    // Rows behind the end are read as the last one, and not offered.
    auto row_at = [&](u32 column, u32 slab) {
        const u32 row = min(column + line, task.end - 1u);
        return *reinterpret_cast<const float4*>(p.rows + (u64)row * p.stride + term + slab);
    };
    auto query_at = [&](u32 slab) { return *reinterpret_cast<const float4*>(query + slab); };
    auto start_of = [&](u32 column) {
        return !DIRECT && t < EOS_TILE && column + t < task.end ? -p.half[column + t] : 0.0f;
    };
    auto begin_tile = [&]() {
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            const float start = DIRECT ? 0.0f : shared.starts[place(j)];
#pragma unroll
            for (int i = 0; i < 8; ++i) sums[i][j] = start;
        }
    };

    u32 column = task.begin, slab = 0u, buffer = 0u;
    put(shared.queries[0], term, line, query_at(0u));
    put(shared.rows[0], term, line, row_at(column, 0u));
    if (t < EOS_TILE) shared.starts[t] = start_of(column);
    __syncthreads();
    begin_tile();
    for (;;) {
        const bool last_slab = slab + EOS_SLAB == p.stride;
        const u32 next_slab = last_slab ? 0u : slab + EOS_SLAB;
        const u32 next_column = last_slab ? column + EOS_TILE : column;
        const bool more = next_column < task.end;
        float4 a, b;
        float start = 0.0f;
        if (more) {
            a = query_at(next_slab), b = row_at(next_column, next_slab);
            if (last_slab) start = start_of(next_column);
        }
        const float* left = shared.queries[buffer] + down;
        const float* right = shared.rows[buffer] + across;
#pragma unroll
        for (u32 k = 0; k < EOS_SLAB; ++k) {
            float x[8], y[8];
#pragma unroll
            for (u32 half = 0; half < 2u; ++half) {
                const float4 xs = *reinterpret_cast<const float4*>(left + k * EOS_LINE + half * 64u);
                const float4 ys = *reinterpret_cast<const float4*>(right + k * EOS_LINE + half * 64u);
                x[4 * half] = xs.x, x[4 * half + 1] = xs.y, x[4 * half + 2] = xs.z, x[4 * half + 3] = xs.w;
                y[4 * half] = ys.x, y[4 * half + 1] = ys.y, y[4 * half + 2] = ys.z, y[4 * half + 3] = ys.w;
            }
#pragma unroll
            for (int i = 0; i < 8; ++i)
#pragma unroll
                for (int j = 0; j < 8; ++j) {
                    if (DIRECT) {
                        const float difference = __fsub_rn(x[i], y[j]);
                        sums[i][j] = __fmaf_rn(difference, difference, sums[i][j]);
                    } else {
                        sums[i][j] = __fmaf_rn(x[i], y[j], sums[i][j]);
                    }
                }
        }
        buffer ^= 1u;
        if (more) {
            put(shared.queries[buffer], term, line, a);
            put(shared.rows[buffer], term, line, b);
        }
        if (last_slab) {
            auto look = [&](u64 wanted) {
                return look_through(shared.queue, shared.floors, task.end, column, wanted, closeness, lines, place);
            };
            // A tile has two slabs or more: a barrier lies behind the last reading of the starts.
            if (t < EOS_TILE) shared.starts[t] = start;
            settle(p, shared.queue, task.tile, look(~0ull), look);
            if (!more) break;
            begin_tile();
        } else {
            __syncthreads();
        }
        column = next_column;
        slab = next_slab;
    }
    empty(p, shared.queue, task.tile);
}

EOS_KERNEL(eos_scan_expanded, ScanParams, EOS_SCAN_THREADS, 2) {
    __shared__ ScanShared shared;
    scan<false>(p, shared);
}

EOS_KERNEL(eos_scan_direct, ScanParams, EOS_SCAN_THREADS, 2) {
    __shared__ ScanShared shared;
    scan<true>(p, shared);
}

#endif
