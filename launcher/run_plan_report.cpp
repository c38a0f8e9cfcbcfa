// A plan as JSON, and as lines for people.
#include <fmt/format.h>

#include "launcher/run_plan.h"

namespace hone::launcher {
namespace {

constexpr CollectiveKind kKinds[] = {CollectiveKind::all_reduce, CollectiveKind::reduce_scatter,
                                     CollectiveKind::all_gather};

OrderedJson bytes_json(const RankBytes& bytes) {
  return {{"frozen_weights", bytes.held.frozen},
          {"trained_weights", bytes.held.master},
          {"gradients", bytes.held.gradients},
          {"optimizer", bytes.held.optimizer},
          {"gathered", bytes.held.gathered},
          {"activations", bytes.activations},
          {"checkpoint", bytes.checkpoint},
          {"reserved", bytes.reserved},
          {"total", bytes.total()}};
}

std::int64_t sent(const RunPlan& plan, CollectiveKind kind) {
  const auto bytes = static_cast<double>(train::total(plan.collectives, kind).bytes);
  return static_cast<std::int64_t>(train::on_the_wire(kind, bytes, plan.ranks));
}

OrderedJson traffic_json(const RunPlan& plan) {
  OrderedJson json = OrderedJson::object();
  for (const CollectiveKind kind : kKinds) {
    const Traffic::Count traffic = train::total(plan.collectives, kind);
    json[name_of(kind)] = {{"calls", traffic.calls}, {"bytes", traffic.bytes}, {"sent", sent(plan, kind)}};
  }
  return json;
}

double tokens_per_second(const RunPlan& plan) {
  return static_cast<double>(plan.step.tokens()) / plan.seconds->total();
}

// Of what the devices could do, the share that the model's own arithmetic takes.
double share_of_peak(const RunPlan& plan) { return plan.flops / plan.seconds->total() / plan.peak_flops; }

std::string size_text(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1 << 20) return fmt::format("{} bytes", bytes);
  return bytes < 1 << 30 ? fmt::format("{:.1f} MiB", value / (1 << 20))
                         : fmt::format("{:.2f} GiB", value / (1 << 30));
}

}  // namespace

OrderedJson to_json(const RunPlan& plan) {
  OrderedJson json{{"ranks", plan.ranks},
                   {"nodes", plan.nodes},
                   {"zero", plan.stage},
                   {"device", plan.device},
                   {"dtype", plan.dtype},
                   {"parameters", plan.parameters},
                   {"trained_parameters", plan.trained},
                   {"rows_per_step", plan.step.rows},
                   {"tokens_per_step", plan.step.tokens()},
                   {"micro_batches_per_step", plan.step.micro_batches},
                   {"tokens_per_micro_batch", plan.step.micro_tokens()},
                   {"per_rank_bytes", bytes_json(plan.bytes)},
                   {"memory_bytes", plan.memory},
                   {"fits", plan.fits()},
                   {"per_step", traffic_json(plan)},
                   {"flops_per_step", plan.flops},
                   {"checkpoint",
                    {{"rank_bytes", plan.checkpoint.rank_bytes},
                     {"bytes", plan.checkpoint.bytes},
                     {"on_disk", plan.checkpoint.on_disk}}}};
  if (!plan.seconds) return json;
  json["checkpoint"]["seconds"] = plan.checkpoint.seconds;
  json["seconds"] = {{"compute", plan.seconds->compute},
                     {"communication", plan.seconds->communication},
                     {"communication_exposed", plan.seconds->exposed},
                     {"optimizer", plan.seconds->optimizer},
                     {"step", plan.seconds->total()}};
  json["tokens_per_second"] = tokens_per_second(plan);
  json["share_of_peak"] = share_of_peak(plan);
  return json;
}

std::vector<std::string> lines_of(const RunPlan& plan) {
  const StepRows& step = plan.step;
  std::vector<std::string> lines{
      fmt::format("ranks {}, nodes {}, ZeRO stage {}, {} on {}: {:.1f} million parameters, {:.1f} trained",
                  plan.ranks, plan.nodes, plan.stage, plan.dtype, plan.device,
                  static_cast<double>(plan.parameters) * 1e-6, static_cast<double>(plan.trained) * 1e-6),
      fmt::format("a step: {} rows of {} tokens, on each rank {} micro-batches of at most {} tokens",
                  step.rows, step.length, step.micro_batches, step.micro_tokens()),
      "memory of a rank:"};
  const OrderedJson parts = bytes_json(plan.bytes);
  for (const auto& [part, bytes] : parts.items())
    if (bytes > 0) lines.push_back(fmt::format("  {:<16} {:>12}", part, size_text(bytes)));
  if (plan.memory > 0) lines.push_back(fmt::format("  {:<16} {:>12}", "of", size_text(plan.memory)));
  for (const CollectiveKind kind : kKinds)
    if (const Traffic::Count traffic = train::total(plan.collectives, kind); traffic.calls > 0)
      lines.push_back(fmt::format("{} a step: {} calls, {}, of which a rank sends {}", name_of(kind),
                                  traffic.calls, size_text(traffic.bytes), size_text(sent(plan, kind))));
  lines.push_back(fmt::format("a checkpoint: {}, {} of them from each rank; up to {} on disk",
                              size_text(plan.checkpoint.bytes), size_text(plan.checkpoint.rank_bytes),
                              size_text(plan.checkpoint.on_disk)));
  if (!plan.seconds) return lines;
  lines.push_back(fmt::format(
      "a step takes {:.3g} s: computing {:.3g}, communication {:.3g} ({:.3g} not hidden), optimizer "
      "{:.3g}; a checkpoint {:.3g}",
      plan.seconds->total(), plan.seconds->compute, plan.seconds->communication, plan.seconds->exposed,
      plan.seconds->optimizer, plan.checkpoint.seconds));
  lines.push_back(fmt::format("{:.0f} tokens a second, {:.1f} % of the machine's arithmetic",
                              tokens_per_second(plan), 100 * share_of_peak(plan)));
  return lines;
}

}  // namespace hone::launcher
