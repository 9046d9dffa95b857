// Runs uWebSockets behind the C interface of engine.h: owns the App, its cork, time-outs and handlers. Ops thread, but for
// the waker. Nobody else sees the App, every request has its abort handler before Rust hears of it, and no exception
// leaves: the engine ends, the process does not.
#include "engine.h"
#include "connection.h"
#include "descriptors.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>

extern "C" {
#include "internal/internal.h"
}

/* src/ffi.rs asserts the same numbers. */
static_assert(sizeof(void *) != 8 || (sizeof(KymoRequest) == 64 && sizeof(KymoResponse) == 72 && sizeof(KymoCallbacks) == 56));
static_assert(sizeof(KymoOptions) == 28);

struct KymoWaker {
  std::mutex lock;
  uWS::Loop *loop = nullptr;
  KymoEngine *engine = nullptr;
};

namespace {

std::string_view view(KymoText text) { return {text.data, text.length}; }
KymoText text(std::string_view view) { return {view.data(), view.length()}; }
us_socket_t *socket_of(kymo::Response *response) { return (us_socket_t *) response; }

/* What one connection is given in one turn of the loop; others are served in between. The kernel's buffer holds four times as
 * much: filling it took 61 us of the thread's time, 157 us in one of a hundred cases; a piece takes 21 and 78 (8 MB bodies over
 * loopback, on two cores that others used as well). */
constexpr size_t PIECE_BYTES = 64 << 10;

/* For a client that takes nothing of a body; the engine's own, behind a write that was cut short. */
constexpr unsigned int STALL_SECONDS = 10;

/* Leaves the loop after a fault that was caught below a Rust frame. */
struct Fault {};

} // namespace

struct KymoEngine {
  KymoEngine(const KymoOptions &options, const KymoCallbacks &callbacks) : options_(options), callbacks_(callbacks) {}

  int32_t run(KymoWaker *waker);

  void answer(uint64_t exchange, const KymoResponse &response);
  void set_timer(uint32_t ms) {
    us_timer_set(timer_, [](us_timer_t *) { current->timer_rang(); }, (int) std::min<uint32_t>(ms, INT_MAX), 0);
  }
  void stop();
  void close_all() {
    stopping_ = true;
    app_->close();
    listener_ = nullptr;
  }
  /* Marks the engine as broken; the next frame of ours above the Rust one throws. */
  void fail() noexcept { failed_ = true; }
  void throw_if_failed() {
    if (failed_) {
      throw Fault{};
    }
  }

  void on_pipelined(us_socket_t *socket) {
    if (kymo::Connection *c = find(socket)) {
      c->closing = true;
      c->engine_closes = true;
    }
  }
  void event(KymoEvent what, uint64_t count = 1) { callbacks_.on_event(callbacks_.user, what, count); }
  void inject_fault() { throw std::logic_error("injected"); }
  void wake() {
    callbacks_.on_wake(callbacks_.user);
    throw_if_failed();
  }
  void timer_rang() {
    callbacks_.on_timer(callbacks_.user);
    throw_if_failed();
  }

private:
  using Connections = std::unordered_map<void *, std::unique_ptr<kymo::Connection>>;

  bool listen();
  void hook_events();
  void opened(kymo::Response *response);
  void closed(kymo::Response *response);
  void requested(kymo::Response *response, uWS::HttpRequest *request);
  us_socket_t *data(us_socket_t *socket, char *bytes, int length);
  void write_head(kymo::Connection &c, const KymoResponse &response);
  void push(uint64_t exchange, bool close);
  void poll_writable(us_socket_t *socket);
  bool resume(uint64_t exchange);
  void finish(kymo::Connection &c, bool complete);
  void settle(us_socket_t *socket, uint64_t connection);
  void abandon() noexcept;

  kymo::Connection *find(us_socket_t *socket) {
    auto found = connections_.find(socket);
    return found == connections_.end() ? nullptr : found->second.get();
  }
  kymo::Connection *find_exchange(uint64_t exchange) {
    auto found = exchanges_.find(exchange);
    return found == exchanges_.end() ? nullptr : found->second;
  }

  const KymoOptions options_;
  const KymoCallbacks callbacks_;
  uWS::App *app_ = nullptr;
  us_listen_socket_t *listener_ = nullptr;
  us_timer_t *timer_ = nullptr;
  Connections connections_;
  std::unordered_map<uint64_t, kymo::Connection *> exchanges_;
  uint64_t last_id_ = 0;
  bool reading_ = false; // inside the engine's data handler: it corks before and flushes behind us
  bool stopping_ = false;
  bool failed_ = false;

  /* The engine's own handlers, which ours call. */
  us_socket_t *(*engine_data_)(us_socket_t *, char *, int) = nullptr;
  us_socket_t *(*engine_end_)(us_socket_t *) = nullptr;
  us_socket_t *(*engine_timeout_)(us_socket_t *) = nullptr;

public:
  static thread_local KymoEngine *current;
};

thread_local KymoEngine *KymoEngine::current = nullptr;

bool KymoEngine::listen() {
  /* The descriptor takes the port's place, see descriptors.cpp. */
  app_->listen("adopted", options_.listen_descriptor, 0, [this](us_listen_socket_t *socket) { listener_ = socket; });
  return listener_ != nullptr;
}

/* Wraps three of the engine's handlers: it neither ends a slow request that keeps trickling, nor answers a client that
 * has sent its FIN behind the request, nor reports time-outs. */
void KymoEngine::hook_events() {
  us_socket_context_t *context = us_socket_context(0, (us_socket_t *) listener_);
  engine_data_ = context->on_data;
  engine_end_ = context->on_end;
  engine_timeout_ = context->on_socket_timeout;
  us_socket_context_on_data(0, context, [](us_socket_t *s, char *bytes, int length) { return current->data(s, bytes, length); });
  us_socket_context_on_end(0, context, [](us_socket_t *s) {
    kymo::Connection *c = current->find(s);
    if (c && c->exchange) {
      c->closing = true;
      return s;
    }
    return current->engine_end_(s);
  });
  us_socket_context_on_timeout(0, context, [](us_socket_t *s) {
    if (current->find(s)) {
      current->event(KYMO_TIMED_OUT);
    }
    return current->engine_timeout_(s);
  });
}

void KymoEngine::opened(kymo::Response *response) {
  us_socket_t *socket = socket_of(response);
  if (connections_.size() >= options_.max_connections || stopping_) {
    event(KYMO_REFUSED_LIMIT);
    us_socket_close(0, socket, 0, nullptr);
    return;
  }
  auto connection = std::make_unique<kymo::Connection>();
  connection->id = ++last_id_;
  connection->response = response;
  connections_.emplace(socket, std::move(connection));
  /* Caps what the kernel holds for a client that does not read; unset, Linux grows it to 4 MB. */
  int bytes = (int) options_.send_buffer_bytes;
  setsockopt((int) (intptr_t) response->getNativeHandle(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  us_socket_timeout(0, socket, options_.header_seconds);
  event(KYMO_CONNECTION_OPENED);
}

void KymoEngine::closed(kymo::Response *response) {
  auto found = connections_.find(socket_of(response));
  if (found == connections_.end()) {
    return;
  }
  if (found->second->exchange) {
    /* The engine closes behind a complete answer before its call returns to us. */
    finish(*found->second, found->second->answered && response->hasResponded());
  }
  connections_.erase(found);
  event(KYMO_CONNECTION_CLOSED);
}

us_socket_t *KymoEngine::data(us_socket_t *socket, char *bytes, int length) {
  kymo::Connection *c = find(socket);
  if (!c) {
    return engine_data_(socket, bytes, length);
  }
  if (c->exchange) {
    /* A pipelined request; the answer under way is delivered, then the connection closes. */
    c->closing = true;
  }
  if (c->closing) {
    return socket;
  }
  uint64_t now = kymo::now_ms();
  if (!c->head_started) {
    c->head_started = now;
    us_socket_timeout(0, socket, options_.header_seconds);
  } else if (now - c->head_started > options_.header_ms) {
    event(KYMO_TIMED_OUT);
    return us_socket_close(0, socket, 0, nullptr);
  }
  uint64_t id = c->id;
  reading_ = true;
  us_socket_t *result = engine_data_(socket, bytes, length);
  reading_ = false;
  throw_if_failed();
  settle(socket, id);
  return result;
}

void KymoEngine::requested(kymo::Response *response, uWS::HttpRequest *request) {
  kymo::Connection *c = find(socket_of(response));
  if (!c) {
    response->close();
    return;
  }
  /* First of all: without it, a handler that returns without an answer is misuse. What follows an abort is in closed(). */
  response->onAborted([] {});
  uint64_t exchange = ++last_id_;
  c->exchange = exchange;
  c->head_started = 0;
  c->answered = false;
  c->engine_closes = request->isAncient() || request->getHeader("connection").length() == 5;
  exchanges_[exchange] = c;

  KymoField fields[UWS_HTTP_MAX_HEADERS_COUNT];
  size_t count = 0;
  std::string_view target = request->getFullUrl();
  const char *end = target.data() + target.length();
  for (auto [name, value] : *request) {
    fields[count++] = {text(name), text(value)};
    end = value.data() + value.length();
  }
  std::string_view method = request->getCaseSensitiveMethod();
  KymoRequest plain = {text(method), text(target), fields, count, (size_t) (end - method.data()), request->isAncient() ? 0u : 1u};
  callbacks_.on_request(callbacks_.user, exchange, &plain);
  throw_if_failed();
}

void KymoEngine::write_head(kymo::Connection &c, const KymoResponse &response) {
  c.response->writeStatus(view(response.status));
  for (size_t i = 0; i < response.field_count; i++) {
    c.response->writeHeader(view(response.fields[i].name), view(response.fields[i].value));
  }
  if (c.engine_closes) {
    /* It writes this field only when it is told to close, not when the client asked for it. */
    c.response->writeHeader("Connection", "close");
  }
}

void KymoEngine::answer(uint64_t exchange, const KymoResponse &response) {
  kymo::Body body(response);
  kymo::Connection *c = find_exchange(exchange);
  if (!c || c->answered) {
    return;
  }
  uint64_t id = c->id;
  us_socket_t *socket = socket_of(c->response);
  c->answered = true;
  c->answer_started = kymo::now_ms();
  c->body = std::move(body);
  c->closing |= (response.flags & KYMO_CLOSE) || stopping_ || c->engine_closes;
  bool close = c->closing && !c->engine_closes;
  c->response->cork([&] {
    write_head(*c, response);
    if (response.flags & KYMO_NO_LENGTH) {
      c->response->endWithoutBody(std::nullopt, close);
      finish(*c, true);
    } else if (response.flags & KYMO_HEAD_ONLY) {
      c->response->writeHeader("Content-Length", (uint64_t) c->body.text().length());
      c->response->endWithoutBody(std::nullopt, close);
      finish(*c, true);
    } else {
      push(exchange, close);
    }
  });
  if (!reading_) {
    settle(socket, id);
  }
}

/* Gives the kernel one piece of the body; the rest follows in later turns of the loop, when it has room. */
void KymoEngine::push(uint64_t exchange, bool close) {
  kymo::Connection *c = find_exchange(exchange);
  kymo::Response *response = c->response;
  std::string_view body = c->body.text();
  size_t offset = (size_t) response->getWriteOffset();
  auto [all, done] = response->tryEnd(body.substr(offset, PIECE_BYTES), body.length(), close);
  c = find_exchange(exchange);
  if (!c) {
    return;
  }
  if (done) {
    finish(*c, true);
    return;
  }
  if (all) {
    poll_writable(socket_of(response));
  }
  if (offset == 0) {
    response->onWritable([this, exchange](uintmax_t) { return resume(exchange); });
  }
}

/* Has the socket's handler called again as soon as the kernel has room, as the engine does behind a write that was cut short. */
void KymoEngine::poll_writable(us_socket_t *socket) {
  us_loop_t *loop = us_socket_context(0, socket)->loop;
  loop->data.last_write_failed = 1;
  us_poll_change((us_poll_t *) socket, loop, LIBUS_SOCKET_READABLE | LIBUS_SOCKET_WRITABLE);
  us_socket_timeout(0, socket, STALL_SECONDS);
}

bool KymoEngine::resume(uint64_t exchange) {
  kymo::Connection *c = find_exchange(exchange);
  if (!c) {
    return true;
  }
  uint64_t id = c->id;
  us_socket_t *socket = socket_of(c->response);
  if (kymo::now_ms() - c->answer_started > options_.response_ms) {
    event(KYMO_TIMED_OUT);
    us_socket_close(0, socket, 0, nullptr);
    return true;
  }
  push(exchange, false);
  settle(socket, id);
  return true;
}

void KymoEngine::finish(kymo::Connection &c, bool complete) {
  uint64_t exchange = c.exchange;
  uint64_t bytes = c.response->getWriteOffset();
  c.exchange = 0;
  exchanges_.erase(exchange);
  c.body = kymo::Body();
  callbacks_.on_finished(callbacks_.user, exchange, complete, bytes);
}

/* Behind every flush: an answered connection either waits for its next request or ends. `id` tells whether the socket
 * still is the connection it was. */
void KymoEngine::settle(us_socket_t *socket, uint64_t id) {
  kymo::Connection *c = find(socket);
  if (!c || c->id != id || c->exchange) {
    return;
  }
  if (c->closing) {
    if (kymo::Socket::drained(c->response)) {
      us_socket_shutdown(0, socket);
      us_socket_close(0, socket, 0, nullptr);
    }
  } else if (!c->head_started) {
    us_socket_timeout(0, socket, options_.idle_seconds);
  }
}

void KymoEngine::stop() {
  stopping_ = true;
  if (listener_) {
    us_listen_socket_close(0, listener_);
    listener_ = nullptr;
  }
  std::vector<us_socket_t *> idle;
  for (auto &[socket, c] : connections_) {
    if (!c->exchange) {
      idle.push_back((us_socket_t *) socket);
    } else {
      c->closing = true;
    }
  }
  for (us_socket_t *socket : idle) {
    us_socket_close(0, socket, 0, nullptr);
  }
}

/* After a fault the engine's structures are not to be trusted: only its descriptors are closed, its memory is left. */
void KymoEngine::abandon() noexcept {
  for (auto &[socket, c] : connections_) {
    ::close(us_poll_fd((us_poll_t *) socket));
    if (c->exchange) {
      callbacks_.on_finished(callbacks_.user, c->exchange, false, 0);
    }
    event(KYMO_CONNECTION_CLOSED);
  }
  if (listener_) {
    ::close(us_poll_fd((us_poll_t *) listener_));
  }
}

int32_t KymoEngine::run(KymoWaker *waker) {
  kymo::Reserve reserve;
  uWS::Loop *loop = uWS::Loop::get();
  us_loop_t *raw = (us_loop_t *) loop;
  bool complete = raw->fd >= 0;
  /* Falls through: it keeps no loop running. */
  timer_ = us_create_timer(raw, 1, 0);
#ifdef LIBUS_USE_EPOLL
  /* kqueue's timers and wake-ups have no descriptors of their own. */
  auto *data = (uWS::LoopData *) us_loop_ext(raw);
  complete = complete && us_poll_fd((us_poll_t *) raw->data.sweep_timer) >= 0 &&
             us_poll_fd((us_poll_t *) raw->data.wakeup_async) >= 0 && us_poll_fd((us_poll_t *) data->dateTimer) >= 0 &&
             us_poll_fd((us_poll_t *) timer_) >= 0;
#endif
  if (!complete) {
    us_timer_close(timer_);
    loop->free();
    ::close(options_.listen_descriptor);
    return KYMO_END_NO_DESCRIPTORS;
  }
  current = this;
  int32_t end = KYMO_END_STOPPED;
  /* Held by a pointer, because after a fault it must not be destroyed. */
  auto app = std::make_unique<uWS::App>();
  app_ = app.get();
  try {
    if (app_->constructorFailed()) {
      throw Fault{};
    }
    app_->filter([this](kymo::Response *response, int change) { change > 0 ? opened(response) : closed(response); });
    app_->any("/*", [this](kymo::Response *response, uWS::HttpRequest *request) { requested(response, request); });
    loop->addPostHandler(this, [this](uWS::Loop *) {
      if (uint64_t count = kymo::Reserve::take_refused()) {
        event(KYMO_REFUSED_DESCRIPTORS, count);
      }
    });
    if (!listen()) {
      end = KYMO_END_NO_LISTENER;
    } else {
      hook_events();
      {
        std::lock_guard guard(waker->lock);
        waker->loop = loop;
        waker->engine = this;
      }
      callbacks_.on_started(callbacks_.user, this);
      loop->run();
    }
  } catch (...) {
    end = KYMO_END_FAULT;
  }
  {
    std::lock_guard guard(waker->lock);
    waker->loop = nullptr;
    waker->engine = nullptr;
  }
  if (end == KYMO_END_FAULT) {
    abandon();
    (void) app.release();
  } else {
    loop->removePostHandler(this);
    app.reset();
    us_timer_close(timer_);
    loop->free();
  }
  current = nullptr;
  return end;
}

extern "C" {

void kymo_on_pipelined(us_socket_t *socket) {
  if (KymoEngine::current) {
    KymoEngine::current->on_pipelined(socket);
  }
}

void kymo_on_parser_error(us_socket_t *, unsigned int error) {
  if (KymoEngine::current) {
    KymoEngine::current->event(error == uWS::HTTP_ERROR_400_BAD_REQUEST ? KYMO_PARSER_400
        : error == uWS::HTTP_ERROR_431_REQUEST_HEADER_FIELDS_TOO_LARGE ? KYMO_PARSER_431 : KYMO_PARSER_505);
  }
}

KymoWaker *kymo_waker_new(void) { return new (std::nothrow) KymoWaker; }
void kymo_waker_free(KymoWaker *waker) { delete waker; }

void kymo_waker_wake(KymoWaker *waker) {
  try {
    std::lock_guard guard(waker->lock);
    if (KymoEngine *engine = waker->engine) {
      waker->loop->defer([engine] {
        engine->wake();
      });
    }
  } catch (...) {
    /* No memory for one more queue entry: an earlier wake-up is still queued and covers this one. */
  }
}

int32_t kymo_engine_run(const KymoOptions *options, const KymoCallbacks *callbacks, KymoWaker *waker) {
  try {
    /* Left alive after a fault: handlers inside the abandoned App still point at it. */
    auto *engine = new KymoEngine(*options, *callbacks);
    int32_t end = engine->run(waker);
    if (end != KYMO_END_FAULT) {
      delete engine;
    }
    return end;
  } catch (...) {
    return KYMO_END_FAULT;
  }
}

void kymo_engine_answer(KymoEngine *engine, uint64_t exchange, const KymoResponse *response) {
  try {
    engine->answer(exchange, *response);
  } catch (...) {
    engine->fail();
  }
}

void kymo_engine_set_timer(KymoEngine *engine, uint32_t ms) { engine->set_timer(ms); }

void kymo_engine_stop(KymoEngine *engine) {
  try {
    engine->stop();
  } catch (...) {
    engine->fail();
  }
}

void kymo_engine_close_all(KymoEngine *engine) {
  try {
    engine->close_all();
  } catch (...) {
    engine->fail();
  }
}

void kymo_engine_inject_fault(KymoEngine *engine) {
  try {
    engine->inject_fault();
  } catch (...) {
    engine->fail();
  }
}
}
