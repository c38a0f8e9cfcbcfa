#!/usr/bin/env bash
# All kills: a run of two ranks killed at 24 points of its life, each with three victims, and at random moments; each
# time the same command must end with the bits of a run that nothing happened to. The suite runs a third and five.
#
#   scripts/fault_matrix.sh [KILLS [SEED]]        (50, 1; some ten minutes on two idle cores)
set -euo pipefail
cd "$(dirname "$0")/.."
hone=${HONE:-build/launcher/hone}
bash tests/e2e/fault_matrix_test.sh "$hone" tests/golden all
bash tests/e2e/random_kills_test.sh "$hone" tests/golden "${1:-50}" "${2:-1}"
