#pragma once
// Messages between all ranks of a group at once: the only thing asked of MPI. Every call is entered by all of
// them in the same order; waiting backs off so that a neighbour has the core. Channels of a session do not
// see each other's messages. Errors name ranks as the session counts them.
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "dist/mpi_session.h"

namespace hone::dist {

struct OutMessage {
  const void* data = nullptr;
  std::size_t bytes = 0;
};
struct InMessage {
  void* data = nullptr;
  std::size_t bytes = 0;
};

class MpiExchange {
 public:
  // `members`: the group's ranks in the session, ascending, this process among them; `channel` is theirs
  // alone. `abandoned` set by another thread ends a wait with MP006.
  MpiExchange(const MpiSession& session, std::vector<int> members, int channel,
              std::chrono::milliseconds deadline, const std::atomic<bool>& abandoned);

  int rank() const { return rank_; }
  int world_size() const { return static_cast<int>(members_.size()); }
  const std::vector<int>& members() const { return members_; }

  // out[r] goes to rank r, in[r] comes from rank r (the own entries are not looked at); each at most 2^31 - 1
  // bytes; empty messages are sent as well, so that whoever is silent is known by name. `kind` (0..7) tells
  // collectives apart, `what` describes this one in errors. Throws Error(Exit::peer): MP005 a rank was silent
  // for the deadline, MP002 MPI failed, MP007 a message of another length (ranks disagree).
  void exchange(int kind, const std::string& what, const std::vector<OutMessage>& out,
                const std::vector<InMessage>& in);

 private:
  void wait_all(const std::string& what, std::vector<MPI_Request>& requests,
                std::vector<MPI_Status>& statuses);
  void check_lengths(const std::string& what, const std::vector<InMessage>& in,
                     const std::vector<MPI_Status>& statuses) const;
  [[noreturn]] void fail(const std::string& what, int code, const std::vector<MPI_Status>& statuses) const;
  [[noreturn]] void give_up(const std::string& what, std::vector<MPI_Request>& requests);
  int peer_of(std::size_t request) const;
  std::string name_of(int rank) const;
  std::string here() const;

  const MpiSession& session_;
  const std::vector<int> members_;
  const int rank_;
  const std::chrono::milliseconds deadline_;
  const std::atomic<bool>& abandoned_;
  const int channel_;
};

}  // namespace hone::dist
