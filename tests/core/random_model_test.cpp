// A model without weights starts as transformers starts it.
#include "core/formats/random_model.h"

#include "core/base/json.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

at::Tensor values_of(const formats::ModelFiles& files, const formats::TensorInfo& info) {
  at::Tensor values = at::empty(info.shape);
  files.tensors->read_rows(info, 0, info.shape[0], values.mutable_data_ptr<float>());
  return values.to(at::kDouble);
}

}  // namespace

TEST(RandomModel, EveryTensorIsDistributedAsInTransformers) {
  const Json expected = parse_json_file(golden_path("random_init.json"), "TEST");
  const formats::ModelFiles files = formats::random_model(golden_path("random_init"), 42);
  ASSERT_EQ(files.tensors->tensors().size(), expected.size());
  for (const formats::TensorInfo& info : files.tensors->tensors()) {
    const Json& theirs = expected.at(info.name);
    EXPECT_EQ(info.shape, theirs["shape"].get<std::vector<std::int64_t>>()) << info.name;
    const at::Tensor values = values_of(files, info);
    const double deviation = theirs["deviation"], n = static_cast<double>(values.numel());
    EXPECT_NEAR(values.mean().item<double>(), theirs["mean"].get<double>(), 7 * deviation / std::sqrt(n))
        << info.name;
    EXPECT_NEAR(values.std(/*unbiased=*/false).item<double>(), deviation, 7 * deviation / std::sqrt(2 * n))
        << info.name;
  }
  const at::Tensor embedding = values_of(files, *files.tensors->find("model.embed_tokens.weight"));
  EXPECT_EQ(embedding[3].abs().max().item<double>(), 0);  // the pad token's row
  // Shares beyond one, two and three deviations, of a normal distribution.
  const at::Tensor size = embedding.abs() / 0.05;
  for (const auto& [bound, share] : {std::pair{1.0, 0.3173}, {2.0, 0.0455}, {3.0, 0.0027}})
    EXPECT_NEAR((size > bound).to(at::kDouble).mean().item<double>(), share, 4 * std::sqrt(share / 6400))
        << bound;
}

TEST(RandomModel, AValueBelongsToSeedTensorAndPlace) {
  const formats::ModelFiles files = formats::random_model(golden_path("random_init"), 42);
  const formats::TensorInfo& q = *files.tensors->find("model.layers.0.self_attn.q_proj.weight");
  const formats::TensorInfo& o = *files.tensors->find("model.layers.0.self_attn.o_proj.weight");
  const at::Tensor whole = values_of(files, q);
  at::Tensor piece = at::empty({3, q.shape[1]});
  files.tensors->read_rows(q, 5, 8, piece.mutable_data_ptr<float>());
  EXPECT_TRUE(at::equal(piece.to(at::kDouble), whole.narrow(0, 5, 3)));
  EXPECT_TRUE(at::equal(values_of(formats::random_model(golden_path("random_init"), 42), q), whole));
  EXPECT_FALSE(at::equal(values_of(formats::random_model(golden_path("random_init"), 43), q), whole));
  EXPECT_FALSE(at::equal(values_of(files, o), whole));
}

TEST(RandomModel, KnowsNothingYet) {
  const formats::ModelFiles files = formats::random_model(golden_path("tiny_llama"), 1);
  const model::Model model = model::build_model(files, full_spec(), false);
  const TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  double logp = 0, tokens = 0;
  for (const objective::SequenceScore& score : objective::make_objective({})->score(model, batch))
    logp += score.logp, tokens += static_cast<double>(score.tokens);
  EXPECT_NEAR(-logp / tokens, std::log(256.0), 0.1);  // every token of 256 about as likely
}

}  // namespace hone::test
