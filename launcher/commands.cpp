#include "launcher/commands.h"

#include "launcher/options/command_options.h"

namespace hone::launcher {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {.name = "inspect",
       .line = "what is in a model, a text, chat rows, prepared data or a checkpoint",
       .arguments = "model|tokens|chat|data|checkpoint [DIR]",
       .sections = {"model", "data"},
       .examples = {"hone inspect model --model.path SmolLM2-135M-Instruct.gguf",
                    "hone inspect tokens --model.path MODEL --input text.txt --special false",
                    "hone inspect chat --model.path MODEL --input rows.jsonl --data.template chatml",
                    "hone inspect data PREPARED", "hone inspect checkpoint RUN/checkpoints/step-00000100"},
       .options = ExtraOptions::of<InspectOptions>,
       .run = run_inspect},
      {.name = "report",
       .line = "one HTML page with curves, results and config of a run, or of several side by side",
       .arguments = "RUN...",
       .examples = {"hone report runs/first", "hone report runs/first runs/second --output both.html"},
       .options = ExtraOptions::of<ReportOptions>,
       .run = run_report},
  };
  return table;
}

}  // namespace hone::launcher
