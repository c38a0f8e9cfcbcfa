#include "tests/dist/communicator_suite.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
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

TEST_P(CommunicatorSuite, SumsAreFormedInRankOrderSoThatEveryRankHoldsTheSameBits) {
  run([](Communicator& c) {
    std::vector<float> values, expected;
    for (std::uint32_t i = 0; i < 20011; ++i) {
      values.push_back(random_float(c.rank(), i));
      float sum = random_float(0, i);
      for (int r = 1; r < c.world_size(); ++r) sum += random_float(r, i);
      expected.push_back(sum);
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
    c.barrier()->wait();
  });
}

TEST_P(CommunicatorSuite, AHungPeerEndsTheWaitOfTheOthersByName) {
  run(
      [](Communicator& c) {
        const int hung = c.world_size() - 1;
        if (c.world_size() == 1) return;
        if (c.rank() == hung) return std::this_thread::sleep_for(800ms);
        for (int attempt = 0; attempt < 2; ++attempt) try {
            c.barrier()->wait();
            ADD_FAILURE() << "no error";
          } catch (const Error& error) {
            EXPECT_EQ(error.exit(), Exit::peer);
            EXPECT_EQ(error.code(), "MP005");
            EXPECT_THAT(error.what(), AllOf(HasSubstr("barrier, number 0, "), HasSubstr(", waited ")));
            EXPECT_THAT(error.what(), HasSubstr("for rank " + std::to_string(hung)));
          }
      },
      200ms);
}

}  // namespace
}  // namespace hone::test
