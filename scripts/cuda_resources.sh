#!/usr/bin/env bash
# Prints what each CUDA kernel needs on sm_80 and sm_90: registers, bytes of shared memory, of stack and of spills. Needs
# nvcc, no GPU. Ends with 1 where a kernel spills or has a stack.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v nvcc >/dev/null || { echo "cuda_resources: nvcc is not on PATH" >&2; exit 2; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
printf '%-6s %-9s %-7s %-6s %-6s %s\n' arch registers shared stack spills kernel
status=0
for source in $(grep -rl --include='*.cu' __global__ core | sort); do
  nvcc -std=c++20 -O3 -I. -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 -Xptxas -v -fatbin \
    -o /dev/null "$source" 2>"$out" || { cat "$out" >&2; exit 1; }
  c++filt <"$out" | sed 's/hone:://g; s/(anonymous namespace)::\|_GLOBAL__N__[0-9a-z_]*:://g' | awk '
    /Compiling entry function/ {
      split($0, part, "\047"); kernel = part[2]; arch = part[4]
      sub(/^void /, "", kernel); sub(/\(.*/, "", kernel)
    }
    /bytes stack frame/ { stack = $1; spills = $5 + $9 }
    /Used [0-9]+ registers/ {
      for (i = 1; i <= NF; ++i) { if ($i == "Used") registers = $(i + 1); if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/) shared = $i }
      printf "%-6s %-9s %-7s %-6s %-6s %s\n", arch, registers, shared + 0, stack, spills, kernel
      if (stack + spills > 0) bad = 1
      shared = 0
    }
    END { exit bad }' || status=1
done
exit $status
