// All kernels of the CUDA backend. `cargo xtask kernels` compiles them to ../ptx.
#include "prepare.cuh"
#include "scan.cuh"
#include "tensor.cuh"
#include "compact.cuh"
#include "rank.cuh"
#include "exact.cuh"
#include "interpolate.cuh"
