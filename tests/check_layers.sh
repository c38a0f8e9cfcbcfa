#!/usr/bin/env bash
# Holds every #include against the layer table, and every source file against the length limit.
#
#   tests/check_layers.sh [ROOT]
#
# A layer is a folder with what lies below it; the longest name that fits a file counts. `may` lists what it may
# include of the project (a layer always sees itself), `third` which third parties. What is not listed is refused.
set -euo pipefail
root=${1:-$(dirname "$0")/..}
cd "$root"

# layer | may include | third parties (see `party` below; std, the system and xxhash are free)
table='
core/base       |                                                          | json fmt spdlog
core/ports      | core/base                                                |
core/formats    | core/base                                                | json fmt
core/eval       | core/base                                                | utf8proc
core/cuda       | core/base                                                | cuda
core/device     | core/base core/cuda                                      | aten cuda
core/nn         | core/base core/ports core/cuda core/device               | aten cuda
core/quant      | core/base core/ports core/formats core/cuda core/device core/nn | aten cuda
core/adapter    | core/base core/ports core/formats core/nn core/quant     | aten json
core/model      | core/base core/ports core/formats core/nn core/quant core/adapter core/cuda core/device core/train/shard_plan.h | aten fmt
core/optim      | core/base core/ports core/nn core/cuda core/device core/train/shard_plan.h | aten cuda
core/objective  | core/base core/ports core/device core/nn core/model      | aten
core/generate   | core/base core/ports core/nn core/model core/cuda core/device | aten cuda
core/train      | core/base core/ports core/formats core/nn core/quant core/adapter core/model core/objective core/optim core/eval core/cuda core/device | aten cuda fmt json
core/train/shard_plan | core/base                                          |
data            | core/base core/ports core/formats                        | json fmt simdjson pcre2 utf8proc hdf5
dist            | core/base core/ports core/train/shard_plan.h             | fmt mpi
checkpoint      | core/base core/ports core/train/shard_plan.h             | json fmt hdf5
launcher/options | core/base launcher/run_options.h *_options.h            | fmt boost
launcher/report | core/base core/formats core/eval launcher/options        | fmt json
launcher        | core data dist checkpoint                                | fmt json boost aten mpi hdf5
'

find core data dist checkpoint launcher \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print 2>/dev/null |
  sort | xargs -r awk -v table="$table" '
  function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
  function layer_of(path,    best, name) {
    for (name in may) if (index(path, name) == 1 && length(name) > length(best)) best = name
    return best
  }
  function party(header) {
    if (header ~ /^(ATen|torch|c10|caffe2)\//) return "aten"
    if (header ~ /^(cuda|cublas|nccl)/) return "cuda"
    if (header ~ /^mpi/) return "mpi"
    if (header ~ /^(hdf5|H5)/) return "hdf5"
    if (header ~ /^(nlohmann|boost|fmt|spdlog)\//) { sub(/\/.*/, "", header); return header == "nlohmann" ? "json" : header }
    if (header ~ /^(simdjson|pcre2|utf8proc)\./) { sub(/\..*/, "", header); return header }
    return ""
  }
  function allowed(header, layer,    count, list, i) {
    if (index(header, layer) == 1) return 1
    count = split(may[layer], list, " ")
    for (i = 1; i <= count; ++i) {
      if (list[i] ~ /^\*/) { if (index(header, substr(list[i], 2)) > 0) return 1 }
      else if (index(header, list[i]) == 1) return 1
    }
    return 0
  }
  function complain(text) { print text; bad = 1 }
  BEGIN {
    rows = split(table, row, "\n")
    for (r = 1; r <= rows; ++r) if (split(row[r], cell, "|") == 3) {
      may[trim(cell[1])] = trim(cell[2]); third[trim(cell[1])] = " " trim(cell[3]) " "
    }
  }
  FNR == 1 { layer = layer_of(FILENAME) }
  FNR == 401 && FILENAME !~ /_table\.(h|cpp)$/ { complain(FILENAME ": longer than 400 lines") }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    if (part[2] !~ /^(core|data|dist|checkpoint|launcher|tests|bench)\//) complain(FILENAME ":" FNR ": \"" part[2] "\" does not begin at the root of the repository")
    else if (!allowed(part[2], layer)) complain(FILENAME ":" FNR ": " layer " must not include " part[2])
  }
  /^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, part, /[<>]/)
    name = party(part[2])
    if (name != "" && index(third[layer], " " name " ") == 0) complain(FILENAME ":" FNR ": " layer " must not include <" part[2] ">")
    if (part[2] == "torch/torch.h") complain(FILENAME ":" FNR ": torch/torch.h costs 14 s a file; include what is used")
    if (name == "cuda" && FILENAME !~ /\.cuh?$/) complain(FILENAME ":" FNR ": CUDA headers belong in .cu and .cuh files")
  }
  END { if (bad) exit 1 }'
