#!/usr/bin/env bash
# Prints what each CUDA kernel needs on sm_80 and sm_90: registers, shared memory, stack, spills. Needs nvcc, no GPU.
# Ends with 1 where a kernel spills.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v nvcc >/dev/null || { echo "cuda_resources: nvcc is not on PATH" >&2; exit 2; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
printf '%-6s %-9s %-7s %-6s %-6s %s\n' arch registers shared stack spills kernel
status=0
for source in $(grep -rl --include='*.cu' __global__ core | sort); do
  for arch in 80 90; do
    nvcc -std=c++20 -O3 -I. -arch="sm_$arch" -Xptxas -v -cubin -o /dev/null "$source" 2>"$out" ||
      { cat "$out" >&2; exit 1; }
    c++filt <"$out" | sed 's/hone:://g; s/(anonymous namespace)::\|_GLOBAL__N__[0-9a-z_]*:://g' | awk -v arch="sm_$arch" '
      /Compiling entry function/ { sub(/^[^\047]*\047/, ""); sub(/\047.*/, ""); kernel = $0 }
      /bytes stack frame/ { stack = $1; spills = $5 + $9 }
      /Used [0-9]+ registers/ {
        for (i = 1; i <= NF; ++i) { if ($i == "Used") registers = $(i + 1); if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/) shared = $i }
        printf "%-6s %-9s %-7s %-6s %-6s %s\n", arch, registers, shared + 0, stack, spills, kernel
        if (spills > 0) spilled = 1
        shared = 0
      }
      END { exit spilled }' || status=1
  done
done
exit $status
