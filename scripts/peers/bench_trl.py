#!/usr/bin/env python3
"""Supervised fine-tuning by TRL on instruction rows: when the first step is done, and how fast the next ones are.

    python scripts/peers/bench_trl.py MODEL_FOLDER ROWS.jsonl [--steps 4] [--threads N] [--set key=value ...]

TRL's own defaults (loss on completions only, whatever padding, precision and checkpointing it chooses), LoRA of rank 16
on all linears, on one process. One JSON line: seconds from the start of the process to the end of the first step, and
tokens that are no padding a second over the steps after it. --set changes a key of SFTConfig, for a leg other than the
default one.
"""
import time

START = time.time()
import argparse  # noqa: E402  (imports are part of what is measured)
import json  # noqa: E402
import os  # noqa: E402
import tempfile  # noqa: E402

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from transformers import TrainerCallback  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402


def rows_of(path):
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        prompt = row["instruction"] + ("\n\n" + row["input"] if row.get("input") else "")
        yield {"prompt": [{"role": "user", "content": prompt}],
               "completion": [{"role": "assistant", "content": row["output"]}]}


class Clock(TrainerCallback):
    def __init__(self):
        self.ends = []

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(time.time())


class CountingTrainer(SFTTrainer):
    tokens = []

    def training_step(self, model, inputs, *args, **kwargs):
        mask = inputs.get("attention_mask")
        self.tokens.append(int(mask.sum() if mask is not None else inputs["input_ids"].numel()))
        return super().training_step(model, inputs, *args, **kwargs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("rows")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    changed = {key: json.loads(value) for key, value in (item.split("=", 1) for item in args.set)}
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(output_dir=folder, max_steps=args.steps, report_to="none", save_strategy="no",
                           use_cpu=not torch.cuda.is_available(), **changed)
        trainer = CountingTrainer(model=args.model, args=config, train_dataset=Dataset.from_list(list(rows_of(args.rows))),
                                  peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"),
                                  callbacks=[clock])
        trainer.train()
    per_step = config.gradient_accumulation_steps
    later = sum(trainer.tokens[per_step:]) / (clock.ends[-1] - clock.ends[0]) if args.steps > 1 else None
    print(json.dumps({"bench": "sft", "who": "trl", "set": changed, "first_step_seconds": clock.ends[0] - START,
                      "useful_tokens_per_second": later, "threads": torch.get_num_threads(),
                      "bf16": bool(config.bf16), "gradient_checkpointing": bool(config.gradient_checkpointing)}))


if __name__ == "__main__":
    main()
