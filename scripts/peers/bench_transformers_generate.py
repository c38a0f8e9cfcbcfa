#!/usr/bin/env python3
"""Greedy generation by transformers: new tokens a second for 1 and 8 prompts of 32 tokens at once.

    python scripts/peers/bench_transformers_generate.py MODEL_FOLDER [--legs fp32,bf16] [--new_tokens 64] [--threads N]
                                                        [--device cpu|cuda]

One JSON line a leg and batch, with the same names as `bench_generate`. MODEL_FOLDER may be a shape of `bench_peft.py`
(1b, 8b), whose weights are then random.
"""
import argparse
import json
import os
import time

import torch
from transformers import AutoModelForCausalLM


def run(model, leg, batch, args):
    ids = torch.tensor([[(p * 7919 + t * 104729 + 17) % model.config.vocab_size for t in range(32)]
                        for p in range(batch)], device=args.device)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(3):
            begin = time.perf_counter()
            model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=args.new_tokens,
                           min_new_tokens=args.new_tokens, pad_token_id=0)
            best = min(best, time.perf_counter() - begin)
    return {"bench": "generate", "who": "transformers", "device": args.device, "leg": leg, "batch": batch, "threads": torch.get_num_threads(),
            "tokens_per_second": batch * args.new_tokens / best}


def loaded(leg, args):
    if not os.path.isdir(args.model):
        from bench_peft import base_model
        args.shape = args.model
        return base_model(leg, args)
    if leg == "nf4":
        raise SystemExit("nf4 is for shapes")
    dtype = torch.float32 if leg == "fp32" else torch.bfloat16
    return AutoModelForCausalLM.from_pretrained(args.model, dtype=dtype).to(args.device)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--legs", default="fp32,bf16")
    parser.add_argument("--new_tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for leg in args.legs.split(","):
        model = loaded(leg, args)
        model.eval()
        for batch in (1, 8):
            print(json.dumps(run(model, leg, batch, args)), flush=True)


if __name__ == "__main__":
    main()
