// What the kernels need of a device: types, the form of a kernel, and the few instructions that C++ has no word for.
// Under EOS_EMULATED the emulator's shim.h gives the same names, so that the very kernels run on a processor.
#ifndef EOS_DEVICE_CUH
#define EOS_DEVICE_CUH

typedef unsigned int u32;
typedef unsigned long long u64;

#ifdef EOS_EMULATED
#include "shim.h"
#define EOS_TENSOR_CORES 1
#else

// A kernel takes one structure by value, has at most THREADS threads in a block, and leaves room for BLOCKS blocks on
// a multiprocessor.
#define EOS_KERNEL(NAME, PARAMS, THREADS, BLOCKS) \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) NAME(const __grid_constant__ PARAMS p)

// Shared memory whose size the launch decides.
#define EOS_DYNAMIC_SHARED(NAME) extern __shared__ __align__(16) unsigned char NAME[]

#if __CUDA_ARCH__ >= 800
#define EOS_TENSOR_CORES 1

// Starts copying 16 bytes from global to shared memory; both aligned to 16.
__device__ __forceinline__ void copy_async_16(void* shared, const void* global) {
    const u32 to = (u32)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(to), "l"(global));
}

// Closes a group of copies.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;\n" ::); }

// Waits until at most PENDING groups of this thread are under way.
template <int PENDING> __device__ __forceinline__ void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(PENDING) : "memory");
}

// The nearest TF32 (10 bits of mantissa), ties away from zero, as the bits of an f32.
__device__ __forceinline__ u32 to_tf32(float x) {
    u32 bits;
    asm("cvt.rna.tf32.f32 %0, %1;\n" : "=r"(bits) : "f"(x));
    return bits;
}

// D += A·B for a warp, 16 x 8 x 8. Lane 4g + t holds A(g, t), A(g + 8, t), A(g, t + 4), A(g + 8, t + 4),
// B(t, g), B(t + 4, g) and D(g, 2t), D(g, 2t + 1), D(g + 8, 2t), D(g + 8, 2t + 1).
__device__ __forceinline__ void mma_tf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif
#endif

#define EOS_ALL_LANES 0xffffffffu
// No query, no row.
#define EOS_NONE 0xffffffffu
#define EOS_INFINITY __uint_as_float(0x7f800000u)

#endif
