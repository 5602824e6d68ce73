// What is left of the first pass is measured in the canonical form, ranked, and proven complete where it can be.
#ifndef EOS_RANK_CUH
#define EOS_RANK_CUH
#include "keys.cuh"

// The canonical squared distance: lane l sums the squares of terms l, l + 32, … in rising order, each operation rounded,
// then l += l + 16, 8, 4, 2, 1. All lanes return it.
__device__ __forceinline__ double squared_distance(const float* a, const float* b, u32 dims, u32 lane) {
    double sum = 0.0;
    for (u32 j = lane; j < dims; j += 32u) {
        const double difference = __dsub_rn((double)a[j], (double)b[j]);
        sum = __dadd_rn(sum, __dmul_rn(difference, difference));
    }
#pragma unroll
    for (int step = 16; step > 0; step >>= 1) sum = __dadd_rn(sum, __shfl_xor_sync(EOS_ALL_LANES, sum, step));
    return sum;
}

struct MeasureParams {
    const float* queries;        // [slots, stride] as given
    const float* rows;           // [n, stride] as given, in order of position
    const u32* query_positions;  // [slots]
    const u64* keys;             // [slots, capacity]
    double* distances;           // [slots, kept]
    u32 slots, capacity, kept, dims, stride, first, n, unused;
};

// Distances of those candidates that lie in the block of rows at hand. A warp a query.
EOS_KERNEL(eos_measure, MeasureParams, 128, 8) {
    const u32 lane = threadIdx.x & 31u, slot = blockIdx.x * 4u + (threadIdx.x >> 5);
    if (slot >= p.slots || p.query_positions[slot] == EOS_NONE) return;
    const float* query = p.queries + (u64)slot * p.stride;
    for (u32 i = 0; i < p.kept; ++i) {
        const u64 key = p.keys[(u64)slot * p.capacity + i];
        if (key == EOS_NO_KEY) break;
        const u32 row = (u32)key - p.first;
        if (row >= p.n) continue;
        const double distance = squared_distance(query, p.rows + (u64)row * p.stride, p.dims, lane);
        if (lane == 0) p.distances[(u64)slot * p.kept + i] = distance;
    }
}

struct RankParams {
    const u32* query_positions;  // [slots]
    const float* query_half;     // [slots] half the squared norm of the stored query
    const u64* keys;             // [slots, capacity]
    const double* distances;     // [slots, kept]
    const u32* order;            // [n] row number of a position
    u32* index;                  // [slots, k]
    float* distance;             // [slots, k]
    u32* unproven;               // [slots] 1 where a neighbour may be missing
    // The certificate, as eos-tensor's bound has it. Direct: gain is relative to the distance.
    double squared_scale, relative, absolute, gain, constant, rounding;
    u32 capacity, kept, k, direct;
};

// The greatest score of a row within canonical distance `reach`; the same steps as eos-tensor's `Bound::limit`.
__device__ __forceinline__ double limit_of(const RankParams& p, double norm, double reach) {
    const double scaled = __dmul_rn(__dmul_rn(p.squared_scale, reach), __dadd_rn(1.0, p.rounding));
    if (p.direct != 0u) return __dadd_rn(__dmul_rn(scaled, __dadd_rn(1.0, p.gain)), p.constant);
    const double radius = __dsqrt_rn(scaled);
    const double slight = __dadd_rn(1.0 + 9.5367431640625e-07, p.relative);   // 1 + 2^-20 + relative
    const double greatest =
        __dadd_rn(__dmul_rn(__dadd_rn(__dsqrt_rn(norm), radius), slight), __dmul_rn(2.0, p.absolute));
    const double stored = __dadd_rn(__dmul_rn(p.relative, greatest), p.absolute);
    const double slack = __dadd_rn(
        __dmul_rn(__dmul_rn(greatest, greatest), __dadd_rn(p.gain, __dmul_rn(4.0, p.rounding))), p.constant);
    const double reached = __dadd_rn(radius, stored);
    return __dadd_rn(__dmul_rn(0.5, __dsub_rn(__dmul_rn(reached, reached), norm)), slack);
}

// A block a query: each candidate's rank is the number of those before it by (distance, row number).
EOS_KERNEL(eos_rank, RankParams, 128, 8) {
    EOS_DYNAMIC_SHARED(bytes);
    double* distances = reinterpret_cast<double*>(bytes);
    u32* rows = reinterpret_cast<u32*>(distances + p.kept);
    const u32 slot = blockIdx.x;
    if (p.query_positions[slot] == EOS_NONE) return;
    const u64* keys = p.keys + (u64)slot * p.capacity;
    for (u32 i = threadIdx.x; i < p.kept; i += blockDim.x) {
        const u64 key = keys[i];
        rows[i] = key == EOS_NO_KEY ? EOS_NONE : p.order[(u32)key];
        distances[i] = key == EOS_NO_KEY ? (double)EOS_INFINITY : p.distances[(u64)slot * p.kept + i];
    }
    __syncthreads();
    const u64 worst = keys[p.kept - 1u];
    for (u32 i = threadIdx.x; i < p.kept; i += blockDim.x) {
        const double distance = distances[i];
        const u32 row = rows[i];
        if (row == EOS_NONE) {
            // Rows come first, so that place i is free.
            if (i < p.k) p.index[(u64)slot * p.k + i] = EOS_NONE, p.distance[(u64)slot * p.k + i] = EOS_INFINITY;
            continue;
        }
        u32 rank = 0;
        for (u32 other = 0; other < p.kept; ++other)
            rank += (u32)(distances[other] < distance || (distances[other] == distance && rows[other] < row));
        if (rank >= p.k) continue;
        p.index[(u64)slot * p.k + rank] = row;
        p.distance[(u64)slot * p.k + rank] = __double2float_rn(distance);
        if (rank + 1u == p.k && worst != EOS_NO_KEY) {
            const double limit = limit_of(p, 2.0 * (double)p.query_half[slot], distance);
            if (!((double)score_of(worst) > limit)) p.unproven[slot] = 1u;
        }
    }
}

#endif
