"""Writes checkpoint/step-00000008: a checkpoint of format version 2 made by h5py and xxhash instead of hone.

    pip install h5py==3.16.0 xxhash numpy && python tests/golden/make_checkpoint_v2.py
"""
import json
import pathlib

import h5py
import numpy
import xxhash

FOLDER = pathlib.Path(__file__).parent / "checkpoint" / "step-00000008"
SIZE = 192
BLOCK = 16
WHOLE = 5
TENSORS = {  # name -> dtype and unit as the manifest names them, values (bf16 as its bits)
    "master": ("bf16", "element", (numpy.arange(SIZE) * 300).astype("<u2")),
    "codes": ("u8", "element", (255 - numpy.arange(SIZE)).astype("u1")),
    "absmax": ("f32", BLOCK, (numpy.arange(SIZE // BLOCK) / 4).astype("<f4")),
    "rows": ("f32", "whole", (-numpy.arange(WHOLE)).astype("<f4")),
}
# Two ranks, granule 16: block [0, 128) is cut into 64 + 64, block [128, 192) into 32 + 32; a whole tensor into 3 + 2.
SHARDS = [[[0, 64], [128, 160]], [[64, 128], [160, 192]]]
WHOLE_SHARDS = [[[0, 3]], [[3, 5]]]
LAYOUT = {
    "size": SIZE,
    "parameters": [{"name": "embedding.weight", "shape": [10, 10], "range": [0, 100], "decay": True}],
    "blocks": [{"name": "embedding", "range": [0, 128]}, {"name": "head", "range": [128, 192]}],
}


def ranges_of(per, rank):
    if per == "whole":
        return WHOLE_SHARDS[rank]
    unit = 1 if per == "element" else per
    return [[a // unit, b // unit] for a, b in SHARDS[rank]]


def write_shard(rank):
    path = FOLDER / f"rank-{rank:05}-00000.h5"
    parts = [{"tensor": name, "ranges": ranges_of(per, rank)} for name, (_, per, _) in TENSORS.items()]
    with h5py.File(path, "w", libver="latest") as file:
        for part in parts:
            values = TENSORS[part["tensor"]][2]
            file.create_dataset(part["tensor"], data=numpy.concatenate([values[a:b] for a, b in part["ranges"]]))
    content = path.read_bytes()
    return {"name": path.name, "size": len(content), "xxh3": xxhash.xxh3_128_hexdigest(content), "parts": parts}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": "hone-checkpoint", "version": 2, "step": 8, "best_step": -1, "world_size": 2, "granule": 16,
        "layout": LAYOUT,
        "tensors": [{"name": name, "dtype": dtype, "per": per, "count": len(values)}
                    for name, (dtype, per, values) in TENSORS.items()],
        "files": [write_shard(rank) for rank in range(2)],
        "trainer": {"epoch": 0}, "config": {"train.seed": "42"}, "digests": {"data": "00ff"},
    }
    head = "{\n" + "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in manifest.items())
    digest = xxhash.xxh3_128_hexdigest(head.encode())
    (FOLDER / "manifest.json").write_text(f'{head}"xxh3": "{digest}"}}\n')


if __name__ == "__main__":
    main()
