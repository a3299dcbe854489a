// Batch normalization as training does it, with the addition and the ReLU behind it: y = relu(norm(x) + skip).
//
// Each way it goes over memory twice, for the sums of each channel and for the result; layer by layer it is four times.
//
// Tensors are [rows, channels] in memory (channels_last), of float or bfloat16; arithmetic is in float. Sums are taken
// over pieces of rows and then added in double, piece by piece, so that they do not depend on the number of threads.

#include "lanes.h"

#include <cmath>
#include <vector>

template <int N>
using Int = std::integral_constant<int, N>;

// Rows in pieces that fit the first cache, and channels in groups of `vectors` times `width`.
struct Grid {
  long rows, channels, step, pieces;

  Grid(long rows, long channels) : rows(rows), channels(channels) {
    step = std::max(4L, 8192 / channels);
    pieces = (rows + step - 1) / step;
  }

  long end(long piece) const { return std::min((piece + 1) * step, rows); }

  template <class Work>
  void each(Work work) const {
#pragma omp parallel for schedule(static)
    for (long piece = 0; piece < pieces; piece++) {
      long c = 0;
      for (; c + 64 <= channels; c += 64) work(piece, c, Int<16>(), Int<4>());
      for (; c + 32 <= channels; c += 32) work(piece, c, Int<16>(), Int<2>());
      for (; c + 16 <= channels; c += 16) work(piece, c, Int<16>(), Int<1>());
      for (; c + 8 <= channels; c += 8) work(piece, c, Int<8>(), Int<1>());
      for (; c + 4 <= channels; c += 4) work(piece, c, Int<4>(), Int<1>());
      for (; c < channels; c++) work(piece, c, Int<1>(), Int<1>());
    }
  }

  // Two sums of each channel over a piece, of what `terms` adds; several at once, as an addition waits for the last.
  template <int W, int N, class Terms>
  void sum(long piece, long c, std::vector<float>& first, std::vector<float>& second, Terms terms) const {
    constexpr int U = 4 / N;
    Floats<W> a[U][N] = {}, b[U][N] = {};
    auto add = [&](long row, int u) __attribute__((always_inline)) {
      for (int n = 0; n < N; n++) terms(row * channels + c + n * W, n, a[u][n], b[u][n]);
    };
    long row = piece * step;
    for (; row + U <= end(piece); row += U)
      for (int u = 0; u < U; u++) add(row + u, u);
    for (; row < end(piece); row++) add(row, 0);
    for (int n = 0; n < N; n++) {
      for (int u = 1; u < U; u++) a[0][n] += a[u][n], b[0][n] += b[u][n];
      store<W>(&first[piece * channels + c + n * W], a[0][n]);
      store<W>(&second[piece * channels + c + n * W], b[0][n]);
    }
  }

  // Calls `write(at, n)` for each group of a piece.
  template <int W, int N, class Write>
  void map(long piece, long c, Write write) const {
    for (long row = piece * step; row < end(piece); row++)
      for (int n = 0; n < N; n++) write(row * channels + c + n * W, n);
  }
};

template <int W, int N>
struct Constants {
  Floats<W> values[N];
  template <class T>
  explicit Constants(const T* from) {
    for (int n = 0; n < N; n++) values[n] = load<W>(from + n * W);
  }
  Floats<W> operator[](int n) const { return values[n]; }
};

// `statistics` receives the mean of each channel, then one over the deviation of each; skip may be null.
template <class T>
static void forward(const T* x, const T* skip, T* y, long rows, long channels, const float* weight, const float* bias,
                    float* running_mean, float* running_var, float* statistics, float momentum, float eps, int relu) {
  float *mean = statistics, *invstd = statistics + channels;
  Grid grid(rows, channels);
  std::vector<float> sums(grid.pieces * channels), squares(grid.pieces * channels);
  grid.each([&](long piece, long c, auto width, auto vectors) {
    constexpr int W = width, N = vectors;
    // Distances from the piece's first row: squares of large numbers would lose the variance of close ones.
    Constants<W, N> origin(x + piece * grid.step * channels + c);
    grid.sum<W, N>(piece, c, sums, squares, [&](long at, int n, auto& sum, auto& square) __attribute__((always_inline)) {
      auto distance = load<W>(x + at) - origin[n];
      sum += distance;
      square += distance * distance;
    });
  });
  std::vector<float> scale(channels), shift(channels);
  for (long c = 0; c < channels; c++) {
    double count = 0, average = 0, deviation = 0;
    for (long piece = 0; piece < grid.pieces; piece++) {  // Chan, Golub and LeVeque 1983, equation 2.1
      double more = grid.end(piece) - piece * grid.step, sum = sums[piece * channels + c];
      double delta = load<1>(x + piece * grid.step * channels + c)[0] + sum / more - average;
      deviation += squares[piece * channels + c] - sum * sum / more + delta * delta * count * more / (count + more);
      average += delta * more / (count + more);
      count += more;
    }
    mean[c] = average;
    invstd[c] = 1 / std::sqrt(deviation / rows + eps);
    running_mean[c] += momentum * (mean[c] - running_mean[c]);
    running_var[c] += momentum * ((float)(deviation / (rows - 1)) - running_var[c]);
    scale[c] = weight[c] * invstd[c];
    shift[c] = bias[c] - mean[c] * scale[c];
  }
  grid.each([&](long piece, long c, auto width, auto vectors) {
    constexpr int W = width, N = vectors;
    Constants<W, N> a(&scale[c]), b(&shift[c]);
    grid.map<W, N>(piece, c, [&](long at, int n) __attribute__((always_inline)) {
      auto value = load<W>(x + at) * a[n] + b[n];
      if (skip) value += load<W>(skip + at);
      if (relu) value = value < 0 ? Floats<W>() : value;
      store<W>(y + at, value);
    });
  });
}

// a * b * b in the precision of float and the range of double: of inputs at 1e15 both are 1e-15.
static double times_square(float a, float b) {
  int exponent;
  float mantissa = std::frexp(b, &exponent);
  return std::ldexp((double)(a * mantissa * mantissa), 2 * exponent);
}

// Null are y without a ReLU, dy2 where y has one user, dskip where the skip's gradient is dy itself or nobody's.
template <class T>
static void backward(const T* x, const T* y, const T* dy, const T* dy2, T* dx, T* dskip, long rows, long channels,
                     const float* weight, const float* statistics, float* dweight, float* dbias) {
  const float *mean = statistics, *invstd = statistics + channels;
  Grid grid(rows, channels);
  std::vector<float> sums(grid.pieces * channels), products(grid.pieces * channels);
  auto gradient = [&](long at, auto width) __attribute__((always_inline)) {
    constexpr int W = width;
    auto value = load<W>(dy + at);
    if (dy2) value += load<W>(dy2 + at);
    if (y) value = load<W>(y + at) <= 0 ? Floats<W>() : value;
    return value;
  };
  grid.each([&](long piece, long c, auto width, auto vectors) {
    constexpr int W = width, N = vectors;
    Constants<W, N> centre(mean + c);
    grid.sum<W, N>(piece, c, sums, products, [&](long at, int n, auto& sum, auto& product) __attribute__((always_inline)) {
      auto value = gradient(at, width);
      if (dskip) store<W>(dskip + at, value);
      sum += value;
      product += value * (load<W>(x + at) - centre[n]);
    });
  });
  // dx = weight invstd (g - mean(g) - (x - mean) invstd^2 mean(g (x - mean))), Ioffe and Szegedy 2015, section 3
  std::vector<float> scale(channels), slope(channels), shift(channels);
  for (long c = 0; c < channels; c++) {
    double sum = 0, product = 0;
    for (long piece = 0; piece < grid.pieces; piece++) {
      sum += sums[piece * channels + c];
      product += products[piece * channels + c];
    }
    dweight[c] = product * invstd[c];
    dbias[c] = sum;
    scale[c] = weight[c] * invstd[c];
    slope[c] = times_square(-scale[c], invstd[c]) * product / rows;
    shift[c] = -scale[c] * sum / rows - slope[c] * mean[c];
  }
  grid.each([&](long piece, long c, auto width, auto vectors) {
    constexpr int W = width, N = vectors;
    Constants<W, N> a(&scale[c]), b(&slope[c]), k(&shift[c]);
    grid.map<W, N>(piece, c, [&](long at, int n) __attribute__((always_inline)) {
      auto value = dskip ? load<W>(dskip + at) : gradient(at, width);
      store<W>(dx + at, value * a[n] + load<W>(x + at) * b[n] + k[n]);
    });
  });
}

extern "C" {
auto forward_float32 = forward<float>;
auto forward_bfloat16 = forward<bfloat16>;
auto backward_float32 = backward<float>;
auto backward_bfloat16 = backward<bfloat16>;
}
