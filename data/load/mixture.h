#pragma once
// Several corpora drawn from by weights, without chance: draw n of the whole run belongs to a corpus, and to
// the nth draw of that corpus, by arithmetic alone. After any number of draws each corpus has been drawn from
// its exact share of times to less than one (Tijdeman, The chairman assignment problem, 1980).
#include <cstdint>
#include <string>
#include <vector>

namespace hone::data {

// data.weights as the least whole numbers in the same proportion: 0.7, 0.2, 0.1 are 7, 2, 1. Empty where none
// is given. DS021 (exit 2) where they are not one number of at least 0 an input, not all 0.
std::vector<std::int64_t> mixture_weights(const std::vector<std::string>& weights, std::size_t inputs);

class Mixture {
 public:
  explicit Mixture(const std::vector<std::int64_t>& weights);  // of corpora; at least one above 0

  struct Turn {
    std::int64_t corpus = 0;
    std::int64_t nth = 0;  // draw of that corpus, from 0
  };
  Turn at(std::int64_t draw) const;
  // Draws, over all corpora, until corpus has been drawn from `count` > 0 times; its weight is above 0.
  std::int64_t draws_until(std::int64_t corpus, std::int64_t count) const;
  std::int64_t cycle() const { return std::ssize(cycle_); }  // draws after which the same turns come again

 private:
  struct Slot {
    std::uint32_t corpus, before;  // of this corpus' slots in the cycle
  };
  std::vector<std::int64_t> weights_;
  std::vector<Slot> cycle_;  // as many as the sum of the weights: corpus k has weights_[k] of them
};

}  // namespace hone::data
