#pragma once
// Seeded random damage for readers of files that nobody vouches for, in process: a reader refuses a variant
// with one Error of the right exit code, or what it accepts is whole. It never crashes, hangs or reads past
// the end (the sanitizer build watches). scripts/fuzz.sh runs these tests with 5,000 variants a format and
// collects what they print.
#include <gtest/gtest.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/philox.h"

namespace hone::mutation {

// HONE_MUTATIONS variants a format; few by default, so that the plain suite stays quick.
inline std::uint32_t rounds() {
  const char* text = std::getenv("HONE_MUTATIONS");
  return text ? static_cast<std::uint32_t>(std::atoi(text)) : 300;
}

// The random numbers of one variant: a pure function of its round. Round 0 is the file as it was.
class Dice {
 public:
  explicit Dice(std::uint32_t round) : round_(round) {}
  std::uint32_t word() { return philox({round_, at_++, 0, 0}, philox_key(2024))[0]; }
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : word() % limit; }
  std::size_t edits(std::size_t most) { return round_ == 0 ? 0 : 1 + below(most); }

 private:
  std::uint32_t round_, at_ = 0;
};

// Numbers and pieces of text on which readers stumble.
inline constexpr std::array<std::uint64_t, 12> kNumbers{
    0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ull << 61, 1ull << 63, ~0ull};
inline const std::vector<std::string>& pieces() {
  static const std::vector<std::string> list{"-1",
                                             "null",
                                             "1e999",
                                             "\"",
                                             "[",
                                             "]",
                                             "{",
                                             "}",
                                             ",",
                                             ":",
                                             "0",
                                             "18446744073709551616",
                                             "\n",
                                             "../",
                                             "\xff",
                                             "\\u",
                                             "=",
                                             "#",
                                             "true",
                                             "-0.0",
                                             std::string(1, '\0'),
                                             std::string(200, '['),
                                             std::string(300, '9')};
  return list;
}

// One edit of the bytes, 7 of 8 times within the first `structure`, where what a reader trusts least stands.
inline void edit(std::string& bytes, std::size_t structure, Dice& dice) {
  if (bytes.empty()) bytes.push_back('\0');
  const std::size_t at = dice.below(dice.below(8) ? std::min(structure, bytes.size()) : bytes.size());
  switch (dice.below(8)) {
    case 0:
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.below(8)));
      break;
    case 2:
      bytes[at] = static_cast<char>(dice.word());
      break;
    case 3: {
      std::uint64_t number = kNumbers[dice.below(kNumbers.size())];
      for (std::size_t i = at; i < std::min(bytes.size(), at + (std::size_t{1} << dice.below(4)));
           ++i, number >>= 8)
        bytes[i] = static_cast<char>(number);
      break;
    }
    case 4:
      bytes.erase(at, 1 + dice.below(16));
      break;
    case 5:
      bytes.insert(at, bytes.substr(dice.below(bytes.size()), 1 + dice.below(64)));
      break;
    case 6:
      bytes.insert(at, pieces()[dice.below(pieces().size())]);
      break;
    default:
      if (dice.below(4) == 0)
        bytes.resize(at);
      else
        bytes.replace(at, 1, pieces()[dice.below(pieces().size())]);
  }
}

// One to four edits.
inline std::string damaged(std::string bytes, std::uint32_t round, std::size_t structure = ~std::size_t{0}) {
  Dice dice(round);
  for (std::size_t left = dice.edits(4); left > 0; --left) edit(bytes, structure, dice);
  return bytes;
}

// A value somewhere in `json`: down by random children, so that a long list weighs no more than its
// neighbours.
inline Json& random_value(Json& json, Dice& dice) {
  Json* value = &json;
  while (value->is_structured() && !value->empty() && (value == &json || dice.below(4)))
    value = &*std::next(value->begin(), static_cast<std::ptrdiff_t>(dice.below(value->size())));
  return *value;
}

// A JSON text whose syntax stays right: one to three of its values are gone or have become something else.
inline std::string damaged_json(const std::string& good, std::uint32_t round) {
  Json json = Json::parse(good);
  Dice dice(round);
  for (std::size_t left = dice.edits(3); left > 0; --left) {
    const Json values[] = {nullptr,
                           true,
                           -1,
                           0,
                           1.5,
                           1e308,
                           "",
                           "../x",
                           std::string(70'000, 'x'),
                           Json::array(),
                           Json::object(),
                           kNumbers[dice.below(kNumbers.size())],
                           random_value(json, dice)};
    Json& value = random_value(json, dice);
    if (value.is_structured() && !value.empty() && dice.below(2))
      value.erase(std::next(value.begin(), static_cast<std::ptrdiff_t>(dice.below(value.size()))));
    else
      value = values[dice.below(std::size(values))];
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Half of the rounds damage the text, half the values.
inline std::string damaged_text_or_json(const std::string& good, std::uint32_t round) {
  return round % 2 ? damaged(good, round) : damaged_json(good, round);
}

struct Tally {
  int accepted = 0, refused = 0;
};

inline double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Whether `read` accepts variant `round`; a refusal must be one Error of one line with this exit.
inline bool accepts(const std::function<void(std::uint32_t round)>& read, std::uint32_t round, Exit exit) {
  try {
    read(round);
    return true;
  } catch (const Error& error) {
    const std::string line = error.what();
    EXPECT_EQ(static_cast<int>(error.exit()), static_cast<int>(exit)) << "round " << round << ": " << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << "round " << round << ": " << line;
    EXPECT_TRUE(line.starts_with("error[")) << "round " << round << ": " << line;
  } catch (const std::exception& other) {
    ADD_FAILURE() << "round " << round << ": " << other.what();
  }
  return false;
}

// Runs `read`, which makes variant `round` and reads it, over all rounds; the undamaged one must be accepted.
inline Tally run(const char* format, const std::function<void(std::uint32_t round)>& read,
                 Exit exit = Exit::input) {
  Tally tally;
  double slowest = 0;
  EXPECT_TRUE(accepts(read, 0, exit));
  for (std::uint32_t round = 1; round <= rounds(); ++round) {
    const double before = cpu_seconds();
    ++(accepts(read, round, exit) ? tally.accepted : tally.refused);
    const double took = cpu_seconds() - before;
    EXPECT_LT(took, 1.0) << "round " << round;
    slowest = std::max(slowest, took);
  }
  std::printf("mutations: %-24s %6u  accepted %5d  refused %5d  slowest %4.0f ms\n", format, rounds(),
              tally.accepted, tally.refused, slowest * 1e3);
  EXPECT_GT(tally.refused, 0);
  return tally;
}

}  // namespace hone::mutation
