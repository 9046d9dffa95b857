//! A sink into a descriptor that the process has already: stdout, stderr, or one that it was started with. Runs on the thread of its
//! outlet.
use super::cut_line::{CutLine, Units};
use super::line_ends::{end_of_lines, next_line_end};
use super::log_file::matching;
use super::polled;
use crate::logs::sink::{LineWriter, Place};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

/// See the module. Closes nothing and changes no flags.
pub struct DescriptorSink {
    descriptor: RawFd,
    kind: Kind,
    device: u64,
    inode: u64,
    cut: CutLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Never waits for a reader.
    File,
    /// What Node makes for the stdio of its children.
    Socket,
    /// And terminals: what waits in `write(2)`, with whole lines up to so many bytes taken in one piece.
    Pipe,
}

impl DescriptorSink {
    /// A sink into the descriptor of that number.
    ///
    /// # Errors
    /// `EBADF` when it is not open.
    pub fn new(descriptor: RawFd) -> io::Result<DescriptorSink> {
        let found = state_of(descriptor)?;
        let kind = match found.st_mode & libc::S_IFMT {
            libc::S_IFREG => Kind::File,
            libc::S_IFSOCK => Kind::Socket,
            _ => Kind::Pipe,
        };
        let (device, inode) = identity(&found);
        Ok(DescriptorSink {
            descriptor,
            kind,
            device,
            inode,
            cut: CutLine::default(),
        })
    }

    /// A number that was closed is given to the next file that is opened: that one is not for lines.
    fn check(&self) -> io::Result<libc::stat> {
        let found = state_of(self.descriptor)?;
        if identity(&found) == (self.device, self.inode) {
            Ok(found)
        } else {
            Err(io::Error::from_raw_os_error(libc::EBADF))
        }
    }
}

impl LineWriter for DescriptorSink {
    fn may_block(&self) -> bool {
        true
    }

    fn place(&mut self, _bytes: u64, _now_ms: u64) -> Option<Place> {
        if self.kind != Kind::File {
            return None;
        }
        let found = self.check().ok()?;
        // SAFETY: neither call touches memory.
        let position = unsafe {
            match libc::fcntl(self.descriptor, libc::F_GETFL) & libc::O_APPEND {
                0 => libc::lseek(self.descriptor, 0, libc::SEEK_CUR),
                _ => found.st_size,
            }
        };
        Some(Place {
            device: self.device,
            inode: self.inode,
            offset: u64::try_from(position).ok()?,
        })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.check()?;
        let (descriptor, kind) = (self.descriptor, self.kind);
        self.cut.write(lines, Units::Lines, |bytes| match kind {
            Kind::File => polled::write(descriptor, bytes),
            Kind::Socket => polled::send(descriptor, bytes),
            Kind::Pipe => polled::write(descriptor, at_once(bytes)),
        })
    }

    fn resume(&mut self, place: Place, lines: &[u8]) -> usize {
        if self.kind != Kind::File || (place.device, place.inode) != (self.device, self.inode) {
            return 0;
        }
        let Ok(file) = File::open(format!("/proc/self/fd/{}", self.descriptor)) else {
            return 0;
        };
        let there = matching(&file, lines, place.offset);
        let whole = end_of_lines(&lines[..there]);
        let is_last = file
            .metadata()
            .is_ok_and(|found| found.len() == place.offset + there as u64);
        if there == whole || !is_last {
            return whole;
        }
        let rest = &lines[there..next_line_end(lines, there)];
        match polled::write(self.descriptor, rest) {
            Ok(done) if done == rest.len() => there + done,
            _ => whole,
        }
    }

    fn identity(&self) -> String {
        format!("fd:{}", self.descriptor)
    }
}

/// What a pipe that is ready takes without waiting, and without another process's lines getting in between: whole lines of at most
/// `PIPE_BUF` bytes in all, or that much of a line that is longer.
fn at_once(bytes: &[u8]) -> &[u8] {
    let most = libc::PIPE_BUF;
    if bytes.len() <= most {
        return bytes;
    }
    match end_of_lines(&bytes[..most]) {
        0 => &bytes[..most],
        end => &bytes[..end],
    }
}

fn state_of(descriptor: RawFd) -> io::Result<libc::stat> {
    let mut found = MaybeUninit::<libc::stat>::uninit();
    loop {
        // SAFETY: fstat writes one stat to the pointer, which is valid for it, when it succeeds.
        unsafe {
            if libc::fstat(descriptor, found.as_mut_ptr()) == 0 {
                return Ok(found.assume_init());
            }
        }
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// The types of both differ between systems.
#[allow(clippy::unnecessary_cast)]
fn identity(found: &libc::stat) -> (u64, u64) {
    (found.st_dev as u64, found.st_ino as u64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::{PipeReader, PipeWriter, Read, Seek, Write, pipe};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    fn line(number: usize) -> String {
        format!("{{\"line\":{number},\"text\":\"{}\"}}\n", "x".repeat(number % 200))
    }

    fn set_nonblocking(descriptor: RawFd) {
        // SAFETY: the calls touch no memory.
        unsafe {
            let flags = libc::fcntl(descriptor, libc::F_GETFL);
            assert_eq!(libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK), 0);
        }
    }

    fn put_all(sink: &mut DescriptorSink, lines: &[u8]) {
        let mut done = 0;
        while done < lines.len() {
            match sink.write(&lines[done..]) {
                Ok(more) => done += more,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }

    fn read_slowly(mut reader: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let (mut all, mut part) = (Vec::new(), [0; 1_500]);
            loop {
                match reader.read(&mut part) {
                    Ok(0) => return all,
                    Ok(count) => all.extend_from_slice(&part[..count]),
                    Err(error) => panic!("{error}"),
                }
            }
        })
    }

    fn small_pipe() -> (PipeReader, PipeWriter) {
        let (reader, writer) = pipe().unwrap();
        #[cfg(target_os = "linux")]
        // SAFETY: the call touches no memory.
        unsafe {
            libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, 8_192);
        }
        (reader, writer)
    }

    #[test]
    fn all_lines_get_through_a_pipe_whether_it_blocks_or_not() {
        let lines: String = (0..5_000).map(line).collect::<String>() + &format!("{}\n", "long".repeat(10_000));
        for blocking in [true, false] {
            let (reader, writer) = small_pipe();
            if !blocking {
                set_nonblocking(writer.as_raw_fd());
            }
            let read = read_slowly(reader);
            let mut sink = DescriptorSink::new(writer.as_raw_fd()).unwrap();
            put_all(&mut sink, lines.as_bytes());
            drop(writer);
            assert!(read.join().unwrap() == lines.as_bytes());
        }
    }

    #[test]
    fn all_lines_get_through_a_socket() {
        let lines: String = (0..5_000).map(line).collect();
        let (reader, writer) = UnixStream::pair().unwrap();
        let read = read_slowly(reader);
        put_all(&mut DescriptorSink::new(writer.as_raw_fd()).unwrap(), lines.as_bytes());
        drop(writer);
        assert!(read.join().unwrap() == lines.as_bytes());
    }

    /// A cluster's processes share their stdout.
    #[test]
    fn lines_of_several_writers_on_one_pipe_never_mix() {
        let (reader, writer) = small_pipe();
        let read = read_slowly(reader);
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let writer = writer.try_clone().unwrap();
                std::thread::spawn(move || {
                    let lines = format!("{}\n", number.to_string().repeat(300)).repeat(500);
                    put_all(&mut DescriptorSink::new(writer.as_raw_fd()).unwrap(), lines.as_bytes());
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(writer);
        let all = String::from_utf8(read.join().unwrap()).unwrap();
        assert_eq!(all.lines().count(), 2_000);
        assert!(
            all.lines()
                .all(|line| line.len() == 300 && line.bytes().all(|byte| byte == line.as_bytes()[0]))
        );
    }

    #[test]
    fn a_reader_that_does_not_read_makes_a_write_that_would_block_and_keeps_the_flags() {
        let (reader, writer) = small_pipe();
        let mut sink = DescriptorSink::new(writer.as_raw_fd()).unwrap();
        let lines = "0123456789abcde\n".repeat(4_096);
        let taken = sink.write(lines.as_bytes()).unwrap();
        assert!(taken > 0 && taken < lines.len() && taken.is_multiple_of(16));
        assert_eq!(
            sink.write(&lines.as_bytes()[taken..]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        // SAFETY: the call touches no memory.
        let flags = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_GETFL) };
        assert_eq!(flags & libc::O_NONBLOCK, 0);
        assert!(sink.may_block() && sink.place(1, 0).is_none());
        drop(reader);
    }

    #[test]
    fn a_reader_that_is_gone_and_a_closed_descriptor_are_errors() {
        let (reader, writer) = small_pipe();
        let mut sink = DescriptorSink::new(writer.as_raw_fd()).unwrap();
        drop(reader);
        assert_eq!(sink.write(b"a\n").unwrap_err().raw_os_error(), Some(libc::EPIPE));
        let mut file = OpenOptions::new().read(true).write(true).open("/dev/zero").unwrap();
        let number = writer.as_raw_fd();
        // SAFETY: both are open; the pipe's number is another file from here on, as after close and open.
        unsafe { libc::dup2(file.as_raw_fd(), number) };
        assert_eq!(sink.write(b"a\n").unwrap_err().raw_os_error(), Some(libc::EBADF));
        file.flush().unwrap();
        assert!(DescriptorSink::new(9_999).is_err_and(|error| error.raw_os_error() == Some(libc::EBADF)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_behind_a_descriptor_has_a_place_and_its_lines_are_found_again() {
        let dir = crate::memory::folder::tests::Scratch::new();
        let path = dir.path().join("out");
        for append in [true, false] {
            std::fs::write(&path, "before\n").unwrap();
            let mut file = OpenOptions::new().write(true).append(append).open(&path).unwrap();
            if !append {
                file.seek(io::SeekFrom::End(0)).unwrap();
            }
            let mut sink = DescriptorSink::new(file.as_raw_fd()).unwrap();
            let place = sink.place(6, 0).unwrap();
            assert_eq!(place.offset, 7);
            file.write_all(b"one\ntw").unwrap();
            assert_eq!(sink.resume(place, b"one\ntwo\nthree\n"), 8);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\none\ntwo\n");
            assert_eq!(sink.resume(Place { inode: 1, ..place }, b"one\n"), 0);
            assert_eq!(sink.write(b"three\n").unwrap(), 6);
            assert_eq!(sink.identity(), format!("fd:{}", file.as_raw_fd()));
        }
    }
}
