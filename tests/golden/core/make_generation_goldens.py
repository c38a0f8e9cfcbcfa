"""Writes generation.safetensors: logits after transformers' logits processors, greedy ids under a repetition penalty,
and perplexities in sliding windows of tiny_llama.

    pip install torch transformers safetensors && python tests/golden/core/make_generation_goldens.py

processors.N.settings [temperature, top_k, top_p, min_p, repetition_penalty], .logits, .seen (ids), .scores: made by the
list that transformers' generate() itself builds from these settings (temperature 0: greedy). greedy.N.penalty, .prompt,
.ids. perplexity.ids; perplexity.N.window [length, stride], .nll (sum over tokens), .tokens, .guide: the perplexity as the
guide on models of fixed length computes it, which counts a token less for each window after the first.
"""
import itertools
import pathlib

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GenerationConfig

HERE = pathlib.Path(__file__).parent
SETTINGS = [  # temperature, top_k, top_p, min_p, repetition_penalty
    (0, 0, 1, 0, 1), (0, 0, 1, 0, 1.3), (0, 5, 0.5, 0.1, 0.7), (0.7, 0, 1, 0, 1), (1, 7, 1, 0, 1), (1, 0, 0.8, 0, 1),
    (1, 0, 1, 0.2, 1), (1.5, 20, 0.9, 0.05, 1.2), (0.3, 0, 0.95, 0.01, 1.1), (2, 3, 0.2, 0.9, 1), (1, 0, 1e-6, 0, 1),
    (1, 1, 1, 0, 1), (5, 0, 0.99, 0.5, 1.5)]


def processed(model, logits, seen, settings):
    temperature, top_k, top_p, min_p, penalty = settings
    sampling = dict(do_sample=True, temperature=float(temperature), top_k=top_k, top_p=float(top_p), min_p=min_p or None)
    config = GenerationConfig(repetition_penalty=float(penalty), **(sampling if temperature > 0 else dict(do_sample=False)))
    model._prepare_special_tokens(config)
    return model._get_logits_processor(config, input_ids_seq_length=seen.shape[1])(seen, logits.clone())


def processors(model, out):
    generator = torch.Generator().manual_seed(3)
    for n, settings in enumerate(SETTINGS):
        logits = 4 * torch.randn(1, 40, generator=generator)
        seen = torch.randint(0, 40, (1, 12), generator=generator)
        out[f"processors.{n}.settings"] = torch.tensor(settings, dtype=torch.float64)
        out[f"processors.{n}.logits"], out[f"processors.{n}.seen"] = logits[0], seen[0].int()
        out[f"processors.{n}.scores"] = processed(model, logits, seen, settings)[0].contiguous()


def greedy(model, out):
    prompts = [load_file(HERE / "generate.safetensors")[f"{i}.prompt"].long() for i in range(3)]
    for n, (prompt, penalty) in enumerate(itertools.product(prompts, (1.2, 2.0))):
        ids = model.generate(prompt[None], max_new_tokens=16, do_sample=False, repetition_penalty=penalty, eos_token_id=None,
                             pad_token_id=0)[0, len(prompt):]
        out[f"greedy.{n}.penalty"] = torch.tensor([penalty], dtype=torch.float64)
        out[f"greedy.{n}.prompt"], out[f"greedy.{n}.ids"] = prompt.int(), ids.int()


def perplexities(model, out):
    ids = torch.randint(0, model.config.vocab_size, (1, 150), generator=torch.Generator().manual_seed(5))
    out["perplexity.ids"] = ids[0].int()
    for n, (length, stride) in enumerate([(64, 64), (64, 20), (32, 1), (200, 50)]):
        nll, tokens, guide_nll, guide_tokens, previous = 0.0, 0, 0.0, 0, 0
        for begin in range(0, ids.shape[1], stride):
            end = min(begin + length, ids.shape[1])
            window, targets = ids[:, begin:end], ids[:, begin:end].clone()
            targets[:, : -(end - previous)] = -100
            with torch.no_grad():
                logp = model(window).logits.double().log_softmax(-1)
            kept = targets[0, 1:] != -100
            own = -logp[0, :-1].gather(1, window[0, 1:, None])[:, 0][kept]
            nll, tokens = nll + own.sum().item(), tokens + len(own)
            counted = (targets != -100).sum().item() - 1
            guide_nll, guide_tokens = guide_nll + own.mean().item() * counted, guide_tokens + counted
            previous = end
            if end == ids.shape[1]:
                break
        out[f"perplexity.{n}.window"] = torch.tensor([length, stride])
        out[f"perplexity.{n}.nll"] = torch.tensor([nll], dtype=torch.float64)
        out[f"perplexity.{n}.tokens"] = torch.tensor([tokens])
        out[f"perplexity.{n}.guide"] = torch.tensor([torch.tensor(guide_nll / guide_tokens).exp().item()], dtype=torch.float64)


def main():
    model = AutoModelForCausalLM.from_pretrained(HERE / "tiny_llama", dtype=torch.float32).eval()
    out = {}
    processors(model, out)
    greedy(model, out)
    perplexities(model.double(), out)
    save_file(out, HERE / "generation.safetensors")


if __name__ == "__main__":
    main()
