#!/usr/bin/env python3
"""Hone beside its peers on this machine's CPUs, legs taken in turn (A B A B), and the ratio of each pair.

    python scripts/peers/compare.py [--build build] [--model GGUF] [--rows FILE.jsonl] [--parts step,generate,sft] [--rounds 2]

step      a LoRA step of 4 x 512 tokens, random weights in the shape of SmolLM2-135M: tokens a second and peak memory,
          against the best leg of transformers + PEFT (+ bitsandbytes)
generate  greedy generation, 1 and 8 prompts at once, against the best leg of transformers
sft       instruction rows, loss on completions only: seconds from start to the end of the first step, and tokens that
          are no padding a second, against TRL as it comes

Prints every row of every run, then one line a comparison. Needs the benchmarks built (bench_lora_step, bench_generate,
hone) and a Python with torch, transformers, peft, trl, datasets and bitsandbytes, which runs this script.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def rows_of(command, **more):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    if done.returncode or not rows:
        sys.exit(f"{command[0]} failed ({done.returncode}):\n{done.stderr[-2000:]}")
    for row in rows:
        row.update(more)
        print(json.dumps(row), flush=True)
    return rows


def best(rows, key, who, wanted=max, **where):
    fitting = [row for row in rows if row.get("who") == who and key in row
               and all(row.get(name) == value for name, value in where.items())]
    return wanted(fitting, key=lambda row: row[key])


def compare(what, ours, theirs, key, more_is_better=True):
    ratio = ours[key] / theirs[key] if more_is_better else theirs[key] / ours[key]
    print(json.dumps({"compare": what, "ratio": round(ratio, 2), "hone": ours[key], "peer": theirs[key],
                      "hone_leg": ours.get("leg"), "peer_leg": theirs.get("leg")}), flush=True)


class Paced:
    """A benchmark that takes a step when told to."""

    def __init__(self, who, leg, command):
        self.who, self.leg, self.seconds = who, leg, []
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def row(self):
        for line in self.process.stdout:
            if line.startswith('{"'):
                return json.loads(line)
        sys.exit(f"{self.who} {self.leg} ended early")

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.seconds.append(self.row()["step_seconds"])

    def finish(self):
        row = self.row() | {"who": self.who, "leg": self.leg, "step_seconds": self.seconds[1:]}
        self.process.wait()
        print(json.dumps(row), flush=True)
        return row


def step(args):
    """All take turns, a step each, so that the machine's drift falls on all alike; the ratio is the median over turns."""
    bench, peer = args.build / "bench/bench_lora_step", HERE / "bench_peft.py"
    common = ["--threads", args.threads, "--steps", args.rounds]
    ours = [Paced("hone", leg, [bench, "--paced", "true", "--legs", leg] + common) for leg in args.legs.split(",")]
    peers = [Paced("peft", leg, [sys.executable, peer, "--paced", "--legs", leg] + common) for leg in args.peer_legs.split(",")]
    for _ in range(args.rounds + 1):  # the first warms up
        for one in peers + ours:
            one.step()
    rows = {(one.who, one.leg): one.finish() for one in peers + ours}

    def times(leg, peer_leg):
        pairs = zip(rows["peft", peer_leg]["step_seconds"], rows["hone", leg]["step_seconds"])
        return statistics.median(theirs / mine for theirs, mine in pairs)

    for leg in args.legs.split(","):
        ratio, best_leg = min((times(leg, peer_leg), peer_leg) for peer_leg in args.peer_legs.split(","))
        print(json.dumps({"compare": f"{leg} LoRA step, speed, against the best peer leg", "ratio": round(ratio, 2),
                          "hone_leg": leg, "peer_leg": best_leg}), flush=True)
        same = {"fp32": "fp32", "bf16": "bf16"}.get(leg, "nf4")
        if ("peft", same) not in rows:
            continue
        print(json.dumps({"compare": f"{leg} LoRA step, speed, against the same leg", "ratio": round(times(leg, same), 2),
                          "hone_leg": leg, "peer_leg": same}), flush=True)
        compare(f"{leg} LoRA step, peak memory", rows["hone", leg], rows["peft", same], "peak_memory_bytes",
                more_is_better=False)


def hf_folder(args):
    folder = args.work / "model"
    if not folder.exists():
        subprocess.run([args.build / "launcher/hone", "convert", "--model.path", args.model, "--model.dtype", "fp32",
                        "--output", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def generate(args):
    folder, rows = hf_folder(args), []
    for _ in range(args.rounds):
        rows += rows_of([args.build / "bench/bench_generate", "--model", folder, "--threads", args.threads])
        rows += rows_of([sys.executable, HERE / "bench_transformers_generate.py", folder, "--threads", args.threads,
                         "--legs", ",".join(leg for leg in args.peer_legs.split(",") if leg != "nf4")])
    for batch in (1, 8):
        ours = best(rows, "tokens_per_second", "hone", batch=batch)
        compare(f"generation, {batch} prompts at once, tokens/s", ours,
                best(rows, "tokens_per_second", "transformers", batch=batch), "tokens_per_second")


def hone_sft(args, folder):
    with tempfile.TemporaryDirectory(dir=args.work) as run:
        metrics = pathlib.Path(run) / "run/metrics.jsonl"
        begin = time.time()
        process = subprocess.Popen([args.build / "launcher/hone", "train", "--model.path", folder, "--data.train", args.rows,
                                    "--adapter.type", "lora", "--train.batch_size", "8", "--train.steps", str(args.steps),
                                    "--run.dir", metrics.parent], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "OMP_NUM_THREADS": str(args.threads)})
        first = None
        while process.poll() is None:
            if first is None and metrics.exists() and metrics.read_text().count("\n") >= 1:
                first = time.time() - begin
            time.sleep(0.02)
        steps = [row for row in map(json.loads, metrics.read_text().splitlines()) if row["kind"] == "train"]
        later = steps[1:]
        row = {"bench": "sft", "who": "hone", "first_step_seconds": first,
               "useful_tokens_per_second": sum(r["tokens"] for r in later) / sum(r["seconds"] for r in later)}
        print(json.dumps(row), flush=True)
        return row


def sft(args):
    folder, rows = hf_folder(args), []
    for _ in range(args.rounds):
        rows.append(hone_sft(args, folder))
        rows += rows_of([sys.executable, HERE / "bench_trl.py", folder, args.rows, "--steps", args.steps, "--threads",
                         args.threads])
    for key, wanted in (("first_step_seconds", min), ("useful_tokens_per_second", max)):
        compare(f"supervised fine-tuning, {key.replace('_', ' ')}", best(rows, key, "hone", wanted),
                best(rows, key, "trl", wanted), key, more_is_better=wanted is max)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("--model", default=HERE.parents[1] / ".deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--rows", help="JSON Lines with instruction, input, output (part sft)")
    parser.add_argument("--parts", default="step,generate,sft")
    parser.add_argument("--legs", default="bf16,bf16+nf4,fp32,fp32+nf4")
    parser.add_argument("--peer_legs", default="bf16,fp32,nf4")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        args.work = pathlib.Path(work)
        for part in args.parts.split(","):
            {"step": step, "generate": generate, "sft": sft}[part](args)


if __name__ == "__main__":
    main()
