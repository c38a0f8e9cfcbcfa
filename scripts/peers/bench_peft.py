#!/usr/bin/env python3
"""Training speed of PEFT: LoRA rank 16 on all linears of a model with random weights.

    python scripts/peers/bench_peft.py [--device cpu|cuda] [--shape 135m|1b|8b] [--legs bf16,fp32,nf4] [--steps 5]
                                       [--warmup 1] [--batch 4] [--length 512] [--threads N] [--paced]

One JSON line a leg, with the same names as `bench_lora_step`. Weights are random: speed does not depend on them, and
nothing is downloaded. Run it by hand beside `bench_lora_step`, on the same quiet machine; needs torch, transformers,
peft and, for nf4, bitsandbytes. Never part of building, running or testing.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

# SmolLM2-135M, Llama-3.2-1B, Llama-3.1-8B.
SHAPES = {
    "135m": dict(hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
                 intermediate_size=1536, vocab_size=49152, tie_word_embeddings=True, max_position_embeddings=8192),
    "1b": dict(hidden_size=2048, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8, head_dim=64,
               intermediate_size=8192, vocab_size=128256, tie_word_embeddings=True, max_position_embeddings=8192),
    "8b": dict(hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
               intermediate_size=14336, vocab_size=128256, tie_word_embeddings=False, max_position_embeddings=8192),
}


def base_model(leg, args):
    torch.manual_seed(0)
    dtype = torch.float32 if leg == "fp32" else torch.bfloat16
    torch.set_default_dtype(dtype)
    with torch.device(args.device):
        model = LlamaForCausalLM(LlamaConfig(**SHAPES[args.shape]))
    torch.set_default_dtype(torch.float32)
    return in_nf4(model, args.device) if leg == "nf4" else model


def in_nf4(model, device):
    """The linears of the blocks by bitsandbytes, as from_pretrained makes them; a model of 16 GB does not go by disk."""
    import bitsandbytes as bnb

    for block in model.model.layers:
        for owner in (block.self_attn, block.mlp):
            for name, linear in list(owner.named_children()):
                if not isinstance(linear, torch.nn.Linear):
                    continue
                packed = bnb.nn.Linear4bit(linear.in_features, linear.out_features, bias=False,
                                           compute_dtype=torch.bfloat16, compress_statistics=True, quant_type="nf4",
                                           device="meta")
                packed.weight = bnb.nn.Params4bit(linear.weight.data, requires_grad=False, module=packed,
                                                  compress_statistics=True, quant_type="nf4").to(device)
                setattr(owner, name, packed)
    model.is_loaded_in_4bit = True  # what PEFT asks
    return model


def wait(args):
    if args.device == "cuda":
        torch.cuda.synchronize()


def step(model, optimizer, ids):
    optimizer.zero_grad(set_to_none=True)
    loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    return loss.item()


def run(leg, args):
    torch.set_num_threads(args.threads)
    start = time.perf_counter()
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base_model(leg, args), config)
    model.train()
    if args.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()  # what building took is not the step's
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    ids = torch.randint(0, SHAPES[args.shape]["vocab_size"], (args.batch, args.length), device=args.device)
    first = None
    seconds = []
    for _ in range(args.warmup + args.steps):
        if args.paced:
            sys.stdin.readline()
        begin = time.perf_counter()
        loss = step(model, optimizer, ids)
        wait(args)
        seconds.append(time.perf_counter() - begin)
        first = first or time.perf_counter() - start
        if args.paced:
            print(json.dumps({"step_seconds": seconds[-1]}), flush=True)
    seconds = seconds[args.warmup:]
    median = statistics.median(seconds)
    if args.device == "cuda":
        peak = torch.cuda.max_memory_allocated()
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"bench": "train_step", "who": "peft", "device": args.device, "shape": args.shape, "leg": leg, "tokens_per_second": args.batch * args.length / median,
            "seconds": median, "slowest": max(seconds), "steps": args.steps, "first_step_seconds": first,
            "threads": torch.get_num_threads(), "loss": loss,
            "peak_memory_bytes": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--shape", default="135m", choices=sorted(SHAPES))
    parser.add_argument("--legs", default="bf16,fp32,nf4")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--paced", action="store_true", help="a step begins with a line of standard input")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    args = parser.parse_args()
    legs = args.legs.split(",")
    if len(legs) == 1:
        print(json.dumps(run(args.legs, args)), flush=True)
        return
    for leg in legs:  # a process a leg, so that one's memory is not counted for the next
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--legs", leg], check=True)


if __name__ == "__main__":
    main()
