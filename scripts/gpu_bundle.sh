#!/usr/bin/env bash
# Packs what measures and tests Hone on a bare machine with an NVIDIA GPU, where torch 2.11.0 with CUDA 13 is installed
# as a Python package and nothing else of ours is: test and bench binaries, their reference values, and the shared
# libraries that such a machine lacks.
#
#   scripts/gpu_bundle.sh [FILE.tar.gz]        default build-gpu/hone-gpu.tar.gz; under 40 MiB or it fails
#
# There: tar xf hone-gpu.tar.gz && hone-gpu/run.sh > figures.jsonl
set -euo pipefail
cd "$(dirname "$0")/.."
HONE_SCRIPT=gpu_bundle
source scripts/lib.sh

file=$(realpath -m "${1:-build-gpu/hone-gpu.tar.gz}")
limit=$((40 * 1024 * 1024))
stage=build-gpu/hone-gpu
programs=(launcher/hone tests/cuda_device_tests tests/core_tests tests/dist/nccl_device_tests bench/bench_lora_step
  bench/bench_generate)

build() {
  read -ra cmake_args <<<"${HONE_CMAKE_ARGS:-}"
  step "configure" build-gpu/log/configure.log cmake --preset release -B build-gpu -DHONE_CUDA=ON \
    -DHONE_TEST_GOLDEN=golden "${cmake_args[@]}"
  local names=()
  for program in "${programs[@]}"; do names+=(--target "$(basename "$program")"); done
  step "build" build-gpu/log/build.log cmake --build build-gpu ${HONE_BUILD_JOBS:+-j"$HONE_BUILD_JOBS"} "${names[@]}"
}

# What a binary needs but the machine's own C library and what LibTorch brings. The C++ library goes along, in a folder of
# its own, for machines whose own is older than the one we were built with.
needed_libraries() {
  ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u |
    grep -Ev '^(libc|libm|libdl|librt|libpthread|libutil|libresolv|ld-linux[^ ]*)\.so|^(libtorch|libc10|libgomp|libcud|libcupti|libnv)' |
    cut -d' ' -f2
}

pack() {
  rm -rf "$stage"
  mkdir -p "$stage/bin" "$stage/lib/cxx" "$stage/golden" "$stage/tests/e2e" "$stage/configs"
  cp "${programs[@]/#/build-gpu/}" "$stage/bin/"
  strip "$stage"/bin/*
  local library
  for library in $(needed_libraries "$stage"/bin/*); do cp -L "$library" "$stage/lib/"; done
  mv "$stage"/lib/libstdc++.so* "$stage"/lib/libgcc_s.so* "$stage/lib/cxx/"
  strip --strip-unneeded "$stage"/lib/*.so* "$stage"/lib/cxx/*.so*
  cp -r tests/golden/core tests/golden/e2e "$stage/golden/"
  cp tests/e2e/lib.sh tests/e2e/cuda_test.sh "$stage/tests/e2e/"
  cp -r configs/sft "$stage/configs/"
  find "$stage/golden" -name '*.py' -delete
  cp scripts/gpu_bundle_run.sh "$stage/run.sh"
  cp scripts/peers/bench_peft.py scripts/peers/bench_transformers_generate.py "$stage/"
  git rev-parse --short HEAD >"$stage/commit"
  mkdir -p "$(dirname "$file")"
  tar -C build-gpu -czf "$file" hone-gpu
}

build
pack
size=$(stat -c %s "$file")
((size < limit)) || die "$file has $((size >> 20)) MiB, more than the $((limit >> 20)) it may have"
glibc=$(objdump -T "$stage"/bin/* "$stage"/lib/*.so* 2>/dev/null | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
say "$file: $(((size + 1048575) >> 20)) MiB; needs ${glibc/_/ } or newer"
