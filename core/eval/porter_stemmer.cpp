#include "core/eval/porter_stemmer.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

namespace hone::eval {
namespace {

// A letter 'c' (consonant) or 'v' (vowel) for each of the word's; y is a vowel after a consonant.
std::string shape_of(std::string_view word) {
  std::string shape;
  for (const char letter : word) {
    const bool always = std::string_view("aeiou").find(letter) != std::string_view::npos;
    shape += always || (letter == 'y' && shape.ends_with('c')) ? 'v' : 'c';
  }
  return shape;
}

// Porter's m: how often a consonant follows a vowel.
int measure(std::string_view word) {
  const std::string shape = shape_of(word);
  int count = 0;
  for (std::size_t at = 0; (at = shape.find("vc", at)) != std::string::npos; ++at) ++count;
  return count;
}

bool has_vowel(std::string_view word) { return shape_of(word).find('v') != std::string::npos; }

bool ends_in_double_consonant(std::string_view word) {
  return word.size() >= 2 && word.back() == word[word.size() - 2] && shape_of(word).back() == 'c';
}

// Ends short, as hop and wil do, so that it lost an e.
bool ends_short(std::string_view word) {
  const std::string shape = shape_of(word);
  if (shape == "vc") return true;
  return shape.ends_with("cvc") && std::string_view("wxy").find(word.back()) == std::string_view::npos;
}

std::string without_end(const std::string& word, std::size_t letters) {
  return word.substr(0, word.size() - letters);
}

struct Rule {
  std::string_view suffix, replacement;
};

// The first suffix that fits decides: it is replaced where `may(stem, rule)`.
template <class May>
std::string apply(const std::string& word, std::span<const Rule> rules, May&& may) {
  for (const Rule& rule : rules) {
    if (!word.ends_with(rule.suffix)) continue;
    const std::string stem = without_end(word, rule.suffix.size());
    return may(stem, rule) ? stem + std::string(rule.replacement) : word;
  }
  return word;
}

std::string plural(const std::string& word) {  // step 1a
  static constexpr Rule kRules[] = {{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}};
  if (word.size() == 4 && word.ends_with("ies")) return without_end(word, 1);
  return apply(word, kRules, [](const std::string&, const Rule&) { return true; });
}

// What -ed or -ing was taken from becomes a word again.
std::string mended(const std::string& stem) {
  for (const char* end : {"at", "bl", "iz"})
    if (stem.ends_with(end)) return stem + "e";
  if (ends_in_double_consonant(stem))
    return std::string_view("lsz").find(stem.back()) == std::string_view::npos ? without_end(stem, 1) : stem;
  return measure(stem) == 1 && ends_short(stem) ? stem + "e" : stem;
}

std::string past_and_progressive(const std::string& word) {  // step 1b
  if (word.ends_with("ied")) return without_end(word, word.size() == 4 ? 1 : 2);
  if (word.ends_with("eed")) return measure(without_end(word, 3)) > 0 ? without_end(word, 1) : word;
  for (const std::string_view end : {"ed", "ing"}) {
    if (!word.ends_with(end)) continue;
    const std::string stem = without_end(word, end.size());
    if (has_vowel(stem)) return mended(stem);
  }
  return word;
}

std::string final_y(const std::string& word) {  // step 1c
  if (!word.ends_with('y')) return word;
  const std::string stem = without_end(word, 1);
  return stem.size() > 1 && shape_of(stem).back() == 'c' ? stem + "i" : word;
}

std::string double_suffix(const std::string& word) {  // step 2
  static constexpr Rule kRules[] = {
      {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
      {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
      {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
      {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
      {"fulli", "ful"},   {"logi", "log"}};
  if (word.ends_with("alli") && measure(without_end(word, 4)) > 0) return double_suffix(without_end(word, 2));
  return apply(word, kRules, [](const std::string& stem, const Rule& rule) {
    return measure(rule.suffix == "logi" ? stem + "l" : stem) > 0;
  });
}

std::string suffix_after_one(const std::string& word) {  // step 3
  static constexpr Rule kRules[] = {{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
                                    {"ical", "ic"},  {"ful", ""},   {"ness", ""}};
  return apply(word, kRules, [](const std::string& stem, const Rule&) { return measure(stem) > 0; });
}

std::string suffix_after_two(const std::string& word) {  // step 4
  static constexpr Rule kRules[] = {{"al", ""},   {"ance", ""}, {"ence", ""}, {"er", ""},    {"ic", ""},
                                    {"able", ""}, {"ible", ""}, {"ant", ""},  {"ement", ""}, {"ment", ""},
                                    {"ent", ""},  {"ion", ""},  {"ou", ""},   {"ism", ""},   {"ate", ""},
                                    {"iti", ""},  {"ous", ""},  {"ive", ""},  {"ize", ""}};
  return apply(word, kRules, [](const std::string& stem, const Rule& rule) {
    return measure(stem) > 1 && (rule.suffix != "ion" || stem.ends_with('s') || stem.ends_with('t'));
  });
}

std::string final_e_and_l(const std::string& word) {  // step 5
  std::string out = word;
  if (word.ends_with('e')) {
    const std::string stem = without_end(word, 1);
    const int m = measure(stem);
    if (m > 1 || (m == 1 && !ends_short(stem))) out = stem;
  }
  return out.ends_with("ll") && measure(without_end(out, 1)) > 1 ? without_end(out, 1) : out;
}

}  // namespace

std::string porter_stem(const std::string& word) {
  static const std::map<std::string_view, const char*> kIrregular = {
      {"sky", "sky"},        {"skies", "sky"},       {"dying", "die"},        {"lying", "lie"},
      {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
      {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
  if (const auto found = kIrregular.find(word); found != kIrregular.end()) return found->second;
  if (word.size() <= 2) return word;
  std::string stem = word;
  for (const auto step : {plural, past_and_progressive, final_y, double_suffix, suffix_after_one,
                          suffix_after_two, final_e_and_l})
    stem = step(stem);
  return stem;
}

}  // namespace hone::eval
