// The two places where the engine makes descriptors, replaced when its C files are compiled (see ../build.rs). Ops thread.
#include "descriptors.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include "libusockets.h"
#include "internal/networking/bsd.h"
}

namespace {

/* The descriptor given up to accept, and thereby close, a client when none is left. */
thread_local int reserve = -1;
thread_local uint64_t refused = 0;

int open_reserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

} // namespace

namespace kymo {

Reserve::Reserve() { reserve = open_reserve(); }

Reserve::~Reserve() {
  if (reserve >= 0) {
    close(reserve);
    reserve = -1;
  }
}

uint64_t Reserve::take_refused() {
  uint64_t count = refused;
  refused = 0;
  return count;
}

} // namespace kymo

extern "C" {

/* The engine's own version binds with SO_REUSEPORT, copies a socket path unchecked and unlinks what it finds there. Ours
 * takes the socket that Rust has bound: its descriptor comes in place of the port. */
LIBUS_SOCKET_DESCRIPTOR kymo_adopt_listener(const char *, int descriptor, int) { return descriptor; }

/* Without a descriptor left, the engine leaves the client in the queue and epoll reports it again at once: a full core.
 * Here the client is accepted with the reserve and closed. */
LIBUS_SOCKET_DESCRIPTOR kymo_accept_socket(LIBUS_SOCKET_DESCRIPTOR listener, struct bsd_addr_t *address) {
  for (;;) {
    LIBUS_SOCKET_DESCRIPTOR client = bsd_accept_socket(listener, address);
    if (client != LIBUS_SOCKET_ERROR) {
#ifndef SOCK_CLOEXEC
      /* Where accept4 is missing, the engine would leave it open in the application's child processes. */
      fcntl(client, F_SETFD, FD_CLOEXEC);
#endif
      return client;
    }
    bool none_left = errno == EMFILE || errno == ENFILE;
    bool no_memory = errno == ENOBUFS || errno == ENOMEM;
    if (none_left && reserve >= 0) {
      close(reserve);
      client = bsd_accept_socket(listener, address);
      if (client != LIBUS_SOCKET_ERROR) {
        close(client);
        refused++;
      }
      reserve = open_reserve();
      if (client != LIBUS_SOCKET_ERROR) {
        continue;
      }
    } else if (none_left) {
      reserve = open_reserve();
    }
    if (none_left || no_memory) {
      /* Another thread was faster: 100 attempts a second cost nothing, a spin would. */
      usleep(10 * 1000);
    }
    return LIBUS_SOCKET_ERROR;
  }
}
}
