#include "launcher/commands.h"

#include "launcher/options/command_options.h"

namespace hone::launcher {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {.name = "prepare",
       .line = "raw rows to HDF5 shards, on all ranks, with a lint report",
       .sections = {"model", "data"},
       .examples = {"mpirun -n 8 hone prepare --model.path MODEL --data.train rows.jsonl --output prepared"},
       .options = ExtraOptions::of<PrepareOptions>,
       .run = run_prepare},
      {.name = "train",
       .line = "fine-tune a model; run the same command again to go on after a stop",
       .sections = {"model", "adapter", "objective", "data", "train", "optim", "schedule", "dist", "run"},
       .examples =
           {"hone train --model.path MODEL --adapter.type lora --data.train rows.jsonl --run.dir runs/first",
            "mpirun -n 2 hone train --config configs/sft/smollm2_qlora.cfg --train.seed 7",
            "hone train --config configs/sft/smollm2_qlora.cfg --dry-run"},
       .options = ExtraOptions::of<TrainCommandOptions>,
       .run = run_train},
      {.name = "evaluate",
       .line = "loss, perplexity and generated answers of a model on held-out rows",
       .sections = {"model", "objective", "data", "train.micro_tokens", "run"},
       .examples = {"hone evaluate --model.path MODEL --data.eval test.jsonl --per_example scores.jsonl",
                    "mpirun -n 2 hone evaluate --model.path MODEL --model.adapters RUN/adapter --data.eval "
                    "test.jsonl "
                    "--compare true --run.dir RUN",
                    "hone evaluate --model.path MODEL --data.eval book.jsonl --stride 512"},
       .options = ExtraOptions::of<EvaluateOptions>,
       .run = run_evaluate},
      {.name = "generate",
       .line = "answers to prompts or chats, greedy or sampled; a conversation",
       .sections = {"model", "data"},
       .examples = {"hone generate --model.path MODEL --prompt \"Hello\" --chat true --max_new_tokens 40",
                    "hone generate --model.path MODEL --chat true --temperature 0.7 --top_p 0.9",
                    "hone generate --model.path MODEL --model.adapters RUN/adapter --input prompts.jsonl "
                    "--json true"},
       .options = ExtraOptions::of<GenerateOptions>,
       .run = run_generate},
      {.name = "merge",
       .line = "fold adapters into a model, with the measured logit error",
       .sections = {"model"},
       .examples = {"hone merge --model.path MODEL --model.adapters RUN/adapter --output merged"},
       .options = ExtraOptions::of<MergeOptions>,
       .run = run_merge},
      {.name = "convert",
       .line = "GGUF to a Hugging Face folder; quantise to bitsandbytes' NF4",
       .sections = {"model"},
       .examples = {"hone convert --model.path MODEL.gguf --output folder",
                    "hone convert --model.path MODEL --output folder-nf4 --quantize nf4"},
       .options = ExtraOptions::of<ConvertOptions>,
       .run = run_convert},
      {.name = "inspect",
       .line = "what is in a model, a text, chat rows, prepared data or a checkpoint",
       .arguments = "model|tokens|chat|data|checkpoint [DIR]",
       .sections = {"model", "data"},
       .examples = {"hone inspect model SmolLM2-135M-Instruct.gguf",
                    "hone inspect tokens --model.path MODEL --input text.txt --special false",
                    "hone inspect chat --model.path MODEL --input rows.jsonl --data.template chatml",
                    "hone inspect data PREPARED", "hone inspect checkpoint RUN/checkpoints/step-00000100"},
       .options = ExtraOptions::of<InspectOptions>,
       .run = run_inspect},
      {.name = "plan",
       .line = "memory, communication, time and disk of a training run on any number of ranks, before it is "
               "there",
       .sections = {"model", "adapter", "data.max_length", "train", "optim", "dist"},
       .examples =
           {"hone plan --model.path configs/models/llama3_8b --ranks 64 --dist.zero 3 --train.batch_tokens "
            "4194304 "
            "--train.micro_tokens 8192 --data.max_length 8192 --machine configs/machines/h100_node.cfg",
            "hone plan --config configs/sft/llama3_8b_qlora.cfg --model.path configs/models/llama3_8b "
            "--gpu_memory_gib 24"},
       .options = ExtraOptions::of<PlanOptions>,
       .run = run_plan},
      {.name = "report",
       .line = "one HTML page with curves, results and config of a run, or of several side by side",
       .arguments = "RUN...",
       .examples = {"hone report runs/first", "hone report runs/first runs/second --output both.html",
                    "hone report runs/first --watch true"},
       .options = ExtraOptions::of<ReportOptions>,
       .run = run_report},
      {.name = "completion",
       .line = "a completion script for a shell",
       .arguments = "bash|zsh|fish",
       .examples = {"hone completion bash"},
       .run = run_completion},
      {.name = "man",
       .line = "manual pages, and all options on one page",
       .arguments = "[COMMAND]",
       .examples = {"hone man train", "hone man --format markdown", "hone man --output share/man/man1"},
       .options = ExtraOptions::of<ManualOptions>,
       .run = run_manual},
  };
  return table;
}

}  // namespace hone::launcher
