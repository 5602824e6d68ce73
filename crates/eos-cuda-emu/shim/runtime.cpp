// Runs the blocks of a launch. Each CUDA thread is a fiber with a stack of its own; the fibers of a block share one
// thread of the operating system, and which of them goes on is decided only where one waits. A mistake of the kernel
// ends the block at once: its report is written, and the fibers are left as they stand.
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#if defined(__x86_64__) && defined(__ELF__)
#define EOS_FIBERS_IN_ASM 1
#else
#include <ucontext.h>
#endif

#include "shim.h"

namespace shim {
__thread const Place* here = nullptr;
}

#ifdef EOS_FIBERS_IN_ASM
extern "C" void eos_emu_switch(void** from, void* to);
#endif

namespace emu {

using shim::Barrier;
using shim::Place;
using shim::Site;

// ---- Fibers ----

#ifdef EOS_FIBERS_IN_ASM
// Where a fiber stopped: its registers that a call must keep lie on its stack.
struct Context {
    void* stack;
};

asm(R"(
.text
.globl eos_emu_switch
.hidden eos_emu_switch
.type eos_emu_switch,@function
eos_emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size eos_emu_switch,.-eos_emu_switch
)");

void go(Context& from, const Context& to) { eos_emu_switch(&from.stack, to.stack); }

void begin(Context& context, char* stack, size_t bytes, void (*entry)()) {
    // A function begins with a return address on top of an aligned stack; this one has none to return to.
    uint64_t* top = reinterpret_cast<uint64_t*>(stack + bytes) - 1;
    *top = 0;
    *--top = reinterpret_cast<uint64_t>(entry);
    top -= 6;
    memset(top, 0, 6 * sizeof *top);
    context.stack = top;
}
#else
struct Context {
    ucontext_t context;
};

void go(Context& from, const Context& to) { swapcontext(&from.context, &to.context); }

void begin(Context& context, char* stack, size_t bytes, void (*entry)()) {
    getcontext(&context.context);
    context.context.uc_stack.ss_sp = stack;
    context.context.uc_stack.ss_size = bytes;
    context.context.uc_link = nullptr;
    makecontext(&context.context, entry, 0);
}
#endif

// ---- Memory between guard pages ----

struct Mapping {
    char* base;
    size_t bytes;
    char* data;
};

size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

bool map(size_t bytes, Mapping& out) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = rounded(bytes, page);
    out.bytes = inner + 2 * page;
    void* base = mmap(nullptr, out.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return false;
    out.base = static_cast<char*>(base);
    if (inner != 0 && mprotect(out.base + page, inner, PROT_READ | PROT_WRITE) != 0) {
        munmap(base, out.bytes);
        return false;
    }
    out.data = out.base + page + inner - rounded(bytes, 16);
    return true;
}

// ---- A block ----

// As in Rust.
enum class Order : uint32_t { Forward, Backward, Random };
struct Job {
    const char* name;
    void (*entry)(const void*);
    const void* params;
    uint32_t grid[3], block[3];
    size_t shared;
    Order order;
    uint64_t seed;
    uint64_t next;    // block that nobody has taken; shared by the workers
    uint32_t failed;  // 1 once a worker has a report; shared by the workers
};

enum class State : unsigned char { Ready, InWarp, InBlock, Exited };
enum class Operation : unsigned char { Sync, Shuffle, Vote, Mma };

struct Matrices {
    float* d;
    const unsigned *a, *b;
};

struct Copy {
    void* to;
    const void* from;
    unsigned group;
};

struct Fiber {
    Place place;
    Context context;
    State state;
    // What it waits at.
    Site site;
    Operation operation;
    Barrier barrier;
    bool predicate;
    unsigned mask, source;
    // What it gives, and what it gets when it goes on.
    uint64_t value;
    Matrices matrices;
    // Asynchronous copies that have not been made, oldest first, and groups closed so far.
    std::vector<Copy> copies;
    unsigned groups;
};

struct Warp {
    unsigned existing, waiting, ready;
    Fiber* lanes;
};

const size_t STACK = 64 * 1024;

struct Worker {
    Job* job;
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    unsigned ready_warps;  // a bit for each warp that has a ready lane
    unsigned in_block, exited;
    Fiber* running;
    Context main;
    Mapping shared;
    uint64_t random, switches;
    bool failed;
    char* report;
    size_t room;
};

__thread Worker* worker = nullptr;

// SplitMix64.
uint64_t draw(uint64_t& state) {
    uint64_t word = state += 0x9e3779b97f4a7c15u;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

unsigned one_of(unsigned set) {
    if (worker->job->order == Order::Forward) return (unsigned)__builtin_ctz(set);
    if (worker->job->order == Order::Backward) return 31u - (unsigned)__builtin_clz(set);
    for (uint64_t skip = draw(worker->random) % (unsigned)__builtin_popcount(set); skip > 0; --skip) set &= set - 1;
    return (unsigned)__builtin_ctz(set);
}

void make_ready(unsigned warp, unsigned lanes) {
    for (unsigned left = lanes; left != 0; left &= left - 1)
        worker->warps[warp].lanes[__builtin_ctz(left)].state = State::Ready;
    worker->warps[warp].ready |= lanes;
    worker->ready_warps |= 1u << warp;
}

// The fiber that the schedule lets go on, or none where all wait.
Fiber* next() {
    if (worker->failed || worker->ready_warps == 0) return nullptr;
    const unsigned number = one_of(worker->ready_warps);
    Warp& warp = worker->warps[number];
    const unsigned lane = one_of(warp.ready);
    warp.ready &= ~(1u << lane);
    if (warp.ready == 0) worker->ready_warps &= ~(1u << number);
    ++worker->switches;
    worker->running = warp.lanes + lane;
    shim::here = &worker->running->place;
    return worker->running;
}

// Lets others go on until the schedule comes back to `self`.
void leave(Fiber& self) {
    Fiber* const to = next();
    if (to != &self) go(self.context, to ? to->context : worker->main);
}

void fiber_main() {
    worker->job->entry(worker->job->params);
    worker->running->state = State::Exited;
    ++worker->exited;
    leave(*worker->running);
    abort();
}

// ---- Reports ----

__attribute__((format(printf, 1, 2))) void say(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(worker->report, worker->room, format, arguments);
    va_end(arguments);
    const size_t written = length < 0 ? 0 : (size_t)length < worker->room ? (size_t)length : worker->room - 1;
    worker->report += written;
    worker->room -= written;
}

const char* name_of(const Fiber& fiber) {
    static const char* const barriers[] = {"__syncthreads", "__syncthreads_or", "__syncthreads_and",
                                           "__syncthreads_count"};
    static const char* const operations[] = {"__syncwarp", "a shuffle", "a vote", "mma_tf32"};
    if (fiber.state == State::InBlock) return barriers[(unsigned)fiber.barrier];
    return operations[(unsigned)fiber.operation];
}

bool same_site(const Site& a, const Site& b) { return a.line == b.line && strcmp(a.file, b.file) == 0; }

bool same_wait(const Fiber& a, const Fiber& b) {
    if (a.state != b.state) return false;
    if (a.state == State::Exited || a.state == State::Ready) return true;
    if (a.state == State::InBlock) return a.barrier == b.barrier && same_site(a.site, b.site);
    // Lanes may meet in different __syncwarp, but one instruction must exchange their values.
    return a.operation == b.operation && a.mask == b.mask &&
           (a.operation == Operation::Sync || same_site(a.site, b.site));
}

void say_site(const Site& site) {
    const char* slash = strrchr(site.file, '/');
    say("%s:%d", slash ? slash + 1 : site.file, site.line);
}

// Ends the block: what is wrong, and what each of its threads does.
void fail(const char* why, const Fiber* culprit, const Site& site) {
    const uint3 block = worker->fibers[0].place.block;
    worker->failed = true;
    say("kernel %s, block (%u, %u, %u): %s", worker->job->name, block.x, block.y, block.z, why);
    if (culprit) {
        say(" (thread %u, ", (unsigned)(culprit - worker->fibers.data()));
        say_site(site);
        say(")");
    }
    const size_t count = worker->fibers.size();
    for (size_t first = 0, end; first < count; first = end) {
        const Fiber& fiber = worker->fibers[first];
        for (end = first + 1; end < count && same_wait(fiber, worker->fibers[end]) &&
                              same_site(fiber.site, worker->fibers[end].site);) {
            ++end;
        }
        say("\n  threads %zu to %zu: ", first, end - 1);
        if (fiber.state == State::Exited) {
            say("exited");
        } else if (fiber.state == State::Ready) {
            say("between barriers");
        } else {
            say("at %s, ", name_of(fiber));
            say_site(fiber.site);
            if (fiber.state == State::InWarp) say(", mask %08x", fiber.mask);
        }
    }
}

// Ends the block from inside a fiber, which never goes on.
void fail_here(const char* why, const Site& site) {
    Fiber& self = *worker->running;
    fail(why, &self, site);
    go(self.context, worker->main);
    abort();
}

// ---- Warps ----

float toward_zero(double sum) {
    const float near = (float)sum;
    // The bits of a float of either sign fall with its magnitude.
    return fabs((double)near) > fabs(sum) ? shim::bits<float>(shim::bits<unsigned>(near) - 1u) : near;
}

// Lane 4g + t has A(g, t), A(g + 8, t), A(g, t + 4), A(g + 8, t + 4); B(t, g), B(t + 4, g); D(g, 2t), D(g, 2t + 1),
// D(g + 8, 2t), D(g + 8, 2t + 1).
void multiply(Fiber* lanes) {
    auto operand = [](unsigned word) { return (double)shim::bits<float>(word & ~0x1fffu); };
    double a[16][8], b[8][8], d[16][8];
    for (unsigned lane = 0; lane < 32; ++lane) {
        const unsigned g = lane >> 2, t = lane & 3;
        const Matrices& own = lanes[lane].matrices;
        for (unsigned i = 0; i < 4; ++i) {
            a[g + (i & 1) * 8][t + (i >> 1) * 4] = operand(own.a[i]);
            d[g + (i >> 1) * 8][2 * t + (i & 1)] = (double)own.d[i];
        }
        for (unsigned i = 0; i < 2; ++i) b[t + i * 4][g] = operand(own.b[i]);
    }
    for (unsigned row = 0; row < 16; ++row)
        for (unsigned k = 0; k < 8; ++k)
            for (unsigned column = 0; column < 8; ++column) d[row][column] += a[row][k] * b[k][column];
    for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < 4; ++i)
            lanes[lane].matrices.d[i] = toward_zero(d[(lane >> 2) + (i >> 1) * 8][2 * (lane & 3) + (i & 1)]);
}

// Does what the lanes of `mask` have come together for. Runs on the stack of the last of them.
void together(Warp& warp, unsigned mask, Operation operation) {
    if (operation == Operation::Shuffle) {
        uint64_t given[32];
        for (unsigned lane = 0; lane < 32; ++lane)
            if (mask >> lane & 1) given[lane] = warp.lanes[lane].value;
        for (unsigned lane = 0; lane < 32; ++lane) {
            if (!(mask >> lane & 1)) continue;
            Fiber& fiber = warp.lanes[lane];
            if (!(mask >> fiber.source & 1)) {
                fail_here("a shuffle reads a lane that does not take part", fiber.site);
            }
            fiber.value = given[fiber.source];
        }
    } else if (operation == Operation::Vote) {
        unsigned votes = 0;
        for (unsigned lane = 0; lane < 32; ++lane)
            if (mask >> lane & 1) votes |= (unsigned)warp.lanes[lane].predicate << lane;
        for (unsigned lane = 0; lane < 32; ++lane)
            if (mask >> lane & 1) warp.lanes[lane].value = votes;
    } else if (operation == Operation::Mma) {
        multiply(warp.lanes);
    }
}

// Waits until all lanes of `mask` wait in the same way.
void wait_in_warp(Operation operation, unsigned mask, const Site& site) {
    Fiber& self = *worker->running;
    const unsigned number = (unsigned)(&self - worker->fibers.data()) / 32;
    Warp& warp = worker->warps[number];
    self.state = State::InWarp;
    self.operation = operation;
    self.mask = mask;
    self.site = site;
    warp.waiting |= 1u << self.place.lane;
    if (!(mask >> self.place.lane & 1)) fail_here("a thread's mask does not name the thread itself", site);
    const unsigned named = mask & warp.existing;
    bool all = (warp.waiting & named) == named;
    for (unsigned lane = 0; all && lane < 32; ++lane) all = !(named >> lane & 1) || same_wait(self, warp.lanes[lane]);
    if (all) {
        together(warp, named, operation);
        warp.waiting &= ~named;
        make_ready(number, named);
    }
    leave(self);
}

// ---- Blocks ----

// Lets all threads go on from a barrier that all have reached; otherwise says why none can.
void release() {
    std::vector<Fiber>& fibers = worker->fibers;
    if (worker->in_block != fibers.size()) {
        const char* why = "threads of a warp wait for one another in different places";
        for (const Fiber& fiber : fibers) {
            const size_t first = (size_t)(&fiber - fibers.data()) / 32 * 32;
            if (fiber.state == State::InWarp)
                for (size_t other = first; other < fibers.size() && other < first + 32; ++other)
                    if (fibers[other].state == State::Exited && (fiber.mask >> (other - first) & 1))
                        why = "a mask names a thread that has exited";
        }
        if (worker->in_block != 0)
            why = worker->exited != 0 ? "a barrier that not all threads reach: some have exited"
                                      : "a barrier that not all threads reach: a divergent barrier";
        return fail(why, nullptr, Site());
    }
    unsigned count = 0;
    for (const Fiber& fiber : fibers) {
        if (!same_wait(fiber, fibers[0])) return fail("threads wait at different barriers", nullptr, Site());
        count += fiber.predicate;
    }
    for (Fiber& fiber : fibers) fiber.value = count;
    worker->in_block = 0;
    for (unsigned warp = 0; warp < worker->warps.size(); ++warp) make_ready(warp, worker->warps[warp].existing);
}

void run_block(uint64_t number, char* stacks, size_t stride) {
    const Job& job = *worker->job;
    const uint32_t* const grid = job.grid;
    std::vector<Fiber>& fibers = worker->fibers;
    worker->random = job.seed ^ (number * 0xd1342543de82ef95u);
    if (job.shared != 0) memset(worker->shared.data, 0xff, job.shared);
    for (unsigned i = 0; i < fibers.size(); ++i) {
        Fiber& fiber = fibers[i];
        fiber.place.thread = {i % job.block[0], i / job.block[0] % job.block[1], i / job.block[0] / job.block[1]};
        fiber.place.block = {(unsigned)(number % grid[0]), (unsigned)(number / grid[0] % grid[1]),
                             (unsigned)(number / grid[0] / grid[1])};
        fiber.place.block_size = dim3(job.block[0], job.block[1], job.block[2]);
        fiber.place.grid_size = dim3(grid[0], grid[1], grid[2]);
        fiber.place.lane = i % 32;
        fiber.site = Site{"", 0};
        fiber.copies.clear();
        fiber.groups = 0;
        begin(fiber.context, stacks + stride * i + (stride - STACK), STACK, fiber_main);
    }
    worker->in_block = worker->exited = worker->ready_warps = 0;
    for (unsigned i = 0; i < worker->warps.size(); ++i) {
        Warp& warp = worker->warps[i];
        const size_t lanes = fibers.size() - i * 32;
        warp.lanes = &fibers[i * 32];
        warp.existing = lanes < 32 ? (1u << lanes) - 1u : ~0u;
        warp.waiting = warp.ready = 0;
        make_ready(i, warp.existing);
    }
    while (!worker->failed && worker->exited != fibers.size()) {
        if (Fiber* fiber = next()) go(worker->main, fiber->context);
        if (worker->failed || worker->exited == fibers.size()) break;
        release();
    }
}

// ---- Faults ----

struct sigaction before[2];

// One line for a kernel that left its memory; then the signal is whoever's it was.
void on_fault(int signal, siginfo_t* info, void*) {
    if (worker) {
        // Of a wide access that is not aligned some processors tell no address, nor of an address that cannot be.
        const bool address = info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR;
        const char* const parts[] = {"eos-cuda-emu: kernel ", worker->job->name,
                                     signal == SIGSEGV && address ? " left its memory\n" : " made a misaligned or wild access\n"};
        for (const char* part : parts) (void)!write(2, part, strlen(part));
    }
    sigaction(signal, &before[signal == SIGSEGV ? 0 : 1], nullptr);
}

bool watch_faults() {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before[0]);
    sigaction(SIGBUS, &action, &before[1]);
    return true;
}

}  // namespace emu

using namespace emu;

// ---- What device code calls ----

namespace shim {

unsigned sync_threads(Barrier barrier, bool predicate, Site site) {
    Fiber& self = *worker->running;
    self.state = State::InBlock;
    self.barrier = barrier;
    self.predicate = predicate;
    self.site = site;
    ++worker->in_block;
    leave(self);
    return (unsigned)self.value;
}

void sync_warp(unsigned mask, Site site) { wait_in_warp(Operation::Sync, mask, site); }

uint64_t shuffle(unsigned mask, uint64_t value, unsigned source, Site site) {
    Fiber& self = *worker->running;
    self.value = value;
    self.source = source;
    wait_in_warp(Operation::Shuffle, mask, site);
    return self.value;
}

unsigned vote(unsigned mask, bool predicate, Site site) {
    Fiber& self = *worker->running;
    self.predicate = predicate;
    wait_in_warp(Operation::Vote, mask, site);
    return (unsigned)self.value;
}

void mma(float* d, const unsigned* a, const unsigned* b, Site site) {
    Fiber& self = *worker->running;
    if (worker->fibers.size() % 32 != 0) fail_here("mma_tf32 in a block that has not whole warps", site);
    self.matrices = {d, a, b};
    wait_in_warp(Operation::Mma, ~0u, site);
}

void copy_async(void* shared, const void* global, Site site) {
    if (((uintptr_t)shared | (uintptr_t)global) % 16 != 0) {
        fail_here("copy_async_16 of an address that is not a multiple of 16", site);
    }
    // A copy may be made at any time up to its wait: at the last, or in random schedules also at the first.
    if (worker->job->order == Order::Random && (draw(worker->random) & 1)) {
        memcpy(shared, global, 16);
    } else {
        Fiber& self = *worker->running;
        self.copies.push_back({shared, global, self.groups});
    }
}

void copy_commit() { ++worker->running->groups; }

void copy_wait(unsigned pending) {
    Fiber& self = *worker->running;
    size_t made = 0;
    while (made < self.copies.size() && self.copies[made].group + pending < self.groups) {
        memcpy(self.copies[made].to, self.copies[made].from, 16);
        ++made;
    }
    self.copies.erase(self.copies.begin(), self.copies.begin() + (ptrdiff_t)made);
}

unsigned char* dynamic_shared() { return reinterpret_cast<unsigned char*>(worker->shared.data); }

}  // namespace shim

// ---- What Rust calls ----

extern "C" bool eos_emu_map(size_t bytes, Mapping* out) { return map(bytes, *out); }

extern "C" void eos_emu_unmap(const Mapping* mapping) { munmap(mapping->base, mapping->bytes); }

// Runs blocks of the job until none is left or one fails; returns the number of switches. Several threads may do so
// at once, each with a report of its own, which stays empty where nothing fails.
extern "C" uint64_t eos_emu_work(Job* job, char* report, size_t room) {
    static const bool watched = watch_faults();
    (void)watched;
    const size_t threads = (size_t)job->block[0] * job->block[1] * job->block[2];
    const uint64_t blocks = (uint64_t)job->grid[0] * job->grid[1] * job->grid[2];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), stride = STACK + page;
    Worker own = {};
    own.job = job;
    own.report = report;
    own.room = room;
    worker = &own;
    void* const stacks = mmap(nullptr, stride * threads, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED || !map(job->shared, own.shared)) {
        if (stacks != MAP_FAILED) munmap(stacks, stride * threads);
        say("kernel %s: no memory for a block", job->name);
        __atomic_store_n(&job->failed, 1u, __ATOMIC_RELAXED);
        worker = nullptr;
        return 0;
    }
    for (size_t i = 0; i < threads; ++i) mprotect(static_cast<char*>(stacks) + stride * i, page, PROT_NONE);
    own.fibers.resize(threads);
    own.warps.resize((threads + 31) / 32);
    while (!__atomic_load_n(&job->failed, __ATOMIC_RELAXED)) {
        const uint64_t number = __atomic_fetch_add(&job->next, 1u, __ATOMIC_RELAXED);
        if (number >= blocks) break;
        run_block(job->order == Order::Backward ? blocks - 1 - number : number, static_cast<char*>(stacks), stride);
        if (own.failed) __atomic_store_n(&job->failed, 1u, __ATOMIC_RELAXED);
    }
    munmap(stacks, stride * threads);
    munmap(own.shared.base, own.shared.bytes);
    worker = nullptr;
    shim::here = nullptr;
    return own.switches;
}
