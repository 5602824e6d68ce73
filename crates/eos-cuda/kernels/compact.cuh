// Between two stages of the first pass: each query keeps its least keys, and the last of them is its new threshold.
#ifndef EOS_COMPACT_CUH
#define EOS_COMPACT_CUH
#include "keys.cuh"

struct CompactParams {
    const u32* query_positions;  // [slots]
    u64* keys;                   // [slots, capacity]
    u32* counts;                 // [slots] new keys; 0 afterwards
    u64* thresholds;             // [slots]
    u32* unproven;               // [slots] 1 where a key found no room
    u32 slots, capacity, kept, fresh;  // fresh: new keys of every query, or EOS_NONE where counts has them
};

// A warp a query; `kept` keys of shared memory for each.
EOS_KERNEL(eos_compact, CompactParams, 128, 4) {
    EOS_DYNAMIC_SHARED(bytes);
    const u32 lane = threadIdx.x & 31u, warp = threadIdx.x >> 5, slot = blockIdx.x * 4u + warp;
    if (slot >= p.slots || p.query_positions[slot] == EOS_NONE) return;
    u64* list = reinterpret_cast<u64*>(bytes) + warp * p.kept;
    u64* own = p.keys + (u64)slot * p.capacity;
    const u32 room = p.capacity - p.kept;
    const u32 offered = p.fresh == EOS_NONE ? p.counts[slot] : p.fresh;
    const u32 fresh = min(offered, room);
    for (u32 i = lane; i < p.kept; i += 32u) list[i] = own[i];
    __syncwarp();
    for (u32 from = 0; from < fresh; from += 32u) {
        u64 key = from + lane < fresh ? own[p.kept + from + lane] : EOS_NO_KEY;
        if (key >= list[p.kept - 1u]) key = EOS_NO_KEY;
        if (!__any_sync(EOS_ALL_LANES, (int)(key != EOS_NO_KEY))) continue;
        merge_keys(list, p.kept, sorted_keys(key, lane), lane);
    }
    for (u32 i = lane; i < p.kept; i += 32u) own[i] = list[i];
    __syncwarp();
    if (lane == 0) {
        p.thresholds[slot] = list[p.kept - 1u];
        p.counts[slot] = 0u;
        if (offered > room) p.unproven[slot] = 1u;
    }
}

#endif
