// What the patched engine calls back (see ../patches.rs). Ops thread.
#pragma once

extern "C" {
struct us_socket_t;
/* A further request arrived while one is being answered, or behind one whose answer closes the connection. */
void kymo_on_pipelined(struct us_socket_t *socket);
/* The parser refuses the bytes; `error` is a uWS::HttpError. The engine then answers and closes. */
void kymo_on_parser_error(struct us_socket_t *socket, unsigned int error);
}
