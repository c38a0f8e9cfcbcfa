#!/usr/bin/env bash
# check_layers.sh passes on a clean tree and names what breaks each of its rules.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{core/base,core/nn,data,dist,checkpoint,launcher}

refused() {  # refused FILE LINE: a tree with this line in this file is refused, naming the file
  printf '%s\n' "$2" >"$tree/$1"
  if out=$(bash "$here/check_layers.sh" "$tree"); then echo "accepted in $1: $2"; exit 1; fi
  grep -q "^$1" <<<"$out" || { echo "does not name $1: $out"; exit 1; }
  rm "$tree/$1"
}

printf '#include <ATen/ATen.h>\n#include "core/base/error.h"\n' >"$tree/core/nn/linear.cpp"
bash "$here/check_layers.sh" "$tree"
refused core/base/a.h '#include "core/nn/linear.h"'
refused core/base/a.h '#include <ATen/ATen.h>'
refused core/nn/a.cpp '#include <mpi.h>'
refused core/nn/a.cpp '#include <torch/torch.h>'
refused core/nn/a.cpp '#include "weight.h"'
refused core/nn/a.cpp "$(yes '//' | head -n 401)"
refused data/a.cpp '#include "dist/mpi_session.h"'
refused dist/a.cpp '#  include "data/sample.h"'
refused checkpoint/a.cpp '#include "launcher/run_options.h"'
refused launcher/a.cpp '#include <cuda_runtime.h>'
echo "every rule holds"
