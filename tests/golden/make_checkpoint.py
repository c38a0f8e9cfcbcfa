"""Writes checkpoint/step-00000007: a checkpoint of format version 1 made by h5py and xxhash instead of hone.

    pip install h5py==3.16.0 xxhash numpy && python tests/golden/make_checkpoint.py
"""
import json
import pathlib

import h5py
import numpy
import xxhash

FOLDER = pathlib.Path(__file__).parent / "checkpoint" / "step-00000007"
SIZE = 192
TENSORS = {
    "master": (numpy.arange(SIZE) * 7 % 1000 / 8).astype("<f4"),
    "exp_avg": (-numpy.arange(SIZE)).astype("<f4"),
}
# Two ranks, granule 16: block [0, 128) is cut into 64 + 64, block [128, 192) into 32 + 32.
SHARDS = [[[0, 64], [128, 160]], [[64, 128], [160, 192]]]
LAYOUT = {
    "size": SIZE,
    "parameters": [
        {"name": "embedding.weight", "shape": [10, 10], "range": [0, 100], "decay": True},
        {"name": "head.weight", "shape": [3, 20], "range": [128, 188], "decay": False},
    ],
    "blocks": [{"name": "embedding", "range": [0, 128]}, {"name": "head", "range": [128, 192]}],
}


def write_shard(rank, ranges):
    path = FOLDER / f"rank-{rank:05}-00000.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for name, values in TENSORS.items():
            file.create_dataset(name, data=numpy.concatenate([values[a:b] for a, b in ranges]))
    content = path.read_bytes()
    parts = [{"tensor": name, "ranges": ranges} for name in TENSORS]
    return {"name": path.name, "size": len(content), "xxh3": xxhash.xxh3_128_hexdigest(content), "parts": parts}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": "hone-checkpoint", "version": 1, "step": 7, "best_step": 5, "world_size": 2, "granule": 16,
        "layout": LAYOUT,
        "tensors": [{"name": name, "dtype": "f32", "per": "element"} for name in TENSORS],
        "files": [write_shard(rank, ranges) for rank, ranges in enumerate(SHARDS)],
        "trainer": {"epoch": 0, "sample": 56}, "config": {"train.seed": "42"}, "digests": {"data": "00ff"},
    }
    head = "{\n" + "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in manifest.items())
    digest = xxhash.xxh3_128_hexdigest(head.encode())
    (FOLDER / "manifest.json").write_text(f'{head}"xxh3": "{digest}"}}\n')


if __name__ == "__main__":
    main()
