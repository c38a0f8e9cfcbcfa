#include "core/ports/token_batch.h"

namespace hone {

TargetRows target_rows(const TokenBatch& batch) {
  TargetRows rows;
  for (std::int64_t s = 0; s < batch.sequence_count(); ++s) {
    for (std::int64_t t = batch.cu_seqlens[s] + 1; t < batch.cu_seqlens[s + 1]; ++t) {
      if (!batch.supervised[t]) continue;
      rows.row.push_back(t - 1);
      rows.target.push_back(batch.tokens[t]);
      rows.sequence.push_back(s);
    }
  }
  return rows;
}

}  // namespace hone
