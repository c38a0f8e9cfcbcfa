#include "data/exchange.h"

#include <algorithm>

namespace hone::data {
namespace {

constexpr std::int64_t kErrorText = 4096;

struct Outcome {
  std::int32_t failed = 0;
  std::int32_t exit = 0;
  char code[16] = {};
  char text[kErrorText] = {};
};

Outcome outcome_of(const Error& error) {
  Outcome outcome{1, static_cast<std::int32_t>(error.exit())};
  const std::string text = text_of(error);
  error.code().copy(outcome.code, sizeof outcome.code - 1);
  text.copy(outcome.text, sizeof outcome.text - 1);
  return outcome;
}

Outcome attempt(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const Error& error) {
    return outcome_of(error);
  } catch (const std::bad_alloc&) {
    return outcome_of(
        Error(Exit::memory, "DS018", "out of memory", "preparing data", "an allocation failed"));
  }
}

}  // namespace

std::string text_of(const Error& error) {
  std::string text = error.what();
  const std::string lead = "error[" + error.code() + "]: ";
  return text.starts_with(lead) ? text.substr(lead.size()) : text;
}

std::vector<std::byte> gather_bytes(Communicator& comm, const std::vector<std::byte>& mine) {
  const auto world = static_cast<std::size_t>(comm.world_size());
  std::int64_t size = static_cast<std::int64_t>(mine.size());
  std::vector<std::int64_t> sizes(world);
  comm.all_gather({&size, 1, CommType::i64}, {sizes.data(), static_cast<std::int64_t>(world), CommType::i64})
      ->wait();
  const std::int64_t largest = *std::max_element(sizes.begin(), sizes.end());
  if (largest == 0) return {};
  const auto stride = static_cast<std::size_t>(largest);
  std::vector<std::byte> padded = mine, all(stride * world), joined;
  padded.resize(stride);
  comm.all_gather({padded.data(), largest, CommType::u8},
                  {all.data(), static_cast<std::int64_t>(all.size()), CommType::u8})
      ->wait();
  for (std::size_t rank = 0; rank < world; ++rank)
    joined.insert(joined.end(), all.begin() + static_cast<std::ptrdiff_t>(rank * stride),
                  all.begin() + static_cast<std::ptrdiff_t>(rank * stride) + sizes[rank]);
  return joined;
}

std::vector<std::byte> exchange_bytes(Communicator& comm, const std::vector<std::vector<std::byte>>& parts) {
  const auto world = static_cast<std::size_t>(comm.world_size()), me = static_cast<std::size_t>(comm.rank());
  std::vector<std::int64_t> mine;
  for (const std::vector<std::byte>& part : parts) mine.push_back(std::ssize(part));
  const std::vector<std::int64_t> sizes = gather_all(comm, mine);  // [from, to]
  const std::int64_t largest = *std::max_element(sizes.begin(), sizes.end());
  if (largest == 0) return {};
  const auto stride = static_cast<std::size_t>(largest);
  std::vector<std::byte> out(stride * world), in(stride * world), joined;
  for (std::size_t to = 0; to < world; ++to)
    std::copy(parts[to].begin(), parts[to].end(), out.begin() + static_cast<std::ptrdiff_t>(to * stride));
  const auto count = static_cast<std::int64_t>(out.size());
  comm.all_to_all({out.data(), count, CommType::u8}, {in.data(), count, CommType::u8})->wait();
  for (std::size_t from = 0; from < world; ++from) {
    const auto part = in.begin() + static_cast<std::ptrdiff_t>(from * stride);
    joined.insert(joined.end(), part, part + sizes[from * world + me]);
  }
  return joined;
}

void together(Communicator& comm, const std::function<void()>& work) {
  std::vector<Outcome> mine{attempt(work)};
  if (!mine.front().failed) mine.clear();
  const std::vector<Outcome> failures = gather_all(comm, mine);
  if (failures.empty()) return;
  const Outcome& first = failures.front();
  throw Error(static_cast<Exit>(first.exit), first.code, first.text, {}, {});
}

}  // namespace hone::data
