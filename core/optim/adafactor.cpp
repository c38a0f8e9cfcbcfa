#include "core/optim/adafactor.h"

#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/nn/cpu_math.h"
#include "core/optim/parameter_rules.h"
#include "core/optim/state_buffers.h"
#include "core/optim/trained_weights.h"

namespace hone::optim {
namespace {

constexpr double kSquareFloor = 1e-30, kScaleFloor = 1e-3;  // transformers' eps

enum Buffer : std::size_t { kRow, kColumn, kVector };

// Where a parameter's means lie. A vector is a matrix of one row whose row factor is one.
struct Place {
  std::int64_t rows = 1, columns = 0;
  std::int64_t row_at = -1;  // -1: a vector
  std::int64_t column_at = 0;
  bool vector() const { return row_at < 0; }
};

struct Places {
  std::vector<Place> of;
  std::int64_t rows = 0, columns = 0, vectors = 0;
};

Places places_in(const ArenaLayout& layout) {
  Places places;
  for (const ParameterSlice& parameter : layout.parameters) {
    HONE_CHECK(parameter.shape.size() == 1 || parameter.shape.size() == 2);
    const std::int64_t columns = parameter.shape.back();
    if (parameter.shape.size() == 1) {
      places.of.push_back({1, columns, -1, std::exchange(places.vectors, places.vectors + columns)});
    } else {
      const std::int64_t rows = parameter.shape[0];
      places.of.push_back({rows, columns, std::exchange(places.rows, places.rows + rows),
                           std::exchange(places.columns, places.columns + columns)});
    }
  }
  return places;
}

std::vector<StateSpec> state_of(const OptimOptions&, const ArenaLayout& layout) {
  const Places places = places_in(layout);
  return {{"exp_avg_sq_row", StateType::f32, StateSpec::kWhole, places.rows},
          {"exp_avg_sq_col", StateType::f32, StateSpec::kWhole, places.columns},
          {"exp_avg_sq", StateType::f32, StateSpec::kWhole, places.vectors}};
}

// Eight partial sums: a fixed order of additions whatever the instruction set.
HONE_CLONES double square_sum(const float* x, std::int64_t n) {
  double lanes[8] = {};
  for (std::int64_t i = 0; i < n; ++i) lanes[i % 8] += static_cast<double>(x[i]) * x[i];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

HONE_CLONES void add_squares(const float* x, double* sums, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sums[i] += static_cast<double>(x[i]) * x[i];
}

HONE_CLONES void update_of(const float* g, const float* mean_square, float row_factor, float* u,
                           std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) u[i] = g[i] * row_factor / std::sqrt(mean_square[i]);
}

HONE_CLONES void move(float* w, const float* u, std::int64_t n, float decay, float step_size) {
  for (std::int64_t i = 0; i < n; ++i) w[i] = w[i] * decay - step_size * u[i];
}

class Adafactor final : public Optimizer {
 public:
  Adafactor(const OptimOptions& options, const ArenaLayout& layout)
      : options_(options),
        rules_(parameter_rules(options, layout)),
        places_(places_in(layout).of),
        state_(state_of(options, layout)),
        plans_(rules_.size()) {}

  // Means and norms are over whole parameters, so the first range that meets one works them out for all.
  void update(Range range, const StepInput& in) override {
    for_parameters(rules_, range, [&](std::size_t p, Range part) {
      if (plans_[p].step != in.step) plans_[p] = plan(p, in);
      edit_weights(in, part, [&](float* w, Range at) {
        for_rows(p, at, in.gradient, [&](const float* u, Range cut) {
          move(w + (cut.begin - at.begin), u, cut.length(), plans_[p].decay, plans_[p].step_size);
        });
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }
  std::int64_t granule() const override { return 64; }

 private:
  // What a parameter's elements have in common in one step.
  struct Plan {
    std::int64_t step = 0;
    float mean_of_rows = 1, decay = 1, step_size = 0;
  };

  Plan plan(std::size_t p, const StepInput& in) {
    const Range range = rules_[p].range;
    double lr = in.lr * rules_[p].lr_scale;
    if (options_.scale_parameter) lr *= std::max(kScaleFloor, weight_rms(range, in));
    plans_[p].mean_of_rows = advance_means(p, in);
    double sum = 0;
    for_rows(p, range, in.gradient, [&](const float* u, Range cut) { sum += square_sum(u, cut.length()); });
    const double rms = std::sqrt(sum / static_cast<double>(range.length()));
    return {in.step, plans_[p].mean_of_rows, static_cast<float>(1.0 - lr * rules_[p].weight_decay),
            static_cast<float>(lr / std::max(1.0, rms / options_.clip_threshold))};
  }

  static double weight_rms(Range range, const StepInput& in) {
    double sum = 0;
    read_weights(in, range, [&](const float* w, Range at) { sum += square_sum(w, at.length()); });
    return std::sqrt(sum / static_cast<double>(range.length()));
  }

  // Takes the gradient's squares into the running means; returns the mean of the row means.
  float advance_means(std::size_t p, const StepInput& in) {
    const Place& place = places_[p];
    const double taken = std::pow(static_cast<double>(in.step), options_.decay_rate);
    const auto advance = [&](float& mean, double sum, std::int64_t count) {
      mean = static_cast<float>((1.0 - taken) * mean +
                                taken * (sum / static_cast<double>(count) + kSquareFloor));
    };
    std::vector<double> column_sums(static_cast<std::size_t>(place.columns));
    double row_total = 0;
    for (std::int64_t r = 0; r < place.rows; ++r) {
      const float* g = in.gradient + rules_[p].range.begin + r * place.columns;
      add_squares(g, column_sums.data(), place.columns);
      if (place.vector()) continue;
      float& mean = state_.f32(kRow)[place.row_at + r];
      advance(mean, square_sum(g, place.columns), place.columns);
      row_total += mean;
    }
    float* columns = column_means(place);
    for (std::int64_t c = 0; c < place.columns; ++c)
      advance(columns[c], column_sums[static_cast<std::size_t>(c)], place.rows);
    return static_cast<float>(row_total / static_cast<double>(place.rows));
  }

  float* column_means(const Place& place) const {
    return state_.f32(place.vector() ? kVector : kColumn) + place.column_at;
  }

  // body(u, cut): the unclipped update of `range`, cut at the ends of rows.
  template <class Body>
  void for_rows(std::size_t p, Range range, const float* gradient, Body&& body) const {
    const Place& place = places_[p];
    std::vector<float> u(static_cast<std::size_t>(place.columns));
    for (Range cut{range.begin, range.begin}; cut.end < range.end;) {
      const std::int64_t offset = cut.end - rules_[p].range.begin, column = offset % place.columns;
      cut = {cut.end, std::min(range.end, cut.end + place.columns - column)};
      const float row_factor =
          place.vector()
              ? 1.0f
              : std::sqrt(plans_[p].mean_of_rows / state_.f32(kRow)[place.row_at + offset / place.columns]);
      update_of(gradient + cut.begin, column_means(place) + column, row_factor, u.data(), cut.length());
      body(u.data(), cut);
    }
  }

  OptimOptions options_;
  std::vector<ParameterRule> rules_;
  std::vector<Place> places_;
  StateBuffers state_;
  std::vector<Plan> plans_;
};

}  // namespace

OptimizerKind adafactor() {
  return {state_of, make_as<Adafactor>};
}

}  // namespace hone::optim
