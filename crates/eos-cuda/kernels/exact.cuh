// Queries that the first pass could not prove: all distances in the canonical form, and the least chosen by their bits.
#ifndef EOS_EXACT_CUH
#define EOS_EXACT_CUH
#include "offer.cuh"
#include "rank.cuh"

struct ExactParams {
    const float* queries;        // [slots, stride] as given
    const float* rows;           // [n, stride] as given, in order of position
    const u32* chosen;           // [m] slots
    const u32* query_labels;     // [slots]
    const u32* query_positions;  // [slots]
    const u32* labels;           // [n]
    u64* distances;              // [m, total] bits of the distance by position; all bits where a row is no neighbour
    u32 total, n, first, dims, stride, classes;
};

// Block (i, j): rows 8i … 8i + 7, a warp each, and query j.
EOS_KERNEL(eos_exact_distances, ExactParams, 256, 4) {
    const u32 lane = threadIdx.x & 31u, row = blockIdx.x * 8u + (threadIdx.x >> 5);
    if (row >= p.n) return;
    const u32 slot = p.chosen[blockIdx.y], position = p.first + row;
    const bool own = p.labels[row] == p.query_labels[slot];
    const bool admitted = position != p.query_positions[slot] && (p.classes == EOS_ANY || own == (p.classes == EOS_SAME));
    u64 bits = EOS_NO_KEY;
    if (admitted) {
        const double distance =
            squared_distance(p.queries + (u64)slot * p.stride, p.rows + (u64)row * p.stride, p.dims, lane);
        bits = (u64)__double_as_longlong(distance);
    }
    if (lane == 0) p.distances[(u64)blockIdx.y * p.total + position] = bits;
}

struct SelectParams {
    const u64* distances;  // [m, total]
    const u32* order;      // [total] row number of a position
    const u32* chosen;     // [m] slots
    u32* index;            // [slots, k]
    float* distance;       // [slots, k]
    u32 total, k;
};

// A block a query. Distances are not negative, so that their bits order as they do. Twelve rounds find the k-th by
// (distance, row number), a byte a round from the first: the rows that agree so far are counted by their next byte.
EOS_KERNEL(eos_exact_select, SelectParams, 256, 4) {
    EOS_DYNAMIC_SHARED(bytes);
    u64* found = reinterpret_cast<u64*>(bytes);           // [k]
    u32* rows = reinterpret_cast<u32*>(found + p.k);      // [k]
    __shared__ u32 counts[256];
    __shared__ u32 chosen_byte, left, taken;
    const u64* all = p.distances + (u64)blockIdx.x * p.total;
    const u32 slot = p.chosen[blockIdx.x], t = threadIdx.x;
    if (t == 0) left = p.k, taken = 0u;
    u64 prefix = 0;
    u32 row_prefix = 0;
    bool everything = false;
    for (u32 round = 0; round < 12u; ++round) {
        counts[t] = 0u;
        __syncthreads();
        for (u32 i = t; i < p.total; i += 256u) {
            const u64 bits = all[i];
            if (bits == EOS_NO_KEY) continue;
            if (round < 8u) {
                const u32 shift = 56u - 8u * round;
                if (round == 0u || (bits >> shift >> 8u) == (prefix >> shift >> 8u))
                    atomicAdd(&counts[(u32)(bits >> shift) & 255u], 1u);
            } else if (bits == prefix) {
                const u32 shift = 24u - 8u * (round - 8u);
                const u32 row = p.order[i];
                if (round == 8u || (row >> shift >> 8u) == (row_prefix >> shift >> 8u))
                    atomicAdd(&counts[(row >> shift) & 255u], 1u);
            }
        }
        __syncthreads();
        if (t == 0) {
            u32 byte = 0u;
            while (byte < 256u && counts[byte] < left) left -= counts[byte++];
            chosen_byte = byte;
        }
        __syncthreads();
        if (chosen_byte == 256u) {   // fewer than k neighbours, known in the first round
            everything = true;
            break;
        }
        if (round < 8u)
            prefix |= (u64)chosen_byte << (56u - 8u * round);
        else
            row_prefix |= chosen_byte << (24u - 8u * (round - 8u));
    }
    for (u32 i = t; i < p.total; i += 256u) {
        const u64 bits = all[i];
        if (bits == EOS_NO_KEY) continue;
        const u32 row = p.order[i];
        if (everything || bits < prefix || (bits == prefix && row <= row_prefix)) {
            const u32 place = atomicAdd(&taken, 1u);
            found[place] = bits;
            rows[place] = row;
        }
    }
    __syncthreads();
    for (u32 i = t; i < p.k; i += 256u) {
        if (i >= taken) {
            p.index[(u64)slot * p.k + i] = EOS_NONE;
            p.distance[(u64)slot * p.k + i] = EOS_INFINITY;
            continue;
        }
        u32 rank = 0;
        for (u32 other = 0; other < taken; ++other)
            rank += (u32)(found[other] < found[i] || (found[other] == found[i] && rows[other] < rows[i]));
        p.index[(u64)slot * p.k + rank] = rows[i];
        p.distance[(u64)slot * p.k + rank] = __double2float_rn(__longlong_as_double((long long)found[i]));
    }
}

#endif
