#include "checkpoint/together.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

// The first byte of an exchanged text: 0, or the exit code of the failure that the rest describes.
std::string outcome_of(const std::function<std::string()>& local) {
  const auto failed = [](Exit exit, const std::string& reason) {
    return std::string(1, char(exit)).append(reason);
  };
  try {
    return std::string(1, '\0').append(local());
  } catch (const Error& error) {
    const std::string line = error.what(), prefix = "error[" + error.code() + "]: ";
    return failed(error.exit(), line.substr(line.starts_with(prefix) ? prefix.size() : 0));
  } catch (const std::bad_alloc&) {
    return failed(Exit::memory, "out of memory");
  } catch (const std::exception& error) {
    return failed(Exit::internal, error.what());
  }
}

std::vector<std::string> gather_texts(Communicator& communicator, const std::string& mine) {
  const std::size_t world = static_cast<std::size_t>(communicator.world_size());
  std::int64_t length = static_cast<std::int64_t>(mine.size());
  std::vector<std::int64_t> lengths(world);
  communicator.all_gather({&length, 1, CommType::i64}, {lengths.data(), std::ssize(lengths), CommType::i64})
      ->wait();
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  std::string padded = mine, all(world * static_cast<std::size_t>(longest), '\0');
  padded.resize(static_cast<std::size_t>(longest));
  communicator
      .all_gather({padded.data(), longest, CommType::u8}, {all.data(), std::ssize(all), CommType::u8})
      ->wait();
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < world; ++rank)
    texts.push_back(
        all.substr(rank * static_cast<std::size_t>(longest), static_cast<std::size_t>(lengths[rank])));
  return texts;
}

}  // namespace

std::vector<std::string> together(Communicator& communicator, const std::function<std::string()>& local,
                                  const char* code, const char* what, const std::string& where) {
  std::vector<std::string> texts = gather_texts(communicator, outcome_of(local));
  for (std::size_t rank = 0; rank < texts.size(); ++rank) {
    const int exit = texts[rank].front();
    if (exit != 0) {
      const std::string who = texts.size() > 1 ? fmt::format("rank {}: ", rank) : "";
      throw Error(static_cast<Exit>(exit), code, what, where, who + texts[rank].substr(1));
    }
    texts[rank].erase(0, 1);
  }
  return texts;
}

}  // namespace hone::checkpoint
