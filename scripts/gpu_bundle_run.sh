#!/usr/bin/env bash
# Runs every GPU test and benchmark of this bundle (made by scripts/gpu_bundle.sh) and prints a JSON line for each on
# standard output, the rest on standard error. Ends with 1 where a test failed or a benchmark did not run, with 2 where
# there is nothing to run on.
#
#   run.sh [kernels|program|nccl|bench|peers ...]        all of them without arguments
set -uo pipefail
cd "$(dirname "$0")"

say() { printf 'hone-gpu: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 2; }

torch_lib=${HONE_TORCH_LIB:-}
if [[ -z $torch_lib ]]; then
  torch_lib=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0] + "/lib")' \
    2>/dev/null) || refuse "no torch: install the Python package torch 2.11.0 with CUDA 13, or set HONE_TORCH_LIB to its lib folder"
fi
[[ -e $torch_lib/libtorch_cuda.so ]] || refuse "no libtorch_cuda.so in $torch_lib: this torch has no CUDA"
export HONE_TORCH_LIB=$torch_lib
their_path=${LD_LIBRARY_PATH:-}  # of Python's own libraries
nvidia=$torch_lib/../../nvidia  # NCCL and the CUDA runtime, as LibTorch finds them
export LD_LIBRARY_PATH="$PWD/lib:$torch_lib:$nvidia/nccl/lib:$nvidia/cu13/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if ldd bin/* 2>&1 | grep -qE 'GLIBCXX_|libstdc\+\+.*not found'; then
  export LD_LIBRARY_PATH="$PWD/lib/cxx:$LD_LIBRARY_PATH"  # the machine's C++ library is older, or none
fi
bin/bench_lora_step --device cuda --probe true >/dev/null || refuse "no CUDA device to run on (see the line above)"

failed=0
parts=" ${*:-kernels program nccl bench peers} "
asked() { [[ $parts == *" $1 "* ]]; }

# tests BINARY FILTER
tests() {
  local begin=$SECONDS status=0
  bin/"$1" --gtest_filter="$2" --gtest_brief=1 >&2 || status=$?
  local count
  count=$(bin/"$1" --gtest_filter="$2" --gtest_list_tests | grep -c '^  ')
  ((status == 0 && count > 0)) || failed=1
  printf '{"gpu": "tests", "binary": "%s", "tests": %d, "exit": %d, "seconds": %d}\n' "$1" "$count" "$status" \
    $((SECONDS - begin))
}

# nccl RANKS: processes that share the GPU; NCCL takes each for a host of its own. Slow: their kernels take turns.
# What is left out asks for the host's order of summation, or is the host's half.
nccl() {
  local begin=$SECONDS status=0 output
  output=$(NCCL_MAX_CTAS=1 timeout 300 bin/nccl_device_tests "$1" --gtest_brief=1 \
    --gtest_filter='-*SumsAreFormedInATree*:*HalfPrecisionSums*:*NotANumber*:*AHungPeer*' 2>&1) || status=$?
  printf '%s\n' "$output" >&2
  [[ $status == 0 && $output != *'no CUDA device'* ]] || failed=1
  printf '{"gpu": "tests", "binary": "nccl_device_tests", "ranks": %d, "exit": %d, "seconds": %d}\n' "$1" "$status" \
    $((SECONDS - begin))
}

program() {
  local begin=$SECONDS status=0
  HONE_TEST_LIMIT=120 bash tests/e2e/cuda_test.sh bin/hone golden >&2 || status=$?
  ((status == 0)) || failed=1
  printf '{"gpu": "tests", "binary": "hone", "exit": %d, "seconds": %d}\n' "$status" $((SECONDS - begin))
}

bench() {
  bin/"$1" --device cuda "${@:2}" || { failed=1; say "failed: $*"; }
}

peer() {
  LD_LIBRARY_PATH=$their_path python3 "$@" --device cuda || { failed=1; say "failed: $*"; }
}

printf '{"gpu": "machine", "device": "%s", "commit": "%s"}\n' \
  "$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)" "$(cat commit)"
if asked kernels; then
  tests cuda_device_tests '*'
  tests core_tests '*/cuda:*Cuda*'
fi
if asked program; then program; fi
if asked nccl; then
  nccl 2
  nccl 4
fi
if asked bench; then
  for shape in 1b 8b; do
    bench bench_lora_step --shape "$shape" --legs bf16,bf16+nf4 --sequences 2 --length 2048 --steps 20
    bench bench_lora_step --shape "$shape" --legs bf16+nf4 --sequences 8 --length 2048 --steps 10
  done
  bench bench_generate --shape 1b --legs bf16,nf4
  bench bench_lora_step --shape 1b --legs bf16+nf4 --sequences 2 --length 2048 --steps 20 --graph false
fi
if asked peers; then
  importable() { LD_LIBRARY_PATH=$their_path python3 -c "import $1" 2>/dev/null; }
  if importable transformers,peft; then
    legs=bf16
    importable bitsandbytes && legs=bf16,nf4
    for shape in 1b 8b; do
      peer bench_peft.py --shape "$shape" --legs "$legs" --batch 2 --length 2048 --steps 10
    done
    peer bench_transformers_generate.py 1b --legs "$legs"
  else
    say "transformers or peft is not importable: no peer beside which to measure"
  fi
fi
exit $failed
