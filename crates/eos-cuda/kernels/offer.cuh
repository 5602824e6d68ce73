// What the scans share: their parameters, and how a candidate gets from a tile to its query's buffer.
#ifndef EOS_OFFER_CUH
#define EOS_OFFER_CUH
#include "keys.cuh"

// Queries and rows of a tile, and threads of the block that works on it: 8 x 8 scores each.
#define EOS_TILE 128u
#define EOS_SCAN_THREADS 256u
// Candidates that wait in shared memory.
#define EOS_QUEUE 1024u

#define EOS_ANY 0u
#define EOS_SAME 1u
#define EOS_OTHER 2u

// A tile of queries against rows [begin, end) of the block of rows at hand.
struct Task {
    u32 tile, begin, end, unused;
};

struct ScanParams {
    const Task* tasks;           // one a block
    const float* queries;        // [slots, stride]
    const float* rows;           // [n, stride], in order of position
    const float* half;           // [n] half the squared norms; not read by the direct form
    const u32* query_labels;     // [slots]
    const u32* query_positions;  // [slots]; EOS_NONE in a slot without a query
    const u32* labels;           // [n]
    const u64* thresholds;       // [slots] keys from here on cannot be among the kept
    u64* keys;                   // [slots, capacity]: `kept` rising keys, then new ones
    u32* counts;                 // [slots] new keys, also those there was no room for
    u32 capacity, kept;
    u32 stride;                  // a multiple of 16
    u32 first;                   // position of rows[0]
    u32 classes;                 // EOS_ANY, EOS_SAME, EOS_OTHER
    u32 dense;                   // 1 in the first stage: key number i of a query is row first + i, all have room
};

// Candidates of a tile, collected in shared memory because atomics there take a tenth of the time.
struct Queue {
    float closeness[EOS_QUEUE];
    u32 rows[EOS_QUEUE];
    u32 lines[EOS_QUEUE];
    u32 count;
};

// Puts a candidate into its query's buffer, if it may be a neighbour and precedes what is kept.
__device__ __forceinline__ void offer(const ScanParams& p, u32 slot, u32 row, float closeness) {
    const u32 position = p.first + row;
    if (position == p.query_positions[slot]) return;
    if (p.classes != EOS_ANY && (p.labels[row] == p.query_labels[slot]) != (p.classes == EOS_SAME)) return;
    const u64 key = key_of(-closeness, position);
    u64* own = p.keys + (u64)slot * p.capacity + p.kept;
    if (p.dense != 0u) {
        own[position] = key;
        return;
    }
    if (key >= p.thresholds[slot]) return;
    const u32 place = atomicAdd(&p.counts[slot], 1u);
    if (place < p.capacity - p.kept) own[place] = key;
}

// Empties the queue: all threads of the block, after a barrier.
__device__ __forceinline__ void empty(const ScanParams& p, Queue& queue, u32 tile) {
    const u32 count = min(queue.count, EOS_QUEUE);
    for (u32 i = threadIdx.x; i < count; i += EOS_SCAN_THREADS)
        offer(p, tile * EOS_TILE + queue.lines[i], queue.rows[i], queue.closeness[i]);
    __syncthreads();
    if (threadIdx.x == 0) queue.count = 0;
    __syncthreads();
}

// The closeness (the negative score) below which a row is no candidate of a query: nothing is for a slot without one.
__device__ __forceinline__ float floor_of(const ScanParams& p, u32 slot) {
    if (p.query_positions[slot] == EOS_NONE) return EOS_INFINITY;
    const u64 threshold = p.thresholds[slot];
    return threshold == EOS_NO_KEY ? -EOS_INFINITY : -score_of(threshold);
}

// What a thread's look through its scores came to.
struct Looked {
    u64 refused;  // bit 8i + j: candidate (i, j) found the queue full
    bool full;    // the queue should be emptied soon
};

// Looks through those of a thread's 8 x 8 closenesses that `wanted` has a bit for, in the tile whose first row is `column`.
template <class Closeness, class Line, class Column>
__device__ __forceinline__ Looked look_through(Queue& queue, const float* floors, u32 end, u32 column, u64 wanted,
                                               Closeness closeness, Line line, Column place) {
    Looked looked = {0, false};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        const float least = floors[line(i)];
        bool any = false;
#pragma unroll
        for (int j = 0; j < 8; ++j) any |= closeness(i, j) >= least;
        if (!any) continue;
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            const u32 row = column + place(j);
            if (closeness(i, j) >= least && row < end && ((wanted >> (8 * i + j)) & 1u) != 0u) {
                const u32 at = atomicAdd(&queue.count, 1u);
                if (at < EOS_QUEUE) {
                    queue.closeness[at] = closeness(i, j);
                    queue.rows[at] = row;
                    queue.lines[at] = line(i);
                } else {
                    looked.refused |= 1ull << (8 * i + j);
                }
                looked.full |= at >= EOS_QUEUE / 2u;
            }
        }
    }
    return looked;
}

// A barrier of the block, behind which the queue has room and no candidate is refused; `again` looks through those that
// were.
template <class Again>
__device__ __forceinline__ void settle(const ScanParams& p, Queue& queue, u32 tile, Looked looked, Again again) {
    if (!__syncthreads_or((int)looked.full)) return;
    for (;;) {
        empty(p, queue, tile);
        if (!__syncthreads_or((int)(looked.refused != 0))) return;
        looked = again(looked.refused);
        __syncthreads();
    }
}

#endif
