#pragma once
// Porter's stemmer ("An algorithm for suffix stripping", 1980) with the changes that NLTK makes to it, which
// is what rouge-score uses: a table of irregular words, ies and ied in short words, y after a consonant only,
// alli before abli, fulli and logi, and words of one or two letters as they are.
#include <string>

namespace hone::eval {

// `word`: lower-case ASCII letters and digits.
std::string porter_stem(const std::string& word);

}  // namespace hone::eval
