// The expanded first pass on tensor cores, which multiply TF32: 10 bits of mantissa. Either rows are stored so (1xTF32),
// which is enough where neighbours differ by more than that; or a value is split into the nearest TF32 and the TF32
// nearest to the rest, and of the four products of two such pairs the least is left out (3xTF32: about f32's precision).
//
// A block has a tile of 128 x 128, 8 warps with 64 x 32 each: 4 x 4 products of 16 x 8. Slabs of 16 terms come through
// three buffers by asynchronous copies, two on their way while one is computed. Lines are 24 words apart, so that the
// pairs of terms that the lanes of half a warp read lie in different banks. A product's term t is the slab's term 2t,
// t + 4 is 2t + 1: any order will do, as long as it is the same on both sides.
#ifndef EOS_TENSOR_CUH
#define EOS_TENSOR_CUH
#include "offer.cuh"

#ifdef EOS_TENSOR_CORES

#define EOS_TENSOR_SLAB 16u
#define EOS_TENSOR_LINE 24u
#define EOS_TENSOR_BUFFERS 3u

struct TensorShared {
    float slabs[EOS_TENSOR_BUFFERS][2u * EOS_TILE * EOS_TENSOR_LINE];  // queries, then rows
    float starts[2][EOS_TILE];  // of the sums of a tile and the next, by row
    float floors[EOS_TILE];
    Queue queue;
};

// A slab's part of 16 rows (of which lane 4g + t has g and g + 8) as two TF32 operands.
template <int SIZE> struct Split {
    u32 great[SIZE], small[SIZE];
};

template <bool THREE, int SIZE> __device__ __forceinline__ void split(Split<SIZE>& out, int at, float value) {
    out.great[at] = THREE ? to_tf32(value) : __float_as_uint(value);
    if (THREE) out.small[at] = to_tf32(__fsub_rn(value, __uint_as_float(out.great[at])));
}

template <bool THREE> __device__ __forceinline__ void tensor_scan(const ScanParams& p, TensorShared& shared) {
    const Task task = p.tasks[blockIdx.x];
    const u32 t = threadIdx.x, lane = t & 31u, warp = t >> 5, group = lane >> 2, pair = lane & 3u;
    const u32 down = (warp >> 2) * 64u + group, across = (warp & 3u) * 32u;

    if (t < EOS_TILE) shared.floors[t] = floor_of(p, task.tile * EOS_TILE + t);
    if (t == 0) shared.queue.count = 0;

    const u32 slabs = p.stride / EOS_TENSOR_SLAB;
    const u32 steps = (task.end - task.begin + EOS_TILE - 1u) / EOS_TILE * slabs;
    // Four chunks of 16 bytes a thread and slab: two lines of queries, two of rows.
    const u32 line = t >> 2, chunk = (t & 3u) * 4u;
    u32 loading = 0u, loading_column = task.begin, loading_slab = 0u;
    auto load = [&]() {
        if (loading < steps) {
            float* to = shared.slabs[loading % EOS_TENSOR_BUFFERS] + line * EOS_TENSOR_LINE + chunk;
            const u32 from = loading_slab * EOS_TENSOR_SLAB + chunk;
#pragma unroll
            for (u32 half = 0; half < 2u; ++half) {
                const u32 query = task.tile * EOS_TILE + line + half * 64u;
                const u32 row = min(loading_column + line + half * 64u, task.end - 1u);
                copy_async_16(to + half * 64u * EOS_TENSOR_LINE, p.queries + (u64)query * p.stride + from);
                copy_async_16(to + (2u + half) * 64u * EOS_TENSOR_LINE, p.rows + (u64)row * p.stride + from);
            }
            ++loading;
            if (++loading_slab == slabs) loading_slab = 0u, loading_column += EOS_TILE;
        }
        copy_async_commit();
    };

    float sums[4][4][4] = {};
    auto place = [=](int j) { return across + (u32)(j >> 1) * 8u + pair * 2u + (u32)(j & 1); };
    auto lines = [=](int i) { return down + (u32)(i >> 1) * 16u + (u32)(i & 1) * 8u; };
    auto closeness = [&](int i, int j) { return sums[i >> 1][j >> 1][(i & 1) * 2 + (j & 1)]; };
    auto start_of = [&](u32 column) { return t < EOS_TILE && column + t < task.end ? -p.half[column + t] : 0.0f; };

    load();
    load();
    u32 column = task.begin, slab = 0u, parity = 0u;
    if (t < EOS_TILE) shared.starts[0][t] = start_of(column);
    for (u32 step = 0; step < steps; ++step) {
        copy_async_wait<1>();
        __syncthreads();
        load();
        float start = 0.0f;
        if (slab == 0u) {
#pragma unroll
            for (int j = 0; j < 8; ++j)
#pragma unroll
                for (int i = 0; i < 8; ++i)
                    sums[i >> 1][j >> 1][(i & 1) * 2 + (j & 1)] = shared.starts[parity][place(j)];
            start = start_of(column + EOS_TILE);
        }
        const float* left = shared.slabs[step % EOS_TENSOR_BUFFERS] + down * EOS_TENSOR_LINE + pair * 2u;
        const float* right = shared.slabs[step % EOS_TENSOR_BUFFERS] + (EOS_TILE + across + group) * EOS_TENSOR_LINE + pair * 2u;
#pragma unroll
        for (u32 k = 0; k < EOS_TENSOR_SLAB; k += 8u) {
            Split<4> a[4];
            Split<2> b[4];
#pragma unroll
            for (u32 i = 0; i < 4u; ++i) {
                const float2 above = *reinterpret_cast<const float2*>(left + i * 16u * EOS_TENSOR_LINE + k);
                const float2 below = *reinterpret_cast<const float2*>(left + (i * 16u + 8u) * EOS_TENSOR_LINE + k);
                split<THREE>(a[i], 0, above.x);
                split<THREE>(a[i], 1, below.x);
                split<THREE>(a[i], 2, above.y);
                split<THREE>(a[i], 3, below.y);
                const float2 row = *reinterpret_cast<const float2*>(right + i * 8u * EOS_TENSOR_LINE + k);
                split<THREE>(b[i], 0, row.x);
                split<THREE>(b[i], 1, row.y);
            }
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    if (THREE) {
                        mma_tf32(sums[i][j], a[i].small, b[j].great);
                        mma_tf32(sums[i][j], a[i].great, b[j].small);
                    }
                    mma_tf32(sums[i][j], a[i].great, b[j].great);
                }
        }
        if (slab == 0u && t < EOS_TILE) shared.starts[parity ^ 1u][t] = start;
        if (++slab == slabs) {
            auto look = [&](u64 wanted) {
                return look_through(shared.queue, shared.floors, task.end, column, wanted, closeness, lines, place);
            };
            settle(p, shared.queue, task.tile, look(~0ull), look);
            slab = 0u, column += EOS_TILE, parity ^= 1u;
        }
    }
    empty(p, shared.queue, task.tile);
}

EOS_KERNEL(eos_scan_tf32x3, ScanParams, EOS_SCAN_THREADS, 2) {
    EOS_DYNAMIC_SHARED(bytes);
    tensor_scan<true>(p, *reinterpret_cast<TensorShared*>(bytes));
}

EOS_KERNEL(eos_scan_tf32, ScanParams, EOS_SCAN_THREADS, 2) {
    EOS_DYNAMIC_SHARED(bytes);
    tensor_scan<false>(p, *reinterpret_cast<TensorShared*>(bytes));
}

#endif
#endif
