#include "tests/dist/communicator_suite.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "core/base/error.h"
#include "core/base/philox.h"
#include "tests/dist/values.h"

namespace hone::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kCounts[] = {0, 1, 2, 5, 1000, 5000};

TEST_P(CommunicatorSuite, AllReduceCombinesEveryTypeByEveryOperation) {
  run([](Communicator& c) {
    for (const CommType type : kAllTypes)
      for (const ReduceOp op : kAllOps)
        for (const std::int64_t count : kCounts) {
          Values values(type, values_of(c.rank(), count));
          c.all_reduce(values.all(), op)->wait();
          EXPECT_EQ(values.read(), reduced(c.world_size(), count, op));
        }
  });
}

TEST_P(CommunicatorSuite, ReduceScatterGivesEachRankItsPart) {
  run([](Communicator& c) {
    for (const CommType type : kAllTypes)
      for (const ReduceOp op : kAllOps)
        for (const std::int64_t part : kCounts) {
          Values input(type, values_of(c.rank(), part * c.world_size()));
          Values output(type, std::vector<double>(static_cast<std::size_t>(part)));
          c.reduce_scatter(input.all(), output.all(), op)->wait();
          const std::vector<double> all = reduced(c.world_size(), part * c.world_size(), op);
          const auto begin = all.begin() + c.rank() * part;
          EXPECT_EQ(output.read(), std::vector<double>(begin, begin + part));
        }
  });
}

TEST_P(CommunicatorSuite, AllGatherKeepsRankOrderInPlaceOrNot) {
  run([](Communicator& c) {
    for (const CommType type : kAllTypes)
      for (const std::int64_t part : kCounts) {
        std::vector<double> expected;
        for (int r = 0; r < c.world_size(); ++r)
          for (std::int64_t i = 0; i < part; ++i) expected.push_back(value_of(r, i));
        Values own(type, values_of(c.rank(), part)), all(type, std::vector<double>(expected.size()));
        c.all_gather(own.all(), all.all())->wait();
        EXPECT_EQ(all.read(), expected);

        std::vector<double> start(expected.size());
        for (std::int64_t i = 0; i < part; ++i) start[c.rank() * part + i] = value_of(c.rank(), i);
        Values in_place(type, start);
        c.all_gather(in_place.part(c.rank() * part, part), in_place.all())->wait();
        EXPECT_EQ(in_place.read(), expected);
      }
  });
}

TEST_P(CommunicatorSuite, BroadcastBringsEveryRootsBuffer) {
  run([](Communicator& c) {
    for (const CommType type : kAllTypes)
      for (const std::int64_t count : kCounts)
        for (int root = 0; root < c.world_size(); ++root) {
          Values values(type, values_of(c.rank(), count));
          c.broadcast(values.all(), root)->wait();
          EXPECT_EQ(values.read(), values_of(root, count));
        }
  });
}

TEST_P(CommunicatorSuite, AllToAllSendsEachPartToItsRank) {
  run([](Communicator& c) {
    for (const CommType type : kAllTypes)
      for (const std::int64_t part : kCounts) {
        Values input(type, values_of(c.rank(), part * c.world_size()));
        Values output(type, std::vector<double>(static_cast<std::size_t>(part * c.world_size())));
        c.all_to_all(input.all(), output.all())->wait();
        std::vector<double> expected;
        for (int r = 0; r < c.world_size(); ++r)
          for (std::int64_t i = 0; i < part; ++i) expected.push_back(value_of(r, c.rank() * part + i));
        EXPECT_EQ(output.read(), expected);
      }
  });
}

float random_float(int rank, std::uint32_t i) {
  const PhiloxCounter words = philox({i, static_cast<std::uint32_t>(rank), 0, 0}, philox_key(7));
  return std::ldexp(unit_float(words[0]) - 0.5f, static_cast<int>(words[1] % 40) - 20);
}

// The lower half takes the larger power of two.
float tree_sum(int first, int last, std::uint32_t i) {
  if (last - first == 1) return random_float(first, i);
  const int middle = first + static_cast<int>(std::bit_ceil(static_cast<unsigned>(last - first)) / 2);
  return tree_sum(first, middle, i) + tree_sum(middle, last, i);
}

TEST_P(CommunicatorSuite, SumsAreFormedInATreeSoThatEveryRankHoldsTheSameBits) {
  run([](Communicator& c) {
    std::vector<float> values, expected;
    for (std::uint32_t i = 0; i < 20011; ++i) {
      values.push_back(random_float(c.rank(), i));
      expected.push_back(tree_sum(0, c.world_size(), i));
    }
    c.all_reduce({values.data(), static_cast<std::int64_t>(values.size()), CommType::f32}, ReduceOp::sum)
        ->wait();
    EXPECT_TRUE(values == expected);
  });
}

// 2^k + 1 + 1 + ... with a step of 2 between neighbours: rounding at every addition would stay at 2^k.
TEST_P(CommunicatorSuite, HalfPrecisionSumsRoundOnceToNearestEven) {
  run([](Communicator& c) {
    for (const auto& [type, base] : {std::pair{CommType::bf16, 256.0}, std::pair{CommType::f16, 2048.0}}) {
      constexpr double kAbove[] = {0, 0, 2, 4};  // 1 -> 0 and 3 -> 4: the even neighbour
      Values values(type, {c.rank() == 0 ? base : 1.0, c.rank() == 0 ? -base : -1.0});
      c.all_reduce(values.all(), ReduceOp::sum)->wait();
      const double sum = base + kAbove[c.world_size() - 1];
      EXPECT_EQ(values.read(), (std::vector<double>{sum, -sum}));
    }
  });
}

TEST_P(CommunicatorSuite, NotANumberOfAnyRankStays) {
  run([](Communicator& c) {
    for (const CommType type : {CommType::f32, CommType::f64, CommType::bf16, CommType::f16})
      for (const ReduceOp op : kAllOps)
        for (int sick = 0; sick < c.world_size(); ++sick) {
          Values values(type, {c.rank() == sick ? std::numeric_limits<double>::quiet_NaN() : 1.0});
          c.all_reduce(values.all(), op)->wait();
          EXPECT_TRUE(std::isnan(values.read()[0]));
        }
  });
}

TEST_P(CommunicatorSuite, IntegerSumsWrap) {
  run([](Communicator& c) {
    std::int64_t value = std::numeric_limits<std::int64_t>::max();
    const auto expected = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) *
                                                    static_cast<std::uint64_t>(c.world_size()));
    c.all_reduce({&value, 1, CommType::i64}, ReduceOp::sum)->wait();
    EXPECT_EQ(value, expected);
  });
}

TEST_P(CommunicatorSuite, ManyCollectivesMayBeUnderWayAndWaitedForInAnyOrder) {
  run([](Communicator& c) {
    std::vector<Values> values;
    std::vector<WorkPtr> works;
    for (int i = 0; i < 20; ++i) values.emplace_back(CommType::f32, values_of(c.rank(), 100 + i));
    for (Values& each : values) works.push_back(c.all_reduce(each.all(), ReduceOp::sum));
    for (std::size_t i = works.size(); i-- > 0;) {
      works[i]->wait();
      works[i]->wait();  // a second time is nothing
      EXPECT_EQ(values[i].read(), reduced(c.world_size(), 100 + static_cast<std::int64_t>(i), ReduceOp::sum));
    }
  });
}

TEST_P(CommunicatorSuite, BarrierHoldsUntilAllRanksCame) {
  run([](Communicator& c) {
    const bool late = c.rank() == c.world_size() - 1;
    if (late) std::this_thread::sleep_for(200ms);
    const auto began = std::chrono::steady_clock::now();
    c.barrier()->wait();
    c.barrier()->wait();
    EXPECT_TRUE(late || std::chrono::steady_clock::now() - began > 100ms);
  });
}

// Gathers, sums and broadcasts within a group bring what its members gave.
void expect_members(Communicator& c, const std::vector<int>& members, int own) {
  EXPECT_EQ(c.world_size(), static_cast<int>(members.size()));
  EXPECT_EQ(members.at(static_cast<std::size_t>(c.rank())), own);
  for (const CommType type : kAllTypes) {
    Values mine(type, {static_cast<double>(own)});
    Values all(type, std::vector<double>(members.size()));
    c.all_gather(mine.all(), all.all())->wait();
    EXPECT_EQ(all.read(), std::vector<double>(members.begin(), members.end()));
    c.all_reduce(mine.all(), ReduceOp::sum)->wait();
    EXPECT_EQ(mine.read()[0], std::accumulate(members.begin(), members.end(), 0.0));
  }
  for (int root = 0; root < c.world_size(); ++root) {
    Values mine(CommType::i64, {static_cast<double>(own)});
    c.broadcast(mine.all(), root)->wait();
    EXPECT_EQ(mine.read()[0], members[static_cast<std::size_t>(root)]);
  }
  c.barrier()->wait();
}

std::vector<int> ranks_below(int end, const std::function<bool(int)>& wanted) {
  std::vector<int> ranks;
  for (int r = 0; r < end; ++r)
    if (wanted(r)) ranks.push_back(r);
  return ranks;
}

TEST_P(CommunicatorSuite, SplitGivesEachGroupACommunicatorOfItsOwn) {
  run([](Communicator& c) {
    const auto expect_split = [&](const std::function<int(int)>& group_of) {
      const CommunicatorPtr part = c.split(group_of(c.rank()));
      const auto together = [&](int r) { return group_of(r) == group_of(c.rank()); };
      expect_members(*part, ranks_below(c.world_size(), together), c.rank());
    };
    expect_split([](int r) { return r % 2; });
    expect_split([](int) { return 7; });
    expect_split([](int r) { return 1000 - r; });
    expect_split([](int r) { return r == 0 ? 1 : 0; });
    expect_members(c, ranks_below(c.world_size(), [](int) { return true; }), c.rank());
  });
}

// Groups that are split on, more or less often than others, and the whole used beside them.
TEST_P(CommunicatorSuite, GroupsMayBeSplitAndUsedBesideTheWhole) {
  run([](Communicator& c) {
    const auto all = [](int) { return true; };
    const bool first = c.rank() == 0;
    const CommunicatorPtr part = c.split(first ? 0 : 1);
    std::vector<CommunicatorPtr> inner;
    for (int i = 0; i < (first ? 3 : 1); ++i) inner.push_back(part->split(part->rank()));
    const CommunicatorPtr again = c.split(5);
    expect_members(*again, ranks_below(c.world_size(), all), c.rank());
    expect_members(*inner.back(), {c.rank()}, c.rank());

    Values of_all(CommType::f64, {1}), of_part = of_all;
    const auto sum = [](Communicator& of, Values& values) {
      return of.all_reduce(values.all(), ReduceOp::sum);
    };
    WorkPtr a = sum(first ? c : *part, first ? of_all : of_part);
    WorkPtr b = sum(first ? *part : c, first ? of_part : of_all);
    b->wait();
    a->wait();
    EXPECT_EQ(of_all.read()[0], c.world_size());
    EXPECT_EQ(of_part.read()[0], part->world_size());
  });
}

TEST_P(CommunicatorSuite, TrafficCountsThePayloadOfEveryCallThatWasMade) {
  run([](Communicator& c) {
    const std::int64_t ranks = c.world_size();
    Values three(CommType::bf16, {1, 2, 3}), one(CommType::f64, {1});
    Values all(CommType::f64, std::vector<double>(static_cast<std::size_t>(ranks))), other = all;
    for (int i = 0; i < 2; ++i) c.all_reduce(three.all(), ReduceOp::sum)->wait();
    c.broadcast(three.all(), 0)->wait();
    c.all_gather(one.all(), all.all())->wait();
    c.reduce_scatter(all.all(), one.all(), ReduceOp::max)->wait();
    c.all_to_all(all.all(), other.all())->wait();
    c.barrier()->wait();
    EXPECT_THROW(c.broadcast(one.all(), 99), Error);

    const Traffic traffic = c.traffic();
    const auto expect = [](const Traffic::Count& count, std::int64_t calls, std::int64_t bytes) {
      EXPECT_EQ(count.calls, calls);
      EXPECT_EQ(count.bytes, bytes);
    };
    expect(traffic.all_reduce, 2, 12);
    expect(traffic.broadcast, 1, 6);
    expect(traffic.all_gather, 1, 8 * ranks);
    expect(traffic.reduce_scatter, 1, 8 * ranks);
    expect(traffic.all_to_all, 1, 8 * ranks);
    expect(traffic.barrier, 1, 0);
  });
}

// A late rank, the last of 2 or more: the others wait for it from before it comes.
TEST_P(CommunicatorSuite, TrafficTimesWaitingApartFromWhatIsHiddenBehindWork) {
  run([](Communicator& c) {
    if (c.world_size() == 1) return;
    Values first(CommType::i32, {1}), second = first;
    const bool late = c.rank() == c.world_size() - 1;
    c.all_reduce(first.all(), ReduceOp::sum)->wait();  // the first one also connects
    c.barrier()->wait();
    const Traffic before = c.traffic();
    const auto began = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(late ? 300ms : 0ms);
    const WorkPtr a = c.all_reduce(first.all(), ReduceOp::sum), b = c.all_reduce(second.all(), ReduceOp::sum);
    std::this_thread::sleep_for(late ? 0ms : 100ms);
    b->wait();
    a->wait();
    const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const Traffic after = c.traffic();
    const double waited = after.waited_s - before.waited_s, busy = after.busy_s - before.busy_s;
    EXPECT_LE(waited, passed - (late ? 0.3 : 0.1));
    EXPECT_LE(busy, passed - (late ? 0.3 : 0));  // two at a time count once
    if (late) return;
    EXPECT_GT(busy, 0.15);
    EXPECT_GT(waited, 0.05);
  });
}

template <class Call>
void expect_refused(const Call& call, const char* why) {
  try {
    call()->wait();
    ADD_FAILURE() << "not refused: " << why;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "MP008");
    EXPECT_EQ(error.exit(), Exit::internal);
    EXPECT_THAT(error.what(), HasSubstr(why));
  }
}

TEST_P(CommunicatorSuite, WrongCallsAreRefusedBeforeAnyPeerIsInvolved) {
  run([](Communicator& c) {
    Values six(CommType::f32, values_of(0, 6L * c.world_size()));
    Values one(CommType::f32, {1}), whole(CommType::i32, values_of(0, c.world_size()));
    const auto no_data = [](std::int64_t count) { return CommBuffer{nullptr, count, CommType::f32}; };
    expect_refused([&] { return c.all_reduce(no_data(-1), ReduceOp::sum); },
                   "all_reduce of -1 f32 (sum): a count of -1");
    expect_refused([&] { return c.all_reduce(no_data(3), ReduceOp::max); },
                   "all_reduce of 3 f32 (max): no buffer");
    expect_refused([&] { return c.broadcast(one.all(), 99); }, "broadcast of 1 f32 from rank 99: there are");
    expect_refused([&] { return c.broadcast(one.all(), -1); }, "from rank -1");
    expect_refused([&] { return c.all_gather(one.all(), six.all()); }, "parts of 1");
    expect_refused([&] { return c.all_gather(one.all(), whole.all()); }, "differ in type: f32 and i32");
    expect_refused([&] { return c.reduce_scatter(six.all(), one.all(), ReduceOp::sum); }, "parts of 1");
    expect_refused([&] { return c.all_to_all(six.all(), six.all()); }, "overlap");
    expect_refused([&]() -> WorkPtr { return c.split(-1)->barrier(); }, "split: a group of -1");
    c.barrier()->wait();
  });
}

// A hung rank comes back when the others have given up, so that the next test finds all ranks together.
class UntilAllAreBack {
 public:
  ~UntilAllAreBack() { std::this_thread::sleep_until(end_); }

 private:
  const std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + 900ms;
};

template <class Call>
void expect_silent(int rank, const Call& call) {
  try {
    call()->wait();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::peer);
    EXPECT_EQ(error.code(), "MP005");
    EXPECT_THAT(error.what(), AllOf(HasSubstr(": barrier, number "), HasSubstr(", waited ")));
    EXPECT_THAT(error.what(), HasSubstr("for rank " + std::to_string(rank)));
  }
}

TEST_P(CommunicatorSuite, AHungPeerEndsTheWaitOfTheOthersByName) {
  run(
      [](Communicator& c) {
        const int hung = c.world_size() - 1;
        if (c.world_size() == 1) return;
        const UntilAllAreBack end;
        if (c.rank() == hung) return;
        for (int attempt = 0; attempt < 2; ++attempt) expect_silent(hung, [&] { return c.barrier(); });
      },
      300ms);
}

// In a group of the first and the last rank; the others are in another.
TEST_P(CommunicatorSuite, AHungPeerOfAGroupIsNamedByItsRankInTheWhole) {
  run(
      [](Communicator& c) {
        const int hung = c.world_size() - 1;
        if (c.world_size() == 1) return;
        const CommunicatorPtr part = c.split(c.rank() == 0 || c.rank() == hung ? 0 : 1);
        const UntilAllAreBack end;
        if (c.rank() == 0) expect_silent(hung, [&] { return part->barrier(); });
        if (c.rank() != 0 && c.rank() != hung) part->barrier()->wait();
      },
      300ms);
}

}  // namespace
}  // namespace hone::test
