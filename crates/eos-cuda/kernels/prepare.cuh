// Rows made ready: gathered, centred and scaled as the CPU's first pass stores them.
#ifndef EOS_PREPARE_CUH
#define EOS_PREPARE_CUH
#include "device.cuh"

struct GatherParams {
    const float* rows;     // [n, stride]
    const u32* positions;  // [m]; EOS_NONE for no row
    float* out;            // [m, stride]
    u32 m, stride;
};

// Rows by their positions; zeros where there is none. A warp a row.
EOS_KERNEL(eos_gather, GatherParams, 256, 4) {
    const u32 lane = threadIdx.x & 31u, at = blockIdx.x * 8u + (threadIdx.x >> 5);
    if (at >= p.m) return;
    const u32 row = p.positions[at];
    for (u32 j = lane; j < p.stride; j += 32u)
        p.out[(u64)at * p.stride + j] = row == EOS_NONE ? 0.0f : p.rows[(u64)row * p.stride + j];
}

struct PrepareParams {
    const float* rows;   // [n, stride] as given, zeros behind `dims`
    const double* mean;  // [dims]
    float* stored;       // [n, stride] (row - mean) · scale, zeros behind `dims`; the nearest TF32 where asked
    float* half;         // [n] half the squared norm of the stored row
    double scale;        // a power of two
    u32 n, dims, stride;
    u32 tf32;            // 1: 10 bits of mantissa, ties away from zero
};

// A warp a row. The squares are summed in f64, so that the half norm is rounded once.
EOS_KERNEL(eos_prepare, PrepareParams, 256, 4) {
    const u32 lane = threadIdx.x & 31u, row = blockIdx.x * 8u + (threadIdx.x >> 5);
    if (row >= p.n) return;
    double norm = 0.0;
    for (u32 j = lane; j < p.stride; j += 32u) {
        float value = 0.0f;
        if (j < p.dims) {
            const double deviation = __dsub_rn((double)p.rows[(u64)row * p.stride + j], p.mean[j]);
            value = __double2float_rn(__dmul_rn(deviation, p.scale));
            if (p.tf32 != 0u) value = __uint_as_float((__float_as_uint(value) + 0x1000u) & 0xffffe000u);
        }
        p.stored[(u64)row * p.stride + j] = value;
        norm = __dadd_rn(norm, __dmul_rn((double)value, (double)value));
    }
#pragma unroll
    for (int step = 16; step > 0; step >>= 1) norm = __dadd_rn(norm, __shfl_xor_sync(EOS_ALL_LANES, norm, step));
    if (lane == 0) p.half[row] = __double2float_rn(__dmul_rn(0.5, norm));
}

#endif
