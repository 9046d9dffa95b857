// One client's connection and the request it has under way. Ops thread.
#pragma once

#include "App.h"
#include "engine.h"

#include <chrono>
#include <utility>

namespace kymo {

using Response = uWS::HttpResponse<false>;

inline uint64_t now_ms() {
  using namespace std::chrono;
  return (uint64_t) duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

/* A body that Rust owns and shares between connections; released exactly once. */
class Body {
public:
  Body() = default;
  explicit Body(const KymoResponse &r) : text_(r.body.data, r.body.length), owner_(r.body_owner), release_(r.release) {}
  Body(Body &&other) noexcept { swap(other); }
  Body &operator=(Body &&other) noexcept {
    Body(std::move(other)).swap(*this);
    return *this;
  }
  ~Body() {
    if (release_ && owner_) {
      release_(owner_);
    }
  }
  std::string_view text() const { return text_; }

private:
  void swap(Body &other) noexcept {
    std::swap(text_, other.text_);
    std::swap(owner_, other.owner_);
    std::swap(release_, other.release_);
  }
  std::string_view text_;
  void *owner_ = nullptr;
  void (*release_)(void *) = nullptr;
};

struct Connection {
  uint64_t id = 0;
  Response *response = nullptr;
  uint64_t exchange = 0;       // 0: no request under way
  uint64_t head_started = 0;   // ms; 0: no byte of a request has arrived
  uint64_t answer_started = 0; // ms
  bool answered = false;       // kymo_engine_answer was called for this exchange
  bool engine_closes = false;  // the engine closes by itself behind the answer (HTTP/1.0, `Connection: close`)
  bool closing = false;        // nothing is read any more
  Body body;
};

/* Reaches what the engine's socket keeps to its own classes. */
struct Socket : uWS::AsyncSocket<false> {
  static bool drained(Response *response) { return static_cast<Socket *>(static_cast<uWS::AsyncSocket<false> *>(response))->getBufferedAmount() == 0; }
};

} // namespace kymo
