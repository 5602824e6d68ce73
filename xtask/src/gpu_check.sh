#!/usr/bin/env bash
# Checks the CUDA backend on this machine's GPU: equal bits, sanitizers, times, and torch's and cupy's times beside them.
# Made by `cargo xtask gpu-check`; needs an NVIDIA driver, and uses compute-sanitizer and python3 with torch where they are.
set -uo pipefail
cd "$(dirname "$0")"
failed=0
if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,memory.total --format=csv,noheader || true
fi
if ! opened=$(./gpu_check device); then
    echo "$opened"
    echo "gpu-check: FAILED"
    exit 1
fi
case $opened in
skipped:*)
    # Nothing has been checked, so nothing is said to be sound.
    echo "$opened"
    exit 0
    ;;
esac
./gpu_check all || failed=1
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck synccheck; do
        echo "== compute-sanitizer $tool"
        log=$(mktemp)
        if timeout 300 compute-sanitizer --tool "$tool" --error-exitcode 3 ./gpu_check sanitize >"$log" 2>&1; then
            tail -3 "$log"
        elif grep -q "Device not supported" "$log"; then
            echo "skipped: compute-sanitizer does not support this device"
        else
            tail -20 "$log"
            failed=1
        fi
        rm -f "$log"
    done
else
    echo "skipped: no compute-sanitizer"
fi
if command -v python3 >/dev/null; then
    python3 -u time_gpu.py --cupy || failed=1
else
    echo "skipped: no python3"
fi
[ "$failed" = 0 ] && echo "gpu-check: all sound" || echo "gpu-check: FAILED"
exit "$failed"
