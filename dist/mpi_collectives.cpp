#include "dist/mpi_collectives.h"

#include <algorithm>

#include "dist/reduce.h"

namespace hone::dist {
namespace {

std::byte* bytes(const CommBuffer& buffer) { return static_cast<std::byte*>(buffer.data); }

}  // namespace

void MpiCollectives::run(const Collective& collective, const std::string& what) {
  kind_ = static_cast<int>(collective.kind);
  what_ = what;
  switch (collective.kind) {
    case CollectiveKind::all_reduce:
      return all_reduce(collective);
    case CollectiveKind::reduce_scatter:
      return reduce_scatter(collective);
    case CollectiveKind::all_gather:
      return all_gather(collective);
    case CollectiveKind::broadcast:
      return broadcast(collective);
    case CollectiveKind::all_to_all:
      return all_to_all(collective);
    case CollectiveKind::barrier:
      return barrier();
  }
}

void MpiCollectives::exchange(const std::vector<OutMessage>& out, const std::vector<InMessage>& in) {
  exchange_.exchange(kind_, what_, out, in);
}

MpiCollectives::Cut MpiCollectives::cut(std::size_t elements, std::size_t element_size) const {
  const auto ranks = static_cast<std::size_t>(exchange_.world_size());
  Cut parts;
  for (std::size_t r = 0; r < ranks; ++r) {
    const std::size_t begin = elements * r / ranks, end = elements * (r + 1) / ranks;
    parts.begin.push_back(begin * element_size);
    parts.size.push_back((end - begin) * element_size);
  }
  return parts;
}

std::size_t MpiCollectives::piece_elements(CommType type) const {
  return std::max<std::size_t>(1, piece_bytes_ / size_of(type));
}

void MpiCollectives::reduce_own(const std::vector<OutMessage>& parts, void* out,
                                const Collective& collective) {
  const auto ranks = parts.size();
  const auto own = static_cast<std::size_t>(exchange_.rank());
  const std::size_t size = parts[own].bytes;
  scratch_.resize(size * ranks);
  std::vector<InMessage> in(ranks);
  std::vector<const void*> received(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    in[r] = {scratch_.data() + r * size, size};
    received[r] = r == own ? parts[own].data : in[r].data;
  }
  exchange(parts, in);
  if (size == 0) return;
  const CommType type = collective.input.type;
  reduce_parts(out, received, static_cast<std::int64_t>(size / size_of(type)), type, collective.op);
}

void MpiCollectives::gather_parts(Bytes piece, const Cut& parts) {
  const auto own = static_cast<std::size_t>(exchange_.rank());
  std::vector<OutMessage> out(parts.size.size(), {piece + parts.begin[own], parts.size[own]});
  std::vector<InMessage> in;
  for (std::size_t r = 0; r < out.size(); ++r) in.push_back({piece + parts.begin[r], parts.size[r]});
  exchange(out, in);
}

void MpiCollectives::all_reduce(const Collective& collective) {
  const CommBuffer& buffer = collective.output;
  const std::size_t width = size_of(buffer.type), total = static_cast<std::size_t>(buffer.count);
  const std::size_t step = piece_elements(buffer.type);
  const auto own = static_cast<std::size_t>(exchange_.rank());
  std::size_t begin = 0;
  do {
    const Bytes piece = bytes(buffer) + begin * width;
    const Cut parts = cut(std::min(step, total - begin), width);
    std::vector<OutMessage> out;
    for (std::size_t r = 0; r < parts.size.size(); ++r)
      out.push_back({piece + parts.begin[r], parts.size[r]});
    reduce_own(out, piece + parts.begin[own], collective);
    gather_parts(piece, parts);
    begin += step;
  } while (begin < total);
}

void MpiCollectives::reduce_scatter(const Collective& collective) {
  const auto ranks = static_cast<std::size_t>(exchange_.world_size());
  const std::size_t width = size_of(collective.input.type), part = bytes_of(collective.output);
  const std::size_t step = std::max<std::size_t>(1, piece_elements(collective.input.type) / ranks) * width;
  std::size_t begin = 0;
  do {
    const std::size_t size = std::min(step, part - begin);
    std::vector<OutMessage> out;
    for (std::size_t r = 0; r < ranks; ++r) out.push_back({bytes(collective.input) + r * part + begin, size});
    reduce_own(out, bytes(collective.output) + begin, collective);
    begin += step;
  } while (begin < part);
}

void MpiCollectives::all_gather(const Collective& collective) {
  const auto ranks = static_cast<std::size_t>(exchange_.world_size());
  const std::size_t part = bytes_of(collective.input);
  copy_bytes(bytes(collective.output) + part * static_cast<std::size_t>(exchange_.rank()),
             collective.input.data, part);
  std::size_t begin = 0;
  do {
    const std::size_t size = std::min(piece_bytes_, part - begin);
    const std::vector<OutMessage> out(ranks, {bytes(collective.input) + begin, size});
    std::vector<InMessage> in;
    for (std::size_t r = 0; r < ranks; ++r) in.push_back({bytes(collective.output) + r * part + begin, size});
    exchange(out, in);
    begin += piece_bytes_;
  } while (begin < part);
}

// The root deals out parts, then all ranks gather them: nobody sends more than twice the buffer.
void MpiCollectives::broadcast(const Collective& collective) {
  const auto root = static_cast<std::size_t>(collective.root),
             own = static_cast<std::size_t>(exchange_.rank());
  const std::size_t total = bytes_of(collective.output);
  std::size_t begin = 0;
  do {
    const Bytes piece = bytes(collective.output) + begin;
    const Cut parts = cut(std::min(piece_bytes_, total - begin), 1);
    std::vector<OutMessage> out(parts.size.size());
    std::vector<InMessage> in(parts.size.size());
    for (std::size_t r = 0; own == root && r < out.size(); ++r)
      out[r] = {piece + parts.begin[r], parts.size[r]};
    if (own != root) in[root] = {piece + parts.begin[own], parts.size[own]};
    exchange(out, in);
    gather_parts(piece, parts);
    begin += piece_bytes_;
  } while (begin < total);
}

void MpiCollectives::all_to_all(const Collective& collective) {
  const auto ranks = static_cast<std::size_t>(exchange_.world_size());
  const auto own = static_cast<std::size_t>(exchange_.rank());
  const std::size_t part = bytes_of(collective.input) / ranks;
  copy_bytes(bytes(collective.output) + own * part, bytes(collective.input) + own * part, part);
  std::size_t begin = 0;
  do {
    const std::size_t size = std::min(piece_bytes_, part - begin);
    std::vector<OutMessage> out;
    std::vector<InMessage> in;
    for (std::size_t r = 0; r < ranks; ++r) {
      out.push_back({bytes(collective.input) + r * part + begin, size});
      in.push_back({bytes(collective.output) + r * part + begin, size});
    }
    exchange(out, in);
    begin += piece_bytes_;
  } while (begin < part);
}

void MpiCollectives::barrier() {
  const auto ranks = static_cast<std::size_t>(exchange_.world_size());
  exchange(std::vector<OutMessage>(ranks), std::vector<InMessage>(ranks));
}

}  // namespace hone::dist
