#!/usr/bin/env bash
# Brings what Hone builds with: system packages (root only if one is missing) and LibTorch in .deps/.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++ cmake ninja-build ccache mold pkg-config git unzip python3 python3-pip
  libopenmpi-dev openmpi-bin libhdf5-dev libboost-program-options-dev libgtest-dev libgmock-dev libsimdjson-dev
  nlohmann-json3-dev libpcre2-dev libutf8proc-dev libxxhash-dev libfmt-dev libspdlog-dev)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "setup: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [[ ! -e .deps/torch/include/ATen/ATen.h ]]; then
  echo "setup: fetching LibTorch"
  wheels=$(mktemp -d)
  python3 -m pip download -q --no-deps -d "$wheels" torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
  mkdir -p .deps
  for wheel in "$wheels"/*.whl; do unzip -q -o "$wheel" 'torch/*' 'nvidia/*' -d .deps || [[ $? == 11 ]]; done
  rm -rf "$wheels"
fi
