#!/usr/bin/env python3
"""Writes events.bin, the event file of the rows in rows.jsonl, with TensorBoard's own record writer and messages.

    python tests/golden/tensorboard/make.py [EVENT FILE OR FOLDER]

Given an argument, prints instead what TensorBoard reads from it. The n-th event has the time 1700000000.25 + n / 2.
"""
import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = Path(__file__).resolve().parent


def events():
    yield Event(file_version="brain.Event:2")
    yield Event(step=300, session_log=SessionLog(status=SessionLog.START))
    for line in (HERE / "rows.jsonl").read_text().splitlines():
        row = json.loads(line)
        kind, step = row.pop("kind"), row.pop("step")
        values = [Summary.Value(tag=f"{kind}/{'learning_rate' if name == 'lr' else name}", simple_value=value)
                  for name, value in row.items() if not isinstance(value, str)]
        yield Event(step=step, summary=Summary(value=values))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
        accumulator.Reload()
        for tag in accumulator.Tags()["scalars"]:
            print(tag, [(e.step, e.value) for e in accumulator.Scalars(tag)])
    else:
        with open(HERE / "events.bin", "wb") as file:
            writer = RecordWriter(file)
            for n, event in enumerate(events()):
                event.wall_time = 1700000000.25 + n / 2
                writer.write(event.SerializeToString())
            writer.flush()
