#!/usr/bin/env bash
# What both container definitions here run: brings what Hone needs, builds it from the sources it stands in and installs
# it into /usr/local. LibTorch stays in .deps/, where the program looks for it.
#
#   HONE_CUDA_LIBS=1  with LibTorch's CUDA libraries (8 GB more), for a GPU of the host
set -euo pipefail
cd "$(dirname "$0")/.."

HONE_CUDA_LIBS=${HONE_CUDA_LIBS:-0} scripts/setup.sh
cmake --preset release -DHONE_TESTS=OFF
cmake --build build --target hone
cmake --install build --prefix /usr/local
rm -rf build .deps/log /var/lib/apt/lists/*
hone --version
