#pragma once
// The collectives as exchanges of messages. Long buffers go in pieces, so that counts beyond 2^31 work and
// the scratch memory stays at about a piece. Sums are formed by one rank an element, in a tree over ranks, then
// distributed: every rank holds the same bits.
#include <cstddef>
#include <string>
#include <vector>

#include "dist/collective.h"
#include "dist/mpi_exchange.h"

namespace hone::dist {

class MpiCollectives {
 public:
  // `piece_bytes`: what a rank holds of one piece.
  MpiCollectives(MpiExchange& exchange, std::size_t piece_bytes)
      : exchange_(exchange), piece_bytes_(piece_bytes) {}
  // Blocks until done here. `what` describes the collective in errors.
  void run(const Collective& collective, const std::string& what);

 private:
  using Bytes = std::byte*;
  struct Cut {  // a buffer of `bytes` cut into one part for each rank
    std::vector<std::size_t> begin, size;
  };
  Cut cut(std::size_t elements, std::size_t element_size) const;
  std::size_t piece_elements(CommType type) const;

  void all_reduce(const Collective& collective);
  void reduce_scatter(const Collective& collective);
  void all_gather(const Collective& collective);
  void broadcast(const Collective& collective);
  void all_to_all(const Collective& collective);
  void barrier();

  // The own part of `piece`, given one part for each rank at parts[r], reduced over ranks into `out`.
  void reduce_own(const std::vector<OutMessage>& parts, void* out, const Collective& collective);
  void gather_parts(Bytes piece, const Cut& parts);
  void exchange(const std::vector<OutMessage>& out, const std::vector<InMessage>& in);

  MpiExchange& exchange_;
  const std::size_t piece_bytes_;
  std::vector<std::byte> scratch_;
  int kind_ = 0;
  std::string what_;
};

}  // namespace hone::dist
