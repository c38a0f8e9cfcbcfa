#!/usr/bin/env bash
# A training run under Slurm that ends before its time is up, saves, and puts itself back in the queue.
#
#   sbatch cluster/sbatch_train.sh --config configs/sft/smollm2_qlora.cfg --data.train rows.jsonl --run.dir runs/first
#
# Everything after the script's name goes to `hone train`. Give run.dir (here or in the .cfg): it is how the next
# turn finds the last checkpoint. Submit from the root of the repository, with `hone` built there, or set HONE.
#
#SBATCH --job-name=hone
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=hone-%j.log
# USR1 goes to every rank (not to this shell) 120 s before the end: the ranks finish their step, save and end with 75.
# Allow more where a step, an evaluation and a checkpoint together take longer.
#SBATCH --signal=USR1@120
set -uo pipefail

hone=${HONE:-build/launcher/hone}
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}  # Slurm 22.05 and later do not hand it on by themselves

# --mpi=pmix is what Open MPI needs; `srun --mpi=list` shows whether this Slurm has it. Without it each rank would be
# a world of its own, which hone refuses (MP001). --cpu-bind=cores gives each rank its own cores; hone keeps them.
# The ranks may end within a minute of each other, so that one rank's 75 does not kill the others.
srun --mpi=pmix --cpu-bind=cores --kill-on-bad-exit=0 --wait=60 "$hone" train "$@"
code=$?

if ((code == 75)); then
  echo "stopped and saved; back in the queue as job $SLURM_JOB_ID"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
