//! What we change in the engine's sources, each by exact match: a text that is not found as often as expected stops the
//! build. Runs in cargo's build process.

/// One replacement.
pub struct Patch {
    pub file: &'static str,
    /// How often `find` must occur; every occurrence is replaced.
    pub times: usize,
    pub find: &'static str,
    pub replace: &'static str,
    pub why: &'static str,
}

const PARSER: &str = "src/HttpParser.h";
const CONTEXT: &str = "src/HttpContext.h";

pub const PATCHES: &[Patch] = &[
    Patch {
        file: PARSER,
        times: 1,
        find: r#"(size_t) atoi(optional_ptr(getenv("UWS_HTTP_MAX_HEADERS_SIZE")).value_or((char *) "4096"));"#,
        replace: "4096;",
        why: "the header limit is ours, never a variable in the application's environment",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "if (data[0] == 32 && data[1] == '/') {",
        replace: "if (data[0] == 32 && (unsigned char) data[1] > 32) {",
        why: "absolute-form and `OPTIONS *` are legal targets (RFC 9112, 3.2); Rust decides about them",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: r#"if (memcmp(" HTTP/1.1\r\n", data, 11) == 0) {"#,
        replace: r#"if (memcmp(" HTTP/1.1\r\n", data, 11) == 0 || memcmp(" HTTP/1.0\r\n", data, 11) == 0) {"#,
        why: "HTTP/1.0 clients (HAProxy checks, nginx, ab) get an answer instead of 505",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "req->ancientHttp = false;",
        replace: "req->ancientHttp = req->headers->value.data()[req->headers->value.length() + 8] == '0';",
        why: "the version stands right behind the target: ` HTTP/1.x`",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: r#"if (!req->getHeader("host").data()) {"#,
        replace: r#"if (!req->ancientHttp && !req->getHeader("host").data()) {"#,
        why: "HTTP/1.0 has no Host",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "        /* The request line is different from the field names / field values */
        if (!(postPaddedBuffer = consumeRequestLine(postPaddedBuffer, headers[0]))) {
            /* Error - invalid request line */
            /* Assuming it is 505 HTTP Version Not Supported */
            err = HTTP_ERROR_505_HTTP_VERSION_NOT_SUPPORTED;
            return 0;
        }
        headers++;
",
        replace: "        /* kymo: a request line that has not arrived in full is no error (it came as 505) */
        if (!memchr(start, 10, (size_t) (end - start))) {
            return 0;
        }
        if (!(postPaddedBuffer = consumeRequestLine(postPaddedBuffer, headers[0]))) {
            err = kymoRequestLineError(start, end);
            return 0;
        }
        headers++;
        /* kymo: no header field at all (legal for HTTP/1.0; 1.1 gets 400 for the missing Host) */
        if (postPaddedBuffer[0] == '\\r' && postPaddedBuffer[1] == '\\n') {
            headers->key = std::string_view(nullptr, 0);
            return (unsigned int) ((postPaddedBuffer + 2) - start);
        }
",
        why: "a request line split over two packets got 505, and a request without fields no answer at all",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "    /* End is only used for the proxy parser.",
        replace: "    /* kymo: 505 for a version we do not speak, 400 for a line that is no request line */
    static unsigned int kymoRequestLineError(const char *start, const char *end) {
        std::string_view line(start, (size_t) ((const char *) memchr(start, 10, (size_t) (end - start)) - start));
        if (line.length() && line.back() == '\\r') {
            line.remove_suffix(1);
        }
        size_t space = line.rfind(' ');
        std::string_view version = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
        bool spoken = version == \"HTTP/1.1\" || version == \"HTTP/1.0\";
        return version.substr(0, 5) == \"HTTP/\" && !spoken ? HTTP_ERROR_505_HTTP_VERSION_NOT_SUPPORTED : HTTP_ERROR_400_BAD_REQUEST;
    }

    /* kymo: standing on p, tells a malformed field from one that has not arrived in full */
    static unsigned int kymoFieldError(const char *p, const char *end) {
        return p < end && !(p[0] == '\\r' && p + 1 == end) ? HTTP_ERROR_400_BAD_REQUEST : 0;
    }

    /* End is only used for the proxy parser.",
        why: "the two functions that the other patches of this file call",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "            if (postPaddedBuffer[0] != ':') {
                /* Error: invalid chars in field name */
                return 0;
            }",
        replace: "            if (postPaddedBuffer[0] != ':' || postPaddedBuffer == preliminaryKey) {
                err = kymoFieldError(postPaddedBuffer, end);
                return 0;
            }",
        why: "a malformed field name hung until the time-out; an empty name ended the list and hid every field behind it",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "                    /* Error - invalid chars in field value */
                    return 0;",
        replace: "                    err = kymoFieldError(postPaddedBuffer, end);
                    return 0;",
        why: "control bytes in a field value hung until the time-out",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "                        /* \\r\\n\\r plus non-\\n letter is malformed request, or simply out of search space */
                        return 0;",
        replace: "                        err = kymoFieldError(postPaddedBuffer, end);
                        return 0;",
        why: "a bare CR where a field begins hung until the time-out",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "                /* We are either out of search space or this is a malformed request */
                return 0;",
        replace: "                err = kymoFieldError(postPaddedBuffer, end);
                return 0;",
        why: "a bare CR in a field value hung until the time-out",
    },
    Patch {
        file: PARSER,
        times: 1,
        find: "        /* We ran out of header space, too large request */
        return 0;",
        replace: "        err = HTTP_ERROR_431_REQUEST_HEADER_FIELDS_TOO_LARGE;
        return 0;",
        why: "more than 98 short fields hung until the time-out",
    },
    Patch {
        file: CONTEXT,
        times: 1,
        find: "                /* For every request we reset the timeout and hang until user makes action */
                /* Warning: if we are in shutdown state, resetting the timer is a security issue! */
                us_socket_timeout(SSL, (us_socket_t *) s, 0);

                /* Reset httpResponse */
                HttpResponseData<SSL> *httpResponseData = (HttpResponseData<SSL> *) us_socket_ext(SSL, (us_socket_t *) s);
                httpResponseData->offset = 0;

                /* Are we not ready for another request yet? Terminate the connection. */
                if (httpResponseData->state & HttpResponseData<SSL>::HTTP_RESPONSE_PENDING) {
                    us_socket_close(SSL, (us_socket_t *) s, 0, nullptr);
                    return nullptr;
                }
",
        replace: "                HttpResponseData<SSL> *httpResponseData = (HttpResponseData<SSL> *) us_socket_ext(SSL, (us_socket_t *) s);

                /* kymo: a request behind one whose answer is under way, or whose answer closes the connection, is not
                 * read; the answer is delivered, then the connection closes (RFC 9112, 9.3.2) */
                if (httpResponseData->state & (HttpResponseData<SSL>::HTTP_RESPONSE_PENDING | HttpResponseData<SSL>::HTTP_CONNECTION_CLOSE)) {
                    httpResponseData->state |= HttpResponseData<SSL>::HTTP_CONNECTION_CLOSE;
                    kymo_on_pipelined((us_socket_t *) s);
                    return nullptr;
                }

                /* For every request we reset the timeout and hang until user makes action */
                us_socket_timeout(SSL, (us_socket_t *) s, 0);
                httpResponseData->offset = 0;
",
        why: "a pipelined request cut off the answer before it, and was still answered after one that closes (smuggling)",
    },
    Patch {
        file: CONTEXT,
        times: 1,
        find: "                /* For errors, we only deliver them",
        replace: "                kymo_on_parser_error(s, err);
                ((AsyncSocket<SSL> *) s)->uncork();
                /* For errors, we only deliver them",
        why: "answers that the parser gives by itself are counted too, and must not overtake the one still corked",
    },
    Patch {
        file: CONTEXT,
        times: 1,
        find: "            if (returnedSocket == FULLPTR) {",
        replace: "            /* kymo: garbage behind a request whose answer is under way, or closes, does not cut that answer off */
            if (returnedSocket == FULLPTR && (httpResponseData->state & (HttpResponseData<SSL>::HTTP_RESPONSE_PENDING | HttpResponseData<SSL>::HTTP_CONNECTION_CLOSE))) {
                httpResponseData->state |= HttpResponseData<SSL>::HTTP_CONNECTION_CLOSE;
                kymo_on_pipelined(s);
                returnedSocket = nullptr;
            }
            if (returnedSocket == FULLPTR) {",
        why: "the answer to a valid request is delivered whatever follows it",
    },
    Patch {
        file: CONTEXT,
        times: 1,
        find: "namespace uWS {
template<bool> struct HttpResponse;
",
        replace: "#include \"hooks.h\"

namespace uWS {
template<bool> struct HttpResponse;
",
        why: "the two hooks above",
    },
    Patch {
        file: "uSockets/src/eventing/epoll_kqueue.c",
        times: 1,
        find: "    if (timerfd == -1) {
      return NULL;
    }
",
        replace: "",
        why: "the callers use the NULL; a timer without a descriptor never fires, and the shim then refuses to start",
    },
    Patch { file: CONTEXT, times: 1, find: TERMINATE, replace: THROW, why: MISUSE },
    Patch { file: "src/AsyncSocket.h", times: 1, find: TERMINATE, replace: THROW, why: MISUSE },
    Patch { file: "src/Loop.h", times: 1, find: TERMINATE, replace: THROW, why: MISUSE },
    Patch { file: "src/TopicTree.h", times: 1, find: TERMINATE, replace: THROW, why: MISUSE },
    Patch { file: "src/App.h", times: 3, find: TERMINATE, replace: THROW, why: MISUSE },
    Patch { file: "src/ChunkedEncoding.h", times: 1, find: "std::abort();", replace: THROW, why: MISUSE },
    Patch {
        file: "src/MoveOnlyFunction.h",
        times: 1,
        find: "#include <functional>",
        replace: "#include <functional>\n#include <stdexcept>",
        why: "std::logic_error, thrown by the patches above",
    },
];

const TERMINATE: &str = "std::terminate();";
const THROW: &str = "throw std::logic_error(\"misuse of the engine\");";
const MISUSE: &str = "misuse of the engine ends the server, never the process: the shim catches what leaves the loop";
