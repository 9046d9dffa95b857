//! Kymo's own word on stderr, where the log itself cannot say it. Any thread; never waits for a reader.

/// Writes `kymo: <text>` and a newline to stderr, as far as it takes it without waiting: a pipe that nobody reads gets nothing.
pub fn tell(text: &str) {
    let mut line = format!("kymo: {}\n", text.replace('\n', " "));
    // Up to this many bytes a pipe that is writable takes at once.
    let mut end = line.len().min(libc::PIPE_BUF);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    let mut ready = libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: poll reads and writes the one entry it is given, and returns at once; write reads `line`, which lives until then.
    unsafe {
        if libc::poll(&mut ready, 1, 0) == 1 && ready.revents & libc::POLLOUT != 0 {
            libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
        }
    }
}
