#pragma once
// What `hone evaluate` scores: rows as they are trained on, or long texts in sliding windows.
#include <functional>

#include "core/train/evaluator.h"
#include "launcher/build_data.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// DS026 where no row has a token to score: its loss of 0 would be the best there is.
void require_targets(const data::SampleSet& held_out);

struct HeldOutSet {
  std::int64_t rows = 0;
  train::HeldOut bins;  // this rank's share; its samples are places in the set
  std::function<std::int64_t(std::int64_t place)> row_of;  // number of the input row
};

// Rows of data.eval, prepared where they are not yet; resolves train.micro_tokens. All ranks.
HeldOutSet held_out_rows(CommandContext& context, const TextTools& tools, Communicator& communicator);

// Each row of data.eval (of plain text alone: DS051) is one text, tokenized as it is, without an end token,
// and cut into windows of data.max_length tokens, `stride` apart (US052 where that is more); the windows are
// dealt to ranks.
HeldOutSet held_out_texts(const Config& config, std::int64_t stride, const TextTools& tools,
                          const Communicator& communicator);

}  // namespace hone::launcher
