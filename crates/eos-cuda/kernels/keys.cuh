// Candidates as 64-bit keys: the score's bits, made to order as numbers do, over the row's position. A total order:
// which candidates are kept does not depend on which thread came first.
#ifndef EOS_KEYS_CUH
#define EOS_KEYS_CUH
#include "device.cuh"

// No candidate: behind every other.
#define EOS_NO_KEY 0xffffffffffffffffull

// The less the score, the less the key.
__device__ __forceinline__ u64 key_of(float score, u32 position) {
    const u32 bits = __float_as_uint(score);
    const u32 ordered = bits ^ ((bits >> 31) != 0u ? 0xffffffffu : 0x80000000u);
    return ((u64)ordered << 32) | position;
}

__device__ __forceinline__ float score_of(u64 key) {
    const u32 ordered = (u32)(key >> 32);
    return __uint_as_float(ordered ^ ((ordered >> 31) != 0u ? 0x80000000u : 0xffffffffu));
}

__device__ __forceinline__ u64 exchanged(u64 mine, int stride, bool keep_less) {
    const u64 other = __shfl_xor_sync(EOS_ALL_LANES, mine, stride);
    return ((other < mine) == keep_less) ? other : mine;
}

// A warp's 32 keys, one a lane, in rising order (bitonic).
__device__ __forceinline__ u64 sorted_keys(u64 key, u32 lane) {
#pragma unroll
    for (u32 size = 2; size <= 32; size <<= 1)
#pragma unroll
        for (u32 stride = size >> 1; stride > 0; stride >>= 1) {
            const bool rising = (lane & size) == 0u || size == 32u;
            key = exchanged(key, (int)stride, ((lane & stride) == 0u) == rising);
        }
    return key;
}

// How many of a warp's 32 rising values are below a value that differs from lane to lane.
template <class T> __device__ __forceinline__ u32 count_below(T rising, T value) {
    u32 count = 0;
#pragma unroll
    for (u32 step = 16; step > 0; step >>= 1)
        if (__shfl_sync(EOS_ALL_LANES, rising, (int)(count + step - 1)) < value) count += step;
    if (__shfl_sync(EOS_ALL_LANES, rising, (int)count) < value) count += 1;
    return count;
}

// Merges a warp's 32 rising keys into a rising list in shared memory, of which the least `length` stay (a multiple of
// 32). In place, from the end: a key of the list moves up by the number of new keys below it.
__device__ __forceinline__ void merge_keys(u64* list, u32 length, u64 fresh, u32 lane) {
    u32 place = lane;
    for (u32 end = length; end > 0; end -= 32) {
        const u32 at = end - 32 + lane;
        const u64 key = list[at];
        const u32 up = count_below<u64>(fresh, key);
        place += count_below<u32>(up, lane + 1);   // keys of the list that stay before this lane's new key
        __syncwarp();
        if (up != 0 && at + up < length) list[at + up] = key;
        __syncwarp();
    }
    if (place < length) list[place] = fresh;
    __syncwarp();
}

#endif
