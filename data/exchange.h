#pragma once
// Exchanges between ranks on top of the communicator: lists of plain structs end to end in rank order, and work
// that all ranks either did or fail with the same error.
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/error.h"
#include "core/ports/communicator.h"

namespace hone::data {

// The bytes of all ranks, on all ranks.
std::vector<std::byte> gather_bytes(Communicator& comm, const std::vector<std::byte>& mine);

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& items) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::byte> bytes(items.size() * sizeof(T));
  if (!items.empty()) std::memcpy(bytes.data(), items.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> items_of(const std::vector<std::byte>& bytes) {
  std::vector<T> items(bytes.size() / sizeof(T));
  if (!items.empty()) std::memcpy(items.data(), bytes.data(), bytes.size());
  return items;
}

template <class T>
std::vector<T> gather_all(Communicator& comm, const std::vector<T>& mine) {
  return items_of<T>(gather_bytes(comm, bytes_of(mine)));
}

// Part r of `parts` goes to rank r; what came for this rank, in the order of the ranks it came from.
std::vector<std::byte> exchange_bytes(Communicator& comm, const std::vector<std::vector<std::byte>>& parts);

template <class T>
std::vector<T> exchange_all(Communicator& comm, const std::vector<std::vector<T>>& parts) {
  std::vector<std::vector<std::byte>> bytes;
  for (const std::vector<T>& part : parts) bytes.push_back(bytes_of(part));
  return items_of<T>(exchange_bytes(comm, bytes));
}

// What an error says without its error[CODE] lead, to be said again in another.
std::string text_of(const Error& error);

// Runs `work` on every rank. If it threw an Error anywhere, every rank throws that of the lowest such rank.
void together(Communicator& comm, const std::function<void()>& work);

}  // namespace hone::data
