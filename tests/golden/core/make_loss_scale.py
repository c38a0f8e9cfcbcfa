"""Where torch.amp.GradScaler changes its scale, for a given pattern of overflows: loss_scale.safetensors.

python make_loss_scale.py
"""
import pathlib

import torch
from safetensors.torch import save_file

STEPS = 8200
OVERFLOWS = [0, 1, 2, 10, 2500, 2501, 6600]

parameter = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([parameter], lr=0.0)
scaler = torch.amp.GradScaler("cpu")
changes = []  # (step, the scale it is computed with)
for step in range(STEPS):
    if not changes or changes[-1][1] != scaler.get_scale():
        changes.append((step, scaler.get_scale()))
    parameter.grad = torch.full((1,), float("inf") if step in OVERFLOWS else 1.0)
    scaler.scale(torch.zeros(1))  # the scaler makes its state when it first scales
    scaler.step(optimizer)
    scaler.update()
save_file(
    {
        "steps": torch.tensor([STEPS]),
        "overflows": torch.tensor(OVERFLOWS),
        "changes": torch.tensor([step for step, _ in changes]),
        "scales": torch.tensor([scale for _, scale in changes]),
    },
    pathlib.Path(__file__).parent / "loss_scale.safetensors",
)
