#include "dist/host_collectives.h"

#include <algorithm>
#include <vector>

#include "dist/reduce.h"

namespace hone::dist {
namespace {

std::byte* element(const CommBuffer& buffer, std::int64_t index) {
  return static_cast<std::byte*>(buffer.data) + static_cast<std::size_t>(index) * size_of(buffer.type);
}

void reduce_range(std::span<const Collective> of_rank, void* out, std::int64_t begin, std::int64_t count) {
  if (count == 0) return;
  std::vector<const void*> parts;
  for (const Collective& collective : of_rank) parts.push_back(element(collective.input, begin));
  reduce_parts(out, parts, count, of_rank[0].input.type, of_rank[0].op);
}

void all_reduce(std::span<const Collective> of_rank) {
  const CommBuffer& first = of_rank[0].output;
  reduce_range(of_rank, first.data, 0, first.count);
  for (const Collective& other : of_rank.subspan(1))
    copy_bytes(other.output.data, first.data, bytes_of(first));
}

void reduce_scatter(std::span<const Collective> of_rank) {
  const std::int64_t part = of_rank[0].output.count;
  for (std::size_t r = 0; r < of_rank.size(); ++r)
    reduce_range(of_rank, of_rank[r].output.data, static_cast<std::int64_t>(r) * part, part);
}

void all_gather(std::span<const Collective> of_rank) {
  for (const Collective& to : of_rank)
    for (std::size_t r = 0; r < of_rank.size(); ++r) {
      const CommBuffer& from = of_rank[r].input;
      copy_bytes(element(to.output, static_cast<std::int64_t>(r) * from.count), from.data, bytes_of(from));
    }
}

void broadcast(std::span<const Collective> of_rank) {
  const CommBuffer& from = of_rank[static_cast<std::size_t>(of_rank[0].root)].input;
  for (const Collective& to : of_rank) copy_bytes(to.output.data, from.data, bytes_of(from));
}

void all_to_all(std::span<const Collective> of_rank) {
  const auto ranks = static_cast<std::int64_t>(of_rank.size());
  const std::int64_t part = of_rank[0].input.count / ranks;
  const std::size_t bytes = bytes_of(of_rank[0].input) / of_rank.size();
  for (std::int64_t from = 0; from < ranks; ++from)
    for (std::int64_t to = 0; to < ranks; ++to)
      copy_bytes(element(of_rank[to].output, from * part), element(of_rank[from].input, to * part), bytes);
}

bool same_call(const Collective& a, const Collective& b) {
  return a.kind == b.kind && a.op == b.op && a.root == b.root && a.input.count == b.input.count &&
         a.input.type == b.input.type;
}

}  // namespace

std::string disagreement(std::span<const Collective> of_rank) {
  for (std::size_t r = 1; r < of_rank.size(); ++r)
    if (!same_call(of_rank[0], of_rank[r]))
      return "rank 0 calls " + describe(of_rank[0]) + ", rank " + std::to_string(r) + " " +
             describe(of_rank[r]);
  return {};
}

void perform(std::span<const Collective> of_rank) {
  switch (of_rank[0].kind) {
    case CollectiveKind::all_reduce:
      return all_reduce(of_rank);
    case CollectiveKind::reduce_scatter:
      return reduce_scatter(of_rank);
    case CollectiveKind::all_gather:
      return all_gather(of_rank);
    case CollectiveKind::broadcast:
      return broadcast(of_rank);
    case CollectiveKind::all_to_all:
      return all_to_all(of_rank);
    case CollectiveKind::barrier:
      return;
  }
}

}  // namespace hone::dist
