// What device code finds on the processor: CUDA's words, each with its plain meaning. The part that switches between
// threads is in runtime.cpp; how a launch works is told in the crate's documentation.
#ifndef EOS_SHIM_H
#define EOS_SHIM_H

// Headers come before the macros: the standard library spells attributes with some of these names.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
// A block stays on one thread of the operating system.
#define __shared__ thread_local

struct uint3 { unsigned x, y, z; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(16) double2 { double x, y; };
struct __align__(8) uint2 { unsigned x, y; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace shim {

// A kernel of a variant, as Rust sees it.
struct Kernel {
    const char* name;
    void (*entry)(const void* params);
    size_t bytes;      // of its parameters
    unsigned threads;  // the most in a block
    const Kernel* next;
};

// Puts a kernel at the end of its variant's list.
struct Registered {
    Registered(const Kernel** list, Kernel* kernel) {
        while (*list) list = const_cast<const Kernel**>(&(*list)->next);
        *list = kernel;
    }
};

struct Place {
    uint3 thread, block;
    dim3 block_size, grid_size;
    unsigned lane;
};

// Where in the source a thread waits.
struct Site {
    const char* file;
    int line;
};

enum class Barrier : unsigned char { Sync, Or, And, Count };

// Of the CUDA thread that runs.
extern __thread const Place* here;

// How many threads of the block have a predicate that holds.
unsigned sync_threads(Barrier, bool predicate, Site);
void sync_warp(unsigned mask, Site);
uint64_t shuffle(unsigned mask, uint64_t value, unsigned source, Site);
unsigned vote(unsigned mask, bool predicate, Site);
void mma(float* d, const unsigned* a, const unsigned* b, Site);
void copy_async(void* shared, const void* global, Site);
void copy_commit();
void copy_wait(unsigned pending);
unsigned char* dynamic_shared();

template <class To, class From> inline To bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "sizes differ");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

template <class T> inline T shuffled(unsigned mask, T value, unsigned source, Site site) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable<T>::value, "a shuffle takes up to 8 bytes");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    word = shuffle(mask, word, source, site);
    memcpy(&value, &word, sizeof value);
    return value;
}

}  // namespace shim

#define threadIdx (shim::here->thread)
#define blockIdx (shim::here->block)
#define blockDim (shim::here->block_size)
#define gridDim (shim::here->grid_size)
#define warpSize 32

// `EOS_KERNELS` is the variant's list, which the file that includes the kernels defines.
#define EOS_KERNEL(NAME, PARAMS, THREADS, BLOCKS)                                                        \
    static void NAME(const PARAMS& p);                                                                   \
    static void NAME##_entry(const void* params) { NAME(*static_cast<const PARAMS*>(params)); }          \
    static_assert(std::is_trivially_copyable<PARAMS>::value, "parameters are copied as bytes");          \
    static shim::Kernel NAME##_kernel = {#NAME, NAME##_entry, sizeof(PARAMS), (THREADS), nullptr};       \
    static const shim::Registered NAME##_registered(&EOS_KERNELS, &NAME##_kernel);                       \
    static void NAME(const PARAMS& p)

#define EOS_DYNAMIC_SHARED(NAME) unsigned char* const NAME = shim::dynamic_shared()

// The last arguments of everything that can fail: where it stands.
#define EOS_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define EOS_HERE (shim::Site{file, line})

inline void __syncthreads(EOS_SITE) { shim::sync_threads(shim::Barrier::Sync, false, EOS_HERE); }
inline int __syncthreads_or(int predicate, EOS_SITE) {
    return shim::sync_threads(shim::Barrier::Or, predicate != 0, EOS_HERE) != 0;
}
inline int __syncthreads_and(int predicate, EOS_SITE) {
    return shim::sync_threads(shim::Barrier::And, predicate == 0, EOS_HERE) == 0;
}
inline int __syncthreads_count(int predicate, EOS_SITE) {
    return (int)shim::sync_threads(shim::Barrier::Count, predicate != 0, EOS_HERE);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, EOS_SITE) { shim::sync_warp(mask, EOS_HERE); }

template <class T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, EOS_SITE) {
    const unsigned last = (unsigned)width - 1u;
    return shim::shuffled(mask, value, (shim::here->lane & ~last) | ((unsigned)source & last), EOS_HERE);
}
// A lane that would read outside its segment of `width` lanes keeps its own value.
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int change, int width = 32, EOS_SITE) {
    const unsigned lane = shim::here->lane, from = lane ^ ((unsigned)change & 31u);
    return shim::shuffled(mask, value, from <= (lane | ((unsigned)width - 1u)) ? from : lane, EOS_HERE);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, EOS_SITE) {
    const unsigned lane = shim::here->lane, within = lane & ((unsigned)width - 1u);
    return shim::shuffled(mask, value, delta <= within ? lane - delta : lane, EOS_HERE);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, EOS_SITE) {
    const unsigned lane = shim::here->lane, within = lane & ((unsigned)width - 1u);
    return shim::shuffled(mask, value, delta < (unsigned)width - within ? lane + delta : lane, EOS_HERE);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, EOS_SITE) {
    return shim::vote(mask, predicate != 0, EOS_HERE);
}
inline int __any_sync(unsigned mask, int predicate, EOS_SITE) {
    return shim::vote(mask, predicate != 0, EOS_HERE) != 0;
}
inline int __all_sync(unsigned mask, int predicate, EOS_SITE) {
    return shim::vote(mask, predicate == 0, EOS_HERE) == 0;
}

inline void copy_async_16(void* shared, const void* global, EOS_SITE) { shim::copy_async(shared, global, EOS_HERE); }
inline void copy_async_commit() { shim::copy_commit(); }
template <int PENDING> inline void copy_async_wait() { shim::copy_wait(PENDING); }
inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], EOS_SITE) {
    shim::mma(d, a, b, EOS_HERE);
}

#undef EOS_SITE
#undef EOS_HERE

inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// Blocks run on several threads of the operating system, so atomics are real ones.
namespace shim {
template <class T> struct As { typedef T Type; };
template <class T> inline void whole() { static_assert(std::is_integral<T>::value && sizeof(T) >= 4, "atomics are on whole numbers"); }
template <class T, class Change> inline T exchanged(T* at, Change change) {
    whole<T>();
    T old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(at, &old, change(old), true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return old;
}
}  // namespace shim
template <class T> inline T atomicAdd(T* at, typename shim::As<T>::Type value) {
    shim::whole<T>();
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
template <class T> inline T atomicOr(T* at, typename shim::As<T>::Type value) {
    shim::whole<T>();
    return __atomic_fetch_or(at, value, __ATOMIC_RELAXED);
}
template <class T> inline T atomicMax(T* at, typename shim::As<T>::Type value) {
    return shim::exchanged(at, [=](T old) { return old < value ? value : old; });
}
template <class T> inline T atomicMin(T* at, typename shim::As<T>::Type value) {
    return shim::exchanged(at, [=](T old) { return value < old ? value : old; });
}

inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __popcll(unsigned long long value) { return __builtin_popcountll(value); }
inline int __ffs(int value) { return __builtin_ffs(value); }
inline int __clz(int value) { return value == 0 ? 32 : __builtin_clz((unsigned)value); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
template <class T> inline T __ldg(const T* from) { return *from; }

inline int min(int a, int b) { return a < b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline long long min(long long a, long long b) { return a < b ? a : b; }
inline unsigned long long min(unsigned long long a, unsigned long long b) { return a < b ? a : b; }
inline float min(float a, float b) { return fminf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline int max(int a, int b) { return a < b ? b : a; }
inline unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }
inline long long max(long long a, long long b) { return a < b ? b : a; }
inline unsigned long long max(unsigned long long a, unsigned long long b) { return a < b ? b : a; }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

inline unsigned __float_as_uint(float value) { return shim::bits<unsigned>(value); }
inline float __uint_as_float(unsigned value) { return shim::bits<float>(value); }
inline long long __double_as_longlong(double value) { return shim::bits<long long>(value); }
inline double __longlong_as_double(long long value) { return shim::bits<double>(value); }

// Compiled without contraction, each of these rounds once, as on the device.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return sqrt(a); }
inline float __double2float_rn(double a) { return (float)a; }
inline float __double2float_ru(double a) {
    const float near = (float)a;
    return (double)near < a ? nextafterf(near, INFINITY) : near;
}
inline float __double2float_rd(double a) {
    const float near = (float)a;
    return (double)near > a ? nextafterf(near, -INFINITY) : near;
}

// a · b + c rounded once. In double the product is exact and the sum rounds once; rounding it again to float goes wrong
// only where it lies in the middle of two floats, and a middle, of subnormal floats too, ends in 28 zero bits. There the
// sum is first moved off the middle to the side where its rest lies.
inline float __fmaf_rn(float a, float b, float c) {
#ifdef FP_FAST_FMAF
    return __builtin_fmaf(a, b, c);
#else
    const double product = (double)a * (double)b, addend = (double)c, sum = product + addend;
    uint64_t word = shim::bits<uint64_t>(sum);
    if (__builtin_expect((word & 0x0fffffffu) != 0u, 1)) return (float)sum;
    const double part = sum - product;
    const double rest = (product - (sum - part)) + (addend - part);
    // Neither holds where an operand is infinite or no number: the rest is no number then.
    if (rest > 0.0 || rest < 0.0) word += (rest > 0.0) == (sum > 0.0) ? 1u : ~uint64_t(0);
    return (float)shim::bits<double>(word);
#endif
}

// The nearest TF32 (10 bits of mantissa), ties away from zero, as the bits of a float.
inline unsigned to_tf32(float x) {
    const unsigned word = __float_as_uint(x);
    if (x != x) return (word | 0x00400000u) & ~0x1fffu;
    return (word + (isinf(x) ? 0u : 0x1000u)) & ~0x1fffu;
}

#endif
