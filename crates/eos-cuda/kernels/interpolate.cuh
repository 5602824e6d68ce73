// Synthetic rows of a recipe: base + ratio · (to − from), each operation rounded.
#ifndef EOS_INTERPOLATE_CUH
#define EOS_INTERPOLATE_CUH
#include "device.cuh"

struct Recipe {
    u32 label, base, from, to;
    float ratio;
};

struct InterpolateParams {
    const float* rows;      // [n, dims]
    const Recipe* recipes;  // [m]
    float* out;             // [m, dims]
    u64 values;             // m · dims
    u32 dims, unused;
};

__device__ __forceinline__ float blend(float base, float from, float to, float ratio) {
    return __fadd_rn(base, __fmul_rn(ratio, __fsub_rn(to, from)));
}

// Four values a thread and step where rows are made of such; the grid goes on until all are made.
EOS_KERNEL(eos_interpolate, InterpolateParams, 256, 4) {
    const u32 width = (p.dims & 3u) == 0u ? 4u : 1u;
    const u64 step = (u64)gridDim.x * 256u * width;
    for (u64 at = ((u64)blockIdx.x * 256u + threadIdx.x) * width; at < p.values; at += step) {
        const u64 sample = at / p.dims;
        const u32 j = (u32)(at - sample * p.dims);
        const Recipe r = p.recipes[sample];
        const float* base = p.rows + (u64)r.base * p.dims + j;
        const float* from = p.rows + (u64)r.from * p.dims + j;
        const float* to = p.rows + (u64)r.to * p.dims + j;
        if (width == 4u) {
            const float4 b = *reinterpret_cast<const float4*>(base);
            const float4 f = *reinterpret_cast<const float4*>(from);
            const float4 e = *reinterpret_cast<const float4*>(to);
            float4 o;
            o.x = blend(b.x, f.x, e.x, r.ratio);
            o.y = blend(b.y, f.y, e.y, r.ratio);
            o.z = blend(b.z, f.z, e.z, r.ratio);
            o.w = blend(b.w, f.w, e.w, r.ratio);
            *reinterpret_cast<float4*>(p.out + at) = o;
        } else {
            p.out[at] = blend(*base, *from, *to, r.ratio);
        }
    }
}

#endif
