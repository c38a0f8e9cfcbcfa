#!/usr/bin/env bash
# Bad inputs under the address and undefined-behaviour sanitizers: every test that needs no LibTorch, with its tables of
# inputs made by hand, then N seeded mutations (5000) of every format, each format in a process of its own.
#
#   scripts/fuzz.sh [N]
#
# A line a format: how many were accepted (what was read is whole; where a digest covers it, what was written), refused
# (one error line, the right exit code) and crashed. Ends with 1 where a test failed. HONE_CMAKE_ARGS as in test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
HONE_SCRIPT="fuzz"
source scripts/lib.sh

export HONE_MUTATIONS=${1:-5000}
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
folders=(base formats data checkpoint launcher)
log=build-asan/log
read -ra cmake_args <<<"${HONE_CMAKE_ARGS:-}"
step "configure" $log/configure.log cmake --preset asan "${cmake_args[@]}"
step "build" $log/build.log cmake --build build-asan --target "${folders[@]/%/_tests}"

failed=0
run_tests() { # LOG FOLDER FILTER: whether the tests passed; where they did not, what they said
  "build-asan/tests/$2_tests" --gtest_filter="$3" >"$1" 2>&1 && return 0
  failed=1
  tail -n 40 "$1" >&2
  return 1
}

for folder in "${folders[@]}"; do
  run_tests "$log/$folder.log" "$folder" '-Mutations.*' || say "tests of $folder failed"
done
tables=("${folders[@]/%/.log}")
cat "${tables[@]/#/$log/}" | grep '^bad inputs: ' || true
made=$(cat "${tables[@]/#/$log/}" | awk '/^bad inputs: / { sum += $NF } /OK \] .*\.IsRefused\// { ++sum } END { print sum + 0 }')
echo "bad inputs made by hand: $made"
((made >= 200)) || failed=1

for folder in "${folders[@]}"; do
  for name in $("build-asan/tests/${folder}_tests" --gtest_filter='Mutations.*' --gtest_list_tests | grep '^ ' || true); do
    crashed=0
    run_tests "$log/$name.log" "$folder" "Mutations.$name" || grep -q '^mutations: ' "$log/$name.log" || crashed=1
    line=$(sed -n 's/^mutations: //p' "$log/$name.log")
    echo "${line:-$name}  crashed $crashed"
  done
done
exit $failed
