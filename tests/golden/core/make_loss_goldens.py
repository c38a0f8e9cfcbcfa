#!/usr/bin/env python3
"""Writes loss_terms.safetensors: label smoothing by transformers' LabelSmoother, z-loss by its router_z_loss_func.

    python tests/golden/core/make_loss_goldens.py

hidden [2, 5, 8], weight [37, 8], labels [2, 5] (-100: not supervised); per case E.C (label smoothing, z-loss): the sum
over supervised tokens and its gradients, in fp64.
"""
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers.models.switch_transformers.modeling_switch_transformers import router_z_loss_func
from transformers.trainer_pt_utils import LabelSmoother

HERE = Path(__file__).resolve().parent
CASES = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.01), (0.2, 0.003)]


def loss_sum(hidden, weight, labels, smoothing, z_loss):
    logits = hidden @ weight.T
    loss = LabelSmoother(epsilon=smoothing)({"logits": logits}, labels, num_items_in_batch=1)
    supervised = logits[labels != -100]
    return loss + z_loss * len(supervised) * router_z_loss_func(supervised[None])


def main():
    generator = torch.Generator().manual_seed(11)
    hidden = torch.randn(2, 5, 8, generator=generator, dtype=torch.float64)
    weight = torch.randn(37, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(37, (2, 5), generator=generator)
    labels[0, 0] = labels[1, 2] = labels[1, 3] = -100
    tensors = {"hidden": hidden, "weight": weight, "labels": labels}
    for smoothing, z_loss in CASES:
        h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        loss = loss_sum(h, w, labels, smoothing, z_loss)
        loss.backward()
        case = f"{smoothing}.{z_loss}"
        tensors |= {f"{case}.loss": loss.detach(), f"{case}.d_hidden": h.grad, f"{case}.d_weight": w.grad}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "loss_terms.safetensors")


main()
