#!/usr/bin/env bash
# Builds what is needed and runs every test, ending with CTest's summary (which names every skipped test).
#
#   scripts/test.sh [CTEST OPTIONS]        e.g. -L unit, -R nf4
#
# HONE_CMAKE_ARGS  further CMake options; CI passes -DHONE_WERROR=ON
set -euo pipefail
cd "$(dirname "$0")/.."
HONE_SCRIPT="test"
source scripts/lib.sh

scripts/setup.sh
scripts/get_model.sh >/dev/null || say "the model could not be fetched: tests that read its tokenizer are skipped"
read -ra cmake_args <<<"${HONE_CMAKE_ARGS:-}"
step "configure" build/log/configure.log cmake --preset release "${cmake_args[@]}"
step "build" build/log/build.log cmake --build build
ctest --test-dir build --output-on-failure "$@"
