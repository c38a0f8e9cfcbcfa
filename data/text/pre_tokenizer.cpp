#include "data/text/pre_tokenizer.h"

#include <algorithm>

namespace hone::data {
namespace {

struct Cut {
  Range range;
  bool match = false;
};

// The matches and what lies between them, in order.
void cover(const std::vector<Range>& matches, std::size_t size, bool invert, std::vector<Cut>& cuts) {
  std::size_t at = 0;
  for (const Range& match : matches) {
    if (at < match.begin) cuts.push_back({{at, match.begin}, invert});
    cuts.push_back({match, !invert});
    at = match.end;
  }
  if (at < size) cuts.push_back({{at, size}, invert});
}

// Joins each match that does not follow another to what stands before it in `cuts`.
template <class Extend>
std::vector<Cut> attach_matches(const std::vector<Cut>& cuts, Extend extend) {
  std::vector<Cut> out;
  bool previous = false;
  for (const Cut& cut : cuts) {
    if (cut.match && !previous && !out.empty())
      extend(out.back(), cut);
    else
      out.push_back(cut);
    previous = cut.match;
  }
  return out;
}

void apply(SplitBehavior behavior, std::vector<Cut>& cuts) {
  const auto append = [](Cut& to, const Cut& cut) { to.range.end = cut.range.end; };
  switch (behavior) {
    case SplitBehavior::isolated:
      break;
    case SplitBehavior::removed:
      std::erase_if(cuts, [](const Cut& cut) { return cut.match; });
      break;
    case SplitBehavior::merged_with_previous:
      cuts = attach_matches(cuts, append);
      break;
    case SplitBehavior::merged_with_next:
      std::reverse(cuts.begin(), cuts.end());
      cuts = attach_matches(cuts, [](Cut& to, const Cut& cut) { to.range.begin = cut.range.begin; });
      std::reverse(cuts.begin(), cuts.end());
      break;
    case SplitBehavior::contiguous: {
      std::vector<Cut> out;
      for (const Cut& cut : cuts) {
        if (!out.empty() && out.back().match == cut.match)
          append(out.back(), cut);
        else
          out.push_back(cut);
      }
      cuts = std::move(out);
      break;
    }
  }
}

}  // namespace

PreTokenizer::PreTokenizer(const std::vector<PreTokenizerStep>& steps, const std::string& where) {
  for (const PreTokenizerStep& step : steps) {
    Step made;
    switch (step.kind) {
      case PreTokenizerStep::Kind::digits:
        made.splitter = make_number_splitter();
        made.behavior = step.individual ? SplitBehavior::isolated : SplitBehavior::contiguous;
        break;
      case PreTokenizerStep::Kind::split:
        made.splitter =
            step.literal ? make_literal_splitter(step.pattern) : make_regex_splitter(step.pattern, where);
        made.behavior = step.behavior;
        made.invert = step.invert;
        break;
      case PreTokenizerStep::Kind::byte_level:
        if (step.use_regex) made.splitter = make_regex_splitter(std::string(kGpt2Pattern), where);
        made.add_prefix_space = step.add_prefix_space;
        break;
    }
    steps_.push_back(std::move(made));
  }
}

std::vector<Piece> PreTokenizer::cut(std::string_view text, std::deque<std::string>& storage) const {
  std::vector<Piece> pieces{{text, 0, false}}, next;
  std::vector<Range> matches;
  std::vector<Cut> cuts;
  for (const Step& step : steps_) {
    next.clear();
    for (Piece piece : pieces) {
      if (step.add_prefix_space && !piece.text.starts_with(' '))
        piece = {storage.emplace_back(1, ' ').append(piece.text), piece.begin, true};
      if (!step.splitter) {
        next.push_back(piece);
        continue;
      }
      matches.clear();
      cuts.clear();
      step.splitter->find(piece.text, matches);
      cover(matches, piece.text.size(), step.invert, cuts);
      apply(step.behavior, cuts);
      for (const auto& [range, match] : cuts) {
        if (range.begin == range.end) continue;
        next.push_back({piece.text.substr(range.begin, range.end - range.begin), piece.source(range.begin),
                        piece.prefixed && range.begin == 0});
      }
    }
    pieces.swap(next);
  }
  return pieces;
}

}  // namespace hone::data
