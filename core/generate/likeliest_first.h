#pragma once
// Ids from the likeliest down, the lowest first among equals; those ruled out (logit -infinity) are left out.
// The first takes time V, each next one log V. The logits are not owned and must not change meanwhile.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace hone::generate {

class LikeliestFirst {
 public:
  explicit LikeliestFirst(std::span<const float> logits) : logits_(logits) {
    for (std::size_t id = 0; id < logits.size(); ++id)
      if (logits[id] > -std::numeric_limits<float>::infinity())
        heap_.push_back(static_cast<std::int32_t>(id));
    std::make_heap(heap_.begin(), heap_.end(), LessLikely{logits_});
  }
  bool empty() const { return heap_.empty(); }
  std::int32_t next() {
    std::pop_heap(heap_.begin(), heap_.end(), LessLikely{logits_});
    const std::int32_t id = heap_.back();
    heap_.pop_back();
    return id;
  }
  const std::vector<std::int32_t>& left() const { return heap_; }  // in no order

 private:
  struct LessLikely {
    std::span<const float> logits;
    bool operator()(std::int32_t a, std::int32_t b) const {
      return logits[a] != logits[b] ? logits[a] < logits[b] : a > b;
    }
  };
  std::span<const float> logits_;
  std::vector<std::int32_t> heap_;
};

}  // namespace hone::generate
