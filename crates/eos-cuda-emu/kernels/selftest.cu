// Kernels of the emulator's own tests, each for a few primitives.
#include "shim.h"

typedef unsigned int u32;
typedef unsigned long long u64;

#define ALL 0xffffffffu

struct PlacesParams {
    uint4* out;  // [threads of the grid, 4]
};

__device__ __forceinline__ u32 number_in_block() {
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

EOS_KERNEL(places, PlacesParams, 256, 1) {
    const u32 block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    uint4* own = p.out + (block * blockDim.x * blockDim.y * blockDim.z + number_in_block()) * 4u;
    own[0] = make_uint4(threadIdx.x, threadIdx.y, threadIdx.z, 0u);
    own[1] = make_uint4(blockIdx.x, blockIdx.y, blockIdx.z, 0u);
    own[2] = make_uint4(blockDim.x, blockDim.y, blockDim.z, 0u);
    own[3] = make_uint4(gridDim.x, gridDim.y, gridDim.z, 0u);
}

struct ReverseParams {
    const u32* in;  // [blocks, 256]
    u32* out;       // [blocks, 256] each block's numbers in falling order of place
    u32* votes;     // [blocks, 3] whether one is odd, whether all are, how many are
};

EOS_KERNEL(reverse, ReverseParams, 256, 1) {
    __shared__ u32 fixed[256];
    EOS_DYNAMIC_SHARED(bytes);
    u32* dynamic = reinterpret_cast<u32*>(bytes);
    const u32 t = threadIdx.x, at = blockIdx.x * blockDim.x + t;
    const u32 value = p.in[at];
    fixed[t] = value;
    dynamic[t] = value;
    __syncthreads();  // all are in
    const u32 from = blockDim.x - 1u - t;
    p.out[at] = fixed[from] == dynamic[from] ? fixed[from] : 0u;
    const int odd = (int)(value & 1u);
    const int any = __syncthreads_or(odd), all = __syncthreads_and(odd), count = __syncthreads_count(odd);
    if (t == blockIdx.x % blockDim.x) {
        p.votes[blockIdx.x * 3u] = (u32)any;
        p.votes[blockIdx.x * 3u + 1u] = (u32)all;
        p.votes[blockIdx.x * 3u + 2u] = (u32)count;
    }
}

struct UntouchedParams {
    unsigned char* out;  // [shared bytes]
    u32 bytes;
};

// What dynamic shared memory holds before anything is written; then leaves something for the next block to find.
EOS_KERNEL(untouched, UntouchedParams, 32, 1) {
    EOS_DYNAMIC_SHARED(bytes);
    for (u32 i = threadIdx.x; i < p.bytes; i += 32u) {
        p.out[blockIdx.x * p.bytes + i] = bytes[i];
        bytes[i] = 0;
    }
}

struct LanesParams {
    const u64* in;      // [threads]
    const u32* source;  // [threads] a lane
    u64* out;           // [threads, 10]
    u32 width, delta;
};

EOS_KERNEL(lanes, LanesParams, 256, 1) {
    const u32 t = number_in_block();
    const u64 value = p.in[t];
    u64* own = p.out + t * 10u;
    own[0] = __shfl_sync(ALL, value, (int)p.source[t], (int)p.width);
    own[1] = __shfl_xor_sync(ALL, value, (int)p.delta, (int)p.width);
    own[2] = __shfl_up_sync(ALL, value, p.delta, (int)p.width);
    own[3] = __shfl_down_sync(ALL, value, p.delta, (int)p.width);
    own[4] = __float_as_uint(__shfl_sync(ALL, __uint_as_float((u32)value & 0x3fffffffu), (int)p.source[t]));
    const int odd = (int)(value & 1u);
    own[5] = __ballot_sync(ALL, odd);
    own[6] = (u64)(__any_sync(ALL, odd) * 2 + __all_sync(ALL, odd));
    // The halves of a warp go ways of their own, and meet again.
    if ((t & 31u) < 16u) {
        own[7] = __ballot_sync(0x0000ffffu, odd);
        own[8] = __shfl_xor_sync(0x0000ffffu, value, 5);
        __syncwarp();
    } else {
        own[7] = __ballot_sync(0xffff0000u, odd) >> 16;
        own[8] = __shfl_xor_sync(0xffff0000u, value, 9);
        __syncwarp();
    }
    double sum = (double)(value & 1023u);
#pragma unroll
    for (int step = 16; step > 0; step >>= 1) sum = __dadd_rn(sum, __shfl_xor_sync(ALL, sum, step));
    own[9] = (u64)sum;
}

struct LinesParams {
    const u32* in;  // [256]
    u32* out;       // [256] the lane's neighbours to both sides, added
};

EOS_KERNEL(lines, LinesParams, 256, 1) {
    __shared__ u32 line[8][32];
    const u32 lane = threadIdx.x & 31u, warp = threadIdx.x >> 5;
    line[warp][lane] = 0u;
    __syncwarp();
    line[warp][lane] = p.in[threadIdx.x];
    __syncwarp();  // the warp's lines are in
    p.out[threadIdx.x] = line[warp][(lane + 1u) & 31u] + line[warp][(lane + 31u) & 31u];
}

struct BitsParams {
    const u64* in;  // [n, 2]
    u32* out;       // [n, 8]
    u32 n;
};

EOS_KERNEL(bit_words, BitsParams, 256, 1) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= p.n) return;
    const u64 wide = p.in[2u * i];
    const u32 a = (u32)wide, b = (u32)p.in[2u * i + 1u];
    u32* own = p.out + i * 8u;
    own[0] = (u32)__popc(a);
    own[1] = (u32)__popcll(wide);
    own[2] = (u32)__ffs((int)a);
    own[3] = (u32)__clz((int)a);
    own[4] = __umulhi(a, b);
    own[5] = min(a, b) ^ (u32)max((int)a, (int)b);
    own[6] = __ldg(&p.in[2u * i]) == wide ? 1u : 0u;
    own[7] = (u32)min(wide, p.in[2u * i + 1u]);
}

struct FloatsParams {
    const float* in;  // [n, 3]
    u32* out;         // [n, 8]
    u32 n;
};

EOS_KERNEL(floats, FloatsParams, 256, 1) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= p.n) return;
    const float a = p.in[3u * i], b = p.in[3u * i + 1u], c = p.in[3u * i + 2u];
    u32* own = p.out + i * 8u;
    own[0] = __float_as_uint(__fmaf_rn(a, b, c));
    own[1] = __float_as_uint(__fadd_rn(a, b));
    own[2] = __float_as_uint(__fsub_rn(a, b));
    own[3] = __float_as_uint(__fmul_rn(a, b));
    own[4] = __float_as_uint(__fsqrt_rn(a));
    own[5] = to_tf32(a);
    own[6] = __float_as_uint(fmaxf(a, b));
    own[7] = __float_as_uint(min(a, b));
}

struct DoublesParams {
    const double* in;  // [n, 2]
    u64* out;          // [n, 8]
    u32 n;
};

EOS_KERNEL(doubles, DoublesParams, 256, 1) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= p.n) return;
    const double a = p.in[2u * i], b = p.in[2u * i + 1u];
    u64* own = p.out + i * 8u;
    own[0] = (u64)__double_as_longlong(__dadd_rn(a, b));
    own[1] = (u64)__double_as_longlong(__dsub_rn(a, b));
    own[2] = (u64)__double_as_longlong(__dmul_rn(a, b));
    own[3] = (u64)__double_as_longlong(__ddiv_rn(a, b));
    own[4] = (u64)__double_as_longlong(__dsqrt_rn(__longlong_as_double(__double_as_longlong(a))));
    own[5] = __float_as_uint(__double2float_rn(a));
    own[6] = __float_as_uint(__double2float_ru(a));
    own[7] = __float_as_uint(__double2float_rd(a));
}

struct AtomicsParams {
    u32* words;  // [5] sum, greatest, least, or, blocks that have ended
    u64* wides;  // [4] sum, greatest, least, or
    u32* last;   // the sum as the block that ends last sees it
};

EOS_KERNEL(atomics, AtomicsParams, 256, 1) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    atomicAdd(&p.words[0], i);
    atomicMax(&p.words[1], i ^ 0x2a5u);
    atomicMin(&p.words[2], i + 7u);
    atomicOr(&p.words[3], 1u << (i & 31u));
    const u64 wide = (u64)i << 30;
    atomicAdd(&p.wides[0], wide);
    atomicMax(&p.wides[1], wide);
    atomicMin(&p.wides[2], wide + 9u);
    atomicOr(&p.wides[3], 1ull << (i & 63u));
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && atomicAdd(&p.words[4], 1u) == gridDim.x - 1u) *p.last = atomicAdd(&p.words[0], 0u);
}

struct ContendedParams {
    u32* sum;    // one for each thread and round
    u64* most;   // greatest of all
    u32* least;  // least of all
    u32* back;   // [threads] how often the greatest or the least went back
    u32 rounds;
};

// All threads change the same few words, for so long that those of different blocks meet.
EOS_KERNEL(contended, ContendedParams, 256, 1) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    u64 most = 0;
    u32 least = ~0u, back = 0u;
    for (u32 round = 0; round < p.rounds; ++round) {
        atomicAdd(p.sum, 1u);
        const u64 high = (u64)round << 32 | i;
        back += atomicMax(p.most, high) < most ? 1u : 0u;
        most = high;
        const u32 low = ~(round << 16 | i);
        back += atomicMin(p.least, low) > least ? 1u : 0u;
        least = low;
    }
    p.back[i] = back;
}

struct CopiesParams {
    const float4* in;  // [slabs, 64]
    float* out;        // [64] the sum over slabs of the other threads' values
    u32 slabs;
};

// Slabs come through two buffers, the next on its way while one is read.
EOS_KERNEL(copies, CopiesParams, 64, 1) {
    EOS_DYNAMIC_SHARED(bytes);
    float4* buffers = reinterpret_cast<float4*>(bytes);  // [2, 64]
    const u32 t = threadIdx.x;
    float sum = 0.0f;
    copy_async_16(buffers + t, p.in + t);
    copy_async_commit();
    for (u32 slab = 0; slab < p.slabs; ++slab) {
        if (slab + 1u < p.slabs) copy_async_16(buffers + ((slab + 1u) & 1u) * 64u + t, p.in + (slab + 1u) * 64u + t);
        copy_async_commit();
        copy_async_wait<1>();  // all but the newest slab
        __syncthreads();
        const float4 other = buffers[(slab & 1u) * 64u + (t + 1u) % 64u];
        sum += other.x + other.y + other.z + other.w;
        __syncthreads();  // the slab has been read
    }
    p.out[t] = sum;
}

struct ProductParams {
    const float* a;  // [warps, 16, 8]
    const float* b;  // [warps, 8, 8]
    float* d;        // [warps, 16, 8]
};

EOS_KERNEL(product, ProductParams, 128, 1) {
    const u32 lane = threadIdx.x & 31u, g = lane >> 2, t = lane & 3u, warp = threadIdx.x >> 5;
    const float *a = p.a + warp * 128u, *b = p.b + warp * 64u;
    float* out = p.d + warp * 128u;
    const u32 left[4] = {__float_as_uint(a[g * 8u + t]), __float_as_uint(a[(g + 8u) * 8u + t]),
                         __float_as_uint(a[g * 8u + t + 4u]), __float_as_uint(a[(g + 8u) * 8u + t + 4u])};
    const u32 right[2] = {__float_as_uint(b[t * 8u + g]), __float_as_uint(b[(t + 4u) * 8u + g])};
    float d[4] = {out[g * 8u + 2u * t], out[g * 8u + 2u * t + 1u], out[(g + 8u) * 8u + 2u * t],
                  out[(g + 8u) * 8u + 2u * t + 1u]};
    mma_tf32(d, left, right);
    out[g * 8u + 2u * t] = d[0];
    out[g * 8u + 2u * t + 1u] = d[1];
    out[(g + 8u) * 8u + 2u * t] = d[2];
    out[(g + 8u) * 8u + 2u * t + 1u] = d[3];
}

struct MistakeParams {
    u32* out;
    u32 which, block;
};

// One mistake in one block.
EOS_KERNEL(mistake, MistakeParams, 64, 1) {
    EOS_DYNAMIC_SHARED(bytes);
    const u32 t = threadIdx.x;
    if (blockIdx.x == p.block) {
        switch (p.which) {
        case 0:  // a barrier in a branch
            if (t < 40u) __syncthreads();
            __syncwarp();
            break;
        case 1:  // two barriers for one
            if (t < 32u) {
                __syncthreads();
            } else {
                __syncthreads();
            }
            break;
        case 2:  // a barrier that some never reach
            if (t == 5u) return;
            __syncthreads();
            break;
        case 3:  // a lane that does not take part
            if (t < 16u) p.out[t] = __shfl_sync(0x0000ffffu, t, 20);
            break;
        case 4:  // a mask that names a lane that is gone
            if (t == 5u) return;
            __syncwarp();
            break;
        case 5:  // a mask that leaves its own lane out
            if (t < 32u) p.out[t] = __ballot_sync(0xffff0000u, 1);
            break;
        case 6:  // lanes that do not agree on the mask
            p.out[t] = __ballot_sync(t & 1u ? ALL : 0x0fffffffu | 1u << (t & 31u), 1);
            break;
        case 7:  // a copy that is not aligned
            copy_async_16(bytes + 8u, p.out);
            break;
        case 8: {  // a product without a whole warp
            float d[4] = {};
            const u32 a[4] = {}, b[2] = {};
            if ((t & 31u) != 3u) mma_tf32(d, a, b);
            p.out[t] = __float_as_uint(d[0]);
            break;
        }
        case 9:  // different exchanges
            p.out[t] = t & 1u ? __shfl_sync(ALL, t, 0) : __ballot_sync(ALL, 1);
            break;
        case 10:  // two kinds of barrier
            if (t < 32u) {
                __syncthreads();
            } else {
                __syncthreads_or(1);
            }
            break;
        case 11: bytes[1024] = 1; break;  // behind shared memory of up to that size
        }
    }
    p.out[blockIdx.x * 64u + t] = 1u;
}

struct StoreParams {
    unsigned char* at;
};

EOS_KERNEL(store, StoreParams, 32, 1) { *p.at = 1; }
