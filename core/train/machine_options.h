#pragma once
// [machine]: a cluster as `hone plan` needs to know it, in a file of its own (configs/machines/). Rates are
// what the vendor states; `achieved` says how much of the arithmetic a step gets.
#include "core/base/fields.h"

namespace hone {

struct MachineOptions {
  static constexpr const char* kSection = "machine";
  std::string device = "cuda";
  std::int64_t ranks_per_node = 8;
  double tflops_bf16 = 0;
  double tflops_fp32 = 0;
  double achieved = 0.4;
  double memory_gib = 0;
  double reserved_gib = 0;
  double memory_gb_s = 0;
  double node_gb_s = 0;
  double node_us = 0;
  double network_gb_s = 0;
  double network_us = 0;
  double disk_gb_s = 0;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("device", device,
          {.help = "cuda: a GPU a rank; cpu: the ranks of a node share what is stated here",
           .choices = {"cuda", "cpu"}});
    visit("ranks_per_node", ranks_per_node, {.help = "ranks on one node, at most", .min = 1, .max = 4096});
    visit("tflops_bf16", tflops_bf16, {.help = "dense bf16 and fp16 products", .unit = "TFLOP/s", .min = 0});
    visit("tflops_fp32", tflops_fp32, {.help = "fp32 products", .unit = "TFLOP/s", .min = 0});
    visit("achieved", achieved, {.help = "share of that which a step gets", .min = 0.001, .max = 1});
    visit("memory_gib", memory_gib, {.help = "memory of a device; 0: not known", .unit = "GiB", .min = 0});
    visit("reserved_gib", reserved_gib,
          {.help = "of it, what a rank takes before any model", .unit = "GiB", .min = 0});
    visit("memory_gb_s", memory_gb_s, {.help = "its memory's bandwidth", .unit = "GB/s", .min = 0});
    visit("node_gb_s", node_gb_s, {.help = "what a rank sends within a node", .unit = "GB/s", .min = 0});
    visit("node_us", node_us, {.help = "latency within a node", .unit = "us", .min = 0});
    visit("network_gb_s", network_gb_s,
          {.help = "what a rank sends to other nodes", .unit = "GB/s", .min = 0});
    visit("network_us", network_us, {.help = "latency between nodes", .unit = "us", .min = 0});
    visit("disk_gb_s", disk_gb_s, {.help = "what a node writes to disk", .unit = "GB/s", .min = 0});
  }
};

}  // namespace hone
