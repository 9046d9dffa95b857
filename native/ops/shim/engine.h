// The C interface between the engine and Rust (src/ffi.rs mirrors it, both sides assert the sizes). Ops thread, but for
// the waker. Nothing else of the engine is visible outside this folder.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

/* Bytes that somebody else owns, valid during the call they are passed to. */
struct KymoText {
  const char *data;
  size_t length;
};

struct KymoField {
  KymoText name;  // lower case in requests
  KymoText value; // without surrounding white space
};

struct KymoRequest {
  KymoText method;
  KymoText target; // as sent: origin-form, absolute-form or `*`
  const KymoField *fields;
  size_t field_count;
  size_t head_bytes; // request line and fields, as sent
  uint32_t minor_version; // 0 or 1
};

enum KymoResponseFlag : uint32_t {
  KYMO_CLOSE = 1,     // close the connection behind the answer
  KYMO_HEAD_ONLY = 2, // Content-Length of the body, without it
  KYMO_NO_LENGTH = 4, // 204: neither body nor Content-Length
};

struct KymoResponse {
  KymoText status; // "200 OK"
  const KymoField *fields;
  size_t field_count;
  KymoText body;       // stays valid until `release(body_owner)`
  void *body_owner;    // may be null
  void (*release)(void *body_owner);
  uint32_t flags;
};

enum KymoEvent : uint32_t {
  KYMO_CONNECTION_OPENED = 0,
  KYMO_CONNECTION_CLOSED = 1,
  KYMO_REFUSED_LIMIT = 2,       // over max_connections
  KYMO_REFUSED_DESCRIPTORS = 3, // no file descriptor left
  KYMO_PARSER_400 = 4,
  KYMO_PARSER_431 = 5,
  KYMO_PARSER_505 = 6,
  KYMO_TIMED_OUT = 7,           // a slow sender or reader was cut off
};

struct KymoEngine; // lives from on_started to the return of kymo_engine_run

struct KymoCallbacks {
  void *user;
  void (*on_started)(void *user, KymoEngine *engine);
  /* `exchange` names this request until on_finished; answer now or later, with kymo_engine_answer. */
  void (*on_request)(void *user, uint64_t exchange, const KymoRequest *request);
  /* Exactly once per request: complete, or aborted by the client or a time-out. */
  void (*on_finished)(void *user, uint64_t exchange, bool complete, uint64_t body_bytes);
  void (*on_wake)(void *user);
  void (*on_timer)(void *user);
  void (*on_event)(void *user, uint32_t event, uint64_t count);
};

struct KymoOptions {
  int32_t listen_descriptor;  // bound, listening, non-blocking; owned by the engine from here on
  uint32_t max_connections;
  uint32_t header_seconds;    // silence before a request is complete; the engine looks every 4 s
  uint32_t idle_seconds;      // silence between two requests
  uint32_t header_ms;         // from the first byte of a request to its last
  uint32_t response_ms;       // from the first byte of an answer to its last
  uint32_t send_buffer_bytes; // the kernel's, per connection
};

enum KymoEnd : int32_t {
  KYMO_END_STOPPED = 0,
  KYMO_END_NO_DESCRIPTORS = 1,
  KYMO_END_NO_LISTENER = 2,
  KYMO_END_FAULT = 3, // an exception left the engine; its connections are closed
};

struct KymoWaker; // any thread

KymoWaker *kymo_waker_new(void);
void kymo_waker_free(KymoWaker *waker);
/* Has on_wake called on the ops thread; does nothing before the start and after the end. */
void kymo_waker_wake(KymoWaker *waker);

/* Runs until the listener and every connection are closed. Never throws. */
int32_t kymo_engine_run(const KymoOptions *options, const KymoCallbacks *callbacks, KymoWaker *waker);
/* Releases the body at once when the exchange is over already. */
void kymo_engine_answer(KymoEngine *engine, uint64_t exchange, const KymoResponse *response);
/* Has on_timer called once, `ms` (at least 1) from now; the last call counts. */
void kymo_engine_set_timer(KymoEngine *engine, uint32_t ms);
/* No new connections; those without a request under way are closed, others after their answer. */
void kymo_engine_stop(KymoEngine *engine);
void kymo_engine_close_all(KymoEngine *engine);
/* Throws inside the engine, for the test that nothing leaves it. */
void kymo_engine_inject_fault(KymoEngine *engine);
}
