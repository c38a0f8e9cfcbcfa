#include "dist/mpi_exchange.h"

#include <algorithm>

#include "core/base/error.h"
#include "dist/backoff.h"
#include "dist/mpi_error.h"

namespace hone::dist {
namespace {

constexpr int kKinds = 8;
constexpr const char* kBugHint = "this is a bug in hone";
constexpr const char* kHangHint = "the rank named hung or is much slower; dist.timeout_s sets the limit";

std::string seconds(std::chrono::milliseconds duration) {
  std::string text = std::to_string(static_cast<double>(duration.count()) / 1000.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace

// Requests are laid out receive, send, receive, send ... over the other ranks in order.
int MpiExchange::peer_of(std::size_t request) const {
  const int other = static_cast<int>(request / 2);
  return other < rank() ? other : other + 1;
}

std::string MpiExchange::name_of(int rank) const {
  return "rank " + std::to_string(members_[static_cast<std::size_t>(rank)]);
}

std::string MpiExchange::here() const { return name_of(rank_) + " on " + session_.host(); }

MpiExchange::MpiExchange(const MpiSession& session, std::vector<int> members, int channel,
                         std::chrono::milliseconds deadline, const std::atomic<bool>& abandoned)
    : session_(session),
      members_(std::move(members)),
      rank_(static_cast<int>(std::find(members_.begin(), members_.end(), session.rank()) - members_.begin())),
      deadline_(deadline),
      abandoned_(abandoned),
      channel_(channel) {
  HONE_CHECK(rank_ < world_size());
}

void MpiExchange::exchange(int kind, const std::string& what, const std::vector<OutMessage>& out,
                           const std::vector<InMessage>& in) {
  const int tag = channel_ * kKinds + kind;
  std::vector<MPI_Request> requests;
  requests.reserve(2 * out.size());
  for (int r = 0; r < world_size(); ++r) {
    if (r == rank()) continue;
    const auto at = static_cast<std::size_t>(r);
    const int peer = members_[at];
    MPI_Request request = MPI_REQUEST_NULL;
    mpi_check(
        MPI_Irecv(in[at].data, static_cast<int>(in[at].bytes), MPI_BYTE, peer, tag, MPI_COMM_WORLD, &request),
        "MPI_Irecv");
    requests.push_back(request);
    mpi_check(MPI_Isend(out[at].data, static_cast<int>(out[at].bytes), MPI_BYTE, peer, tag, MPI_COMM_WORLD,
                        &request),
              "MPI_Isend");
    requests.push_back(request);
  }
  std::vector<MPI_Status> statuses(requests.size());
  wait_all(what, requests, statuses);
  check_lengths(what, in, statuses);
}

void MpiExchange::wait_all(const std::string& what, std::vector<MPI_Request>& requests,
                           std::vector<MPI_Status>& statuses) {
  const auto began = Backoff::Clock::now();
  Backoff backoff;
  while (true) {
    const auto poll_began = Backoff::Clock::now();
    int done = 0;
    const int code = MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, statuses.data());
    if (code != MPI_SUCCESS) fail(what, code, statuses);
    if (done) return;
    if (abandoned_ || poll_began - began > deadline_) give_up(what, requests);
    backoff.pause(poll_began);
  }
}

void MpiExchange::fail(const std::string& what, int code, const std::vector<MPI_Status>& statuses) const {
  for (std::size_t i = 0; code == MPI_ERR_IN_STATUS && i < statuses.size(); ++i) {
    const int own = statuses[i].MPI_ERROR;
    if (own == MPI_SUCCESS || own == MPI_ERR_PENDING) continue;
    const std::string peer = what + ", " + name_of(peer_of(i)) + ": " + mpi_text(own);
    if (own == MPI_ERR_TRUNCATE)
      throw Error(Exit::internal, "MP007", "ranks disagree about a collective", here(), peer, kBugHint);
    throw Error(Exit::peer, "MP002", "a message was lost", here(), peer);
  }
  throw Error(Exit::peer, "MP002", "MPI_Testall failed", here(), what + ": " + mpi_text(code));
}

void MpiExchange::give_up(const std::string& what, std::vector<MPI_Request>& requests) {
  std::string silent;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    int done = 0;
    MPI_Test(&requests[i], &done, MPI_STATUS_IGNORE);
    const bool receive = i % 2 == 0;
    if (done || !receive) continue;
    const int peer = peer_of(i);
    silent += (silent.empty() ? "" : ", ") +
              (name_of(peer) + " on " + session_.host_of(members_[static_cast<std::size_t>(peer)]));
    // Nothing may arrive any more: the buffer is about to go back to the caller.
    if (MPI_Cancel(&requests[i]) == MPI_SUCCESS) MPI_Request_free(&requests[i]);
  }
  if (abandoned_) throw Error(Exit::peer, "MP006", "a collective was left", here(), what);
  throw Error(Exit::peer, "MP005", "a peer did not answer", here(),
              what + ", waited " + seconds(deadline_) + " for " + (silent.empty() ? "all ranks" : silent),
              kHangHint);
}

void MpiExchange::check_lengths(const std::string& what, const std::vector<InMessage>& in,
                                const std::vector<MPI_Status>& statuses) const {
  for (std::size_t i = 0; i < statuses.size(); i += 2) {
    const int peer = peer_of(i);
    const std::size_t expected = in[static_cast<std::size_t>(peer)].bytes;
    int bytes = 0;
    mpi_check(MPI_Get_count(&statuses[i], MPI_BYTE, &bytes), "MPI_Get_count");
    if (static_cast<std::size_t>(bytes) != expected)
      throw Error(Exit::internal, "MP007", "ranks disagree about a collective", here(),
                  what + ": " + name_of(peer) + " sent " + std::to_string(bytes) + " bytes, expected " +
                      std::to_string(expected),
                  kBugHint);
  }
}

}  // namespace hone::dist
