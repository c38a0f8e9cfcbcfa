#pragma once
// Small exchanges between ranks on top of the communicator: lists of plain structs end to end in rank order,
// and work that all ranks either did or fail with the same error.
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/error.h"
#include "core/ports/communicator.h"

namespace hone::data {

std::vector<std::byte> gather_bytes(Communicator& comm, const std::vector<std::byte>& mine);

template <class T>
std::vector<T> gather_all(Communicator& comm, const std::vector<T>& mine) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::byte> bytes(mine.size() * sizeof(T));
  if (!mine.empty()) std::memcpy(bytes.data(), mine.data(), bytes.size());
  const std::vector<std::byte> all = gather_bytes(comm, bytes);
  std::vector<T> items(all.size() / sizeof(T));
  if (!items.empty()) std::memcpy(items.data(), all.data(), all.size());
  return items;
}

// What an error says without its error[CODE] lead, to be said again in another.
std::string text_of(const Error& error);

// Runs `work` on every rank. If it threw an Error anywhere, every rank throws that of the lowest such rank.
void together(Communicator& comm, const std::function<void()>& work);

}  // namespace hone::data
