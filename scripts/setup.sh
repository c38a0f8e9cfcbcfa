#!/usr/bin/env bash
# Brings what Hone builds with: system packages (root only if one is missing) and LibTorch in .deps/.
#
#   scripts/setup.sh
#
# HONE_SKIP_PACKAGES=1  leaves system packages alone (a site's modules through CMAKE_PREFIX_PATH instead)
# HONE_CUDA_LIBS=0|1    leaves out or brings the CUDA libraries; by default they come where nvidia-smi lists a GPU
set -euo pipefail
cd "$(dirname "$0")/.."
HONE_SCRIPT=setup
source scripts/lib.sh

packages=(ca-certificates g++ cmake ninja-build ccache mold pkg-config git unzip python3 python3-pip
  libopenmpi-dev openmpi-bin libhdf5-dev libboost-program-options-dev libgtest-dev libgmock-dev libsimdjson-dev
  nlohmann-json3-dev libpcre2-dev libutf8proc-dev libxxhash-dev libfmt-dev libspdlog-dev)

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    die "this is no Debian or Ubuntu: bring the counterparts of these packages, then set HONE_SKIP_PACKAGES=1:
  ${packages[*]}"
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "missing packages, and neither root nor sudo here. Have someone with root run
  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}
or point CMAKE_PREFIX_PATH at your site's own builds of them and set HONE_SKIP_PACKAGES=1"
  fi
  say "system packages missing: ${missing[*]}"
  if ((EUID != 0)); then
    say "sudo may ask for your password: root is needed for apt-get install, nothing else"
    sudo -v || die "not installed"
  fi
  step "package index" .deps/log/apt-update.log as_root apt-get -q update
  step "${#missing[@]} packages" .deps/log/apt-install.log as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}"
}

# unpack WHEELS INTO: headers and libraries only, under a temporary name first, so that a cut-off run leaves nothing
# half there.
unpack() {
  local wheels=$1 into=$2 wheel skip=('*.py' '*.pyc')
  ((cuda_libs)) || skip+=('torch/lib/libtorch_cuda*' 'torch/lib/libtorch_nvshmem*' 'torch/lib/libc10_cuda*'
    'torch/lib/libcaffe2_nvrtc*')
  skip+=('torch/lib/libtorch_python*' 'torch/lib/libshm*')
  rm -rf "$into"
  mkdir -p "$into"
  for wheel in "$wheels"/*.whl; do
    unzip -q -o "$wheel" 'torch/include/*' 'torch/lib/*' 'nvidia/*/include/*' 'nvidia/*/lib/*' -x "${skip[@]}" \
      -d "$into" 2>/dev/null || (($? == 11)) || die "$wheel is broken: remove it and run again"
  done
  [[ -e $into/torch/lib/libtorch_cpu.so && -e $into/torch/include/ATen/ATen.h ]] || die "no LibTorch in $wheels"
}

have_libtorch() {
  [[ -e .deps/torch/include/ATen/ATen.h && -e .deps/torch/lib/libtorch_cpu.so && -d .deps/nvidia ]] || return 1
  ((!cuda_libs)) || [[ -e .deps/torch/lib/libtorch_cuda.so && -d .deps/nvidia/cudnn ]]
}

fetch_libtorch() {
  local wheels=.deps/download/torch
  if ((cuda_libs)); then
    say "fetching LibTorch 2.11.0 with its CUDA 13 libraries (an NVIDIA GPU is here)"
    need_space 16 "LibTorch with CUDA"
    fetch_wheels "$wheels" --no-deps torch==2.11.0 nvidia-cudnn-cu13==9.19.0.56 nvidia-cusparselt-cu13==0.8.0 \
      nvidia-nccl-cu13==2.28.9 nvidia-nvshmem-cu13==3.4.5
    fetch_wheels "$wheels" \
      'cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.2'
  else
    say "fetching LibTorch 2.11.0 (530 MB; no CUDA libraries, as nvidia-smi lists no GPU)"
    need_space 4 "LibTorch"
    fetch_wheels "$wheels" --no-deps torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
  fi
  step "unpack LibTorch" .deps/log/unpack.log unpack "$wheels" .deps/unpack
  rm -rf .deps/torch .deps/nvidia
  mv .deps/unpack/nvidia .deps/nvidia
  mv .deps/unpack/torch .deps/torch
  rm -rf .deps/unpack "$wheels"
}

cuda_libs=${HONE_CUDA_LIBS:-0}
if [[ -z ${HONE_CUDA_LIBS:-} ]] && nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then cuda_libs=1; fi

[[ $(uname -sm) == "Linux x86_64" ]] || die "only Linux on x86-64 is supported so far, this is $(uname -sm)"
((${HONE_SKIP_PACKAGES:-0})) || install_packages
have_libtorch || fetch_libtorch
