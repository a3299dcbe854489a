// Convolution by 3x3 at stride 1 with padding 1, and its two gradients, by Winograd's F(2x2, 3x3): 16 multiplications
// where the sum itself takes 36 (Lavin and Gray 2016, section 4.1).
//
//   y = A^T [(G w G^T) * (B^T d B)] A,    d: the 4x4 of x around a tile of 2x2 of y
//
// Over all channels each of the 16 places of a tile is a product of matrices. The last row of A and of B has the other
// sign than in the paper, so that nothing is negated.
//
// Images are [images, height, width, channels] in memory (channels_last), of float or bfloat16; weights are
// [out, 3, 3, in], of float; channels come in sixteens. Sums are of float, and do not depend on the number of threads.

#include "lanes.h"

#include <cstdlib>
#include <numeric>

#ifdef __AVX512F__

using Vector = Floats<16>;
using Word = uint32_t;  // a float, or two bfloat16 side by side, which one instruction multiplies and adds

template <class T>
constexpr int PAIR = sizeof(Word) / sizeof(T);
template <class T>
constexpr int WORDS = 16 / PAIR<T>;  // of 16 numbers

// From one of the 16 places of a tile to the next: a power of two apart, all would fall on the same lines of the cache.
template <class T>
static long apart(long count) { return count + 64 / sizeof(T); }

static inline Vector multiply_add(Vector sum, float, Word a, Vector b) {
  return sum + ((Floats<1>)(Lanes<Word, 1>{a}))[0] * b;
}

// Writes a, then b; `Pairwise` writes a number of each in turn, if two are a word.
template <bool Pairwise>
static inline void write(float* to, Vector a, Vector b) {
  store<16>(to, a);
  store<16>(to + 16, b);
}

#ifdef __AVX512BF16__
static inline Vector multiply_add(Vector sum, bfloat16, Word a, Vector b) {
  return (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(a), (__m512bh)b);
}

template <bool Pairwise>
static inline void write(bfloat16* to, Vector a, Vector b) {
  auto halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a);
  const Lanes<uint16_t, 32> order = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  if (Pairwise) halves = _mm512_permutexvar_epi16((__m512i)order, halves);
  std::memcpy(to, &halves, sizeof halves);
}
#endif

// Memory of a thread, which is kept from call to call.
class Scratch {
  void* memory = nullptr;
  size_t size = 0;

 public:
  ~Scratch() { std::free(memory); }

  template <class T>
  T* take(size_t count) {
    size_t wanted = (count * sizeof(T) + 63) / 64 * 64;
    if (wanted > size) {
      std::free(memory);
      memory = std::aligned_alloc(64, size = wanted);
    }
    return static_cast<T*>(memory);
  }
};

// out[n][r] = left[r] right[n], or is added to, for R rows and N blocks of 16 columns; a step is WORDS deep.
// Left lies at r * ROW + depth * DEEP: rows are tiles in `convolve`, channels in `weight_gradient`. Right: depth * 16.
template <class T, int R, int N, int ROW, int DEEP>
static inline void multiply(long steps, const Word* left, long left_step, const Word* right, long right_block,
                            float* out, long out_block, bool add) {
  Vector sums[R][N] = {};
  if (add)
    for (int r = 0; r < R; r++)
      for (int n = 0; n < N; n++) sums[r][n] = load<16>(out + n * out_block + r * 16);
  for (long step = 0; step < steps; step++, left += left_step, right += WORDS<T> * 16) {
#pragma GCC unroll 16
    for (int d = 0; d < WORDS<T>; d++) {
      Vector b[N];
#pragma GCC unroll 2
      for (int n = 0; n < N; n++) b[n] = load<16>((const float*)right + n * right_block + d * 16);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int n = 0; n < N; n++) sums[r][n] = multiply_add(sums[r][n], T(), left[r * ROW + d * DEEP], b[n]);
    }
  }
  for (int r = 0; r < R; r++)
    for (int n = 0; n < N; n++) store<16>(out + n * out_block + r * 16, sums[r][n]);
}

// The same for all rows and columns, both in sixteens; from one sixteen of rows to the next it is `left_rows`.
template <class T, int ROW, int DEEP>
static void product(long rows, long columns, long steps, const Word* left, long left_rows, long left_step,
                    const Word* right, long right_block, float* out, long out_block, bool add) {
  for (long n = 0; n < columns / 16; n += 2)
    for (long r = 0; r < rows; r += 16) {
      auto a = left + r / 16 * left_rows;
      auto b = right + n * right_block;
      auto to = out + n * out_block + r * 16;
      if (n + 1 == columns / 16) {
        multiply<T, 16, 1, ROW, DEEP>(steps, a, left_step, b, right_block, to, out_block, add);
      } else {
        multiply<T, 8, 2, ROW, DEEP>(steps, a, left_step, b, right_block, to, out_block, add);
        multiply<T, 8, 2, ROW, DEEP>(steps, a + 8 * ROW, left_step, b, right_block, to + 8 * 16, out_block, add);
      }
    }
}

// The tiles of some images: rows of an even number, in blocks that make a multiple of 16 and fit the second cache.
struct Tiles {
  long height, width, down, across, rows, step, count, blocks;

  Tiles(long images, long height, long width) : height(height), width(width) {
    down = (height + 1) / 2, across = (width + 3) / 4 * 2, rows = images * down;
    if (across > 64) across = (across + 15) / 16 * 16;  // otherwise it could take 8 long rows to a multiple of 16
    step = 16 / std::gcd(16L, across);
    step *= std::max(1L, 64 / (step * across));
    count = step * across, blocks = (rows + step - 1) / step;
  }

  bool has(long row, long y) const { return row < rows && y >= 0 && y < height; }

  // Where in [images, height, width, channels] line y of the image begins that a row of tiles belongs to.
  long line(long row, long y, long channels) const { return (row / down * height + y) * width * channels; }

  // B^T d B of the tiles of a block: [16 places, `next` apart][channels / 16][count][16].
  template <bool Pairwise, class T>
  void surroundings(const T* x, long channels, long block, T* v, long next) const {
    const long width = this->width, across = this->across;  // what is written could be these, for all a compiler knows
    static thread_local Scratch zeros;
    T* nothing = zeros.take<T>(width * channels);
    std::fill_n(nothing, width * channels, T());
    for (long r = 0; r < step; r++) {
      long row = block * step + r, top = row % down * 2 - 1;
      const T* lines[4];
      for (int i = 0; i < 4; i++) lines[i] = has(row, top + i) ? x + line(row, top + i, channels) : nothing;
      for (long c = 0; c < channels; c += 16) {
        const T *line0 = lines[0] + c, *line1 = lines[1] + c, *line2 = lines[2] + c, *line3 = lines[3] + c;
        auto column = [=](long at, Vector* w) __attribute__((always_inline)) {
          if (at >= width) {
            for (int i = 0; i < 4; i++) w[i] = Vector();
            return;
          }
          at *= channels;
          Vector d[4] = {load<16>(line0 + at), load<16>(line1 + at), load<16>(line2 + at), load<16>(line3 + at)};
          w[0] = d[0] - d[2], w[1] = d[1] + d[2], w[2] = d[2] - d[1], w[3] = d[3] - d[1];
        };
        Vector w[6][4] = {};  // the columns of two tiles, of which the next two share two
        column(0, w[1]);
        T* to = v + c * count + r * across * 16;
        for (long tile = 0; tile < across; tile += 2, to += 32) {
#pragma GCC unroll 4
          for (int j = 0; j < 4; j++) column(2 * tile + 1 + j, w[2 + j]);
          T* place = to;
#pragma GCC unroll 4
          for (int i = 0; i < 4; i++) {
            write<Pairwise>(place, w[0][i] - w[2][i], w[2][i] - w[4][i]), place += next;
            write<Pairwise>(place, w[1][i] + w[2][i], w[3][i] + w[4][i]), place += next;
            write<Pairwise>(place, w[2][i] - w[1][i], w[4][i] - w[3][i]), place += next;
            write<Pairwise>(place, w[3][i] - w[1][i], w[5][i] - w[3][i]), place += next;
          }
#pragma GCC unroll 4
          for (int i = 0; i < 4; i++) w[0][i] = w[4][i], w[1][i] = w[5][i];
        }
      }
    }
  }

  // A^T m A of the tiles of a block, m: [16 places, `next` apart][channels / 16][count][16].
  template <class T>
  void results(const float* m, long next, long channels, long block, T* y) const {
    for (long r = 0; r < std::min(step, rows - block * step); r++) {
      long row = block * step + r, top = row % down * 2;
      for (long c = 0; c < channels; c += 16)
        for (long left = 0; left < width; left += 2) {
          const float* from = m + c * count + (r * across + left / 2) * 16;
          Vector s[2][4];
#pragma GCC unroll 4
          for (int j = 0; j < 4; j++) {
            Vector q[4];
            for (int i = 0; i < 4; i++) q[i] = load<16>(from + (4 * i + j) * next);
            s[0][j] = q[0] + q[1] + q[2], s[1][j] = q[1] - q[2] + q[3];
          }
          T* to = y + line(row, top, channels) + left * channels + c;
#pragma GCC unroll 2
          for (int i = 0; i < 2 && top + i < height; i++, to += width * channels) {
            store<16>(to, s[i][0] + s[i][1] + s[i][2]);
            if (left + 1 < width) store<16>(to + channels, s[i][1] - s[i][2] + s[i][3]);
          }
        }
    }
  }

  // A dy A^T of the tiles of a block, pairwise: [16 places, `next` apart][channels / 16][count][16].
  template <class T>
  void gradients(const T* dy, long channels, long block, T* z, long next) const {
    for (long r = 0; r < step; r++) {
      long row = block * step + r, top = row % down * 2;
      for (long c = 0; c < channels; c += 16)
        for (long tile = 0; tile < across; tile += 2) {
          Vector e[4][4];
#pragma GCC unroll 4
          for (int j = 0; j < 4; j++) {
            long left = 2 * tile + j;
            Vector d[2] = {};
            for (int i = 0; i < 2; i++)
              if (left < width && has(row, top + i))
                d[i] = load<16>(dy + line(row, top + i, channels) + left * channels + c);
            e[j][0] = d[0], e[j][1] = d[0] + d[1], e[j][2] = d[0] - d[1], e[j][3] = d[1];
          }
          T* place = z + c * count + (r * across + tile) * 16;
#pragma GCC unroll 4
          for (int i = 0; i < 4; i++) {
            write<true>(place, e[0][i], e[2][i]), place += next;
            write<true>(place, e[0][i] + e[1][i], e[2][i] + e[3][i]), place += next;
            write<true>(place, e[0][i] - e[1][i], e[2][i] - e[3][i]), place += next;
            write<true>(place, e[1][i], e[3][i]), place += next;
          }
        }
    }
  }
};

// G w G^T of 16 channels, w: [3][3], `next` apart; mirrored for the gradient of x.
static inline void transform(const float* w, long next, bool mirrored, Vector* u) {
  Vector h[4][3];
  for (int j = 0; j < 3; j++) {
    Vector g[3];
    for (int i = 0; i < 3; i++) g[i] = load<16>(w + (mirrored ? 8 - 3 * i - j : 3 * i + j) * next);
    h[0][j] = g[0], h[1][j] = (g[0] + g[1] + g[2]) * .5f, h[2][j] = (g[0] - g[1] + g[2]) * .5f, h[3][j] = g[2];
  }
  for (int i = 0; i < 4; i++) {
    u[4 * i] = h[i][0], u[4 * i + 1] = (h[i][0] + h[i][1] + h[i][2]) * .5f;
    u[4 * i + 2] = (h[i][0] - h[i][1] + h[i][2]) * .5f, u[4 * i + 3] = h[i][2];
  }
}

// y from x; backwards x from y, with the same w.
template <class T>
static void convolve(const T* x, const float* w, T* y, long images, long height, long width, long in, long out,
                     int backwards) {
  const Tiles tiles(images, height, width);
  const long u_next = apart<T>(in * out), v_next = apart<T>(tiles.count * in), m_next = apart<float>(tiles.count * out);
  static thread_local Scratch weights;
  T* const u = weights.take<T>(16 * u_next);  // [16][out / 16][in / PAIR][16] words
#pragma omp parallel
  {
    static thread_local Scratch before, after;
    T* const v = before.take<T>(16 * v_next);
    float* const m = after.take<float>(16 * m_next);
    if (backwards) {
#pragma omp for schedule(static)
      for (long k = 0; k < in; k += 2)
        for (long c = 0; c < out; c += 16) {
          Vector a[16], b[16];
          transform(w + k * 9 * out + c, out, true, a);
          transform(w + (k + 1) * 9 * out + c, out, true, b);
          for (int p = 0; p < 16; p++) write<true>(u + p * u_next + c * in + k * 16, a[p], b[p]);
        }
    } else {
#pragma omp for schedule(static)
      for (long block = 0; block < out; block += 16)
        for (long c = 0; c < in; c += 16)
          for (long k = block; k < block + 16; k++) {
            Vector a[16];
            transform(w + k * 9 * in + c, in, false, a);
            for (int p = 0; p < 16; p++) {
              T numbers[16];
              store<16>(numbers, a[p]);
              T* to = u + p * u_next + block * in + c * 16 + (k - block) * PAIR<T>;
              for (int d = 0; d < WORDS<T>; d++, to += 16 * PAIR<T>)
                std::memcpy(to, numbers + d * PAIR<T>, sizeof(Word));
            }
          }
    }
#pragma omp for schedule(static)
    for (long block = 0; block < tiles.blocks; block++) {
      tiles.surroundings<false>(x, in, block, v, v_next);
      for (int p = 0; p < 16; p++)
        product<T, WORDS<T>, 1>(tiles.count, out, in / 16, (Word*)(v + p * v_next), 16 * WORDS<T>,
                                tiles.count * WORDS<T>, (Word*)(u + p * u_next), in * WORDS<T>, m + p * m_next,
                                tiles.count * 16, false);
      tiles.results(m, m_next, out, block, y);
    }
  }
}

// dw = G^T [sum over tiles of (B^T d B) * (A dy A^T)] G, in parts that do not depend on the number of threads
template <class T>
static void weight_gradient(const T* x, const T* dy, float* dw, long images, long height, long width, long in,
                            long out) {
  const Tiles tiles(images, height, width);
  const long most = std::clamp((1L << 19) / (in * out), 2L, 8L), share = (tiles.blocks + most - 1) / most;
  const long parts = (tiles.blocks + share - 1) / share;
  const long v_next = apart<T>(tiles.count * in), z_next = apart<T>(tiles.count * out), next = apart<float>(in * out);
  static thread_local Scratch totals;
  float* const sums = totals.take<float>(parts * 16 * next);  // [parts][16][in / 16][out][16]
#pragma omp parallel
  {
    static thread_local Scratch before, behind;
    T *const v = before.take<T>(16 * v_next), *const z = behind.take<T>(16 * z_next);
#pragma omp for schedule(static)
    for (long part = 0; part < parts; part++)
      for (long block = part * share; block < std::min((part + 1) * share, tiles.blocks); block++) {
        tiles.surroundings<true>(x, in, block, v, v_next);
        tiles.gradients(dy, out, block, z, z_next);
        for (int p = 0; p < 16; p++)
          product<T, 1, 16>(out, in, tiles.count / 16, (Word*)(z + p * z_next), tiles.count * WORDS<T>, 16 * WORDS<T>,
                            (Word*)(v + p * v_next), tiles.count * WORDS<T>, sums + (part * 16 + p) * next, out * 16,
                            block > part * share);
      }
#pragma omp for schedule(static)
    for (long k = 0; k < out; k++)
      for (long c = 0; c < in; c += 16) {
        Vector m[4][4] = {};
        for (long part = 0; part < parts; part++)
          for (int p = 0; p < 16; p++) m[p / 4][p % 4] += load<16>(sums + (part * 16 + p) * next + c * out + k * 16);
        Vector h[3][4];
        for (int j = 0; j < 4; j++) {
          auto middle = (m[1][j] + m[2][j]) * .5f;
          h[0][j] = m[0][j] + middle, h[1][j] = (m[1][j] - m[2][j]) * .5f, h[2][j] = middle + m[3][j];
        }
        for (int i = 0; i < 3; i++) {
          auto middle = (h[i][1] + h[i][2]) * .5f;
          float* to = dw + (k * 9 + 3 * i) * in + c;
          store<16>(to, h[i][0] + middle);
          store<16>(to + in, (h[i][1] - h[i][2]) * .5f);
          store<16>(to + 2 * in, middle + h[i][3]);
        }
      }
  }
}

extern "C" {
auto convolve_float32 = convolve<float>;
auto weight_gradient_float32 = weight_gradient<float>;
#ifdef __AVX512BF16__
auto convolve_bfloat16 = convolve<bfloat16>;
auto weight_gradient_bfloat16 = weight_gradient<bfloat16>;
#endif
}
#endif
