#include "dist/launch_check.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/base/error.h"

namespace hone::dist {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

// The first of the most frequent.
std::int64_t most_frequent(const std::vector<std::int64_t>& values) {
  return *std::max_element(values.begin(), values.end(), [&](std::int64_t a, std::int64_t b) {
    return std::count(values.begin(), values.end(), a) < std::count(values.begin(), values.end(), b);
  });
}

std::vector<std::int64_t> gather(Communicator& communicator, std::int64_t own) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(communicator.world_size()));
  communicator
      .all_gather({&own, 1, CommType::i64},
                  {all.data(), static_cast<std::int64_t>(all.size()), CommType::i64})
      ->wait();
  return all;
}

}  // namespace

std::vector<std::string> gather_strings(Communicator& communicator, const std::string& own) {
  const std::vector<std::int64_t> sizes = gather(communicator, static_cast<std::int64_t>(own.size()));
  const std::int64_t width = *std::max_element(sizes.begin(), sizes.end());
  std::string padded = own;
  padded.resize(static_cast<std::size_t>(width));
  std::string all(static_cast<std::size_t>(width) * sizes.size(), '\0');
  communicator
      .all_gather({padded.data(), width, CommType::u8},
                  {all.data(), static_cast<std::int64_t>(all.size()), CommType::u8})
      ->wait();
  std::vector<std::string> texts;
  for (std::size_t r = 0; r < sizes.size(); ++r)
    texts.push_back(all.substr(r * static_cast<std::size_t>(width), static_cast<std::size_t>(sizes[r])));
  return texts;
}

void require_same(Communicator& communicator, std::string_view what, std::uint64_t digest) {
  const std::vector<std::int64_t> digests = gather(communicator, static_cast<std::int64_t>(digest));
  const std::int64_t usual = most_frequent(digests);
  if (std::count(digests.begin(), digests.end(), usual) == static_cast<std::ptrdiff_t>(digests.size()))
    return;
  const std::vector<std::string> hosts = gather_strings(communicator, host_name());
  std::string differing;
  for (std::size_t r = 0; r < digests.size(); ++r)
    if (digests[r] != usual)
      differing += (differing.empty() ? "" : ", ") + ("rank " + std::to_string(r) + " on " + hosts[r]);
  throw Error(Exit::usage, "MP004", std::string(what) + " differs", differing,
              "not the same as on the other ranks",
              "start the same program with the same options on all ranks");
}

}  // namespace hone::dist
