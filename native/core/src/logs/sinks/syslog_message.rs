//! Syslog messages of log lines: RFC 5424, and the older form that RFC 3164 describes. Any thread.
use super::connection::cut_at;
use super::day::{DAY_MS, Day};
use crate::logs::sink::LineMark;
use std::io::Write;
use std::mem::MaybeUninit;

/// How a message begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// `<14>1 2026-11-21T22:14:15.003Z host app 4711 - - line`
    Rfc5424,
    /// `<14>Nov 21 22:14:15 host app[4711]: line`, local time. Within a host (`/dev/log`) the host's name is left out.
    Rfc3164,
}

/// The names of the facilities by their number, section 6.2.1.
pub const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

/// What the messages of a sink have in common.
#[derive(Debug, Clone)]
pub struct Header {
    standard: Standard,
    facility: u8,
    host: String,
    app: String,
    process: u32,
    is_local: bool,
    max_bytes: usize,
}

impl Header {
    /// `facility` in [0, 23]. What a name may not contain is replaced, an empty one is left out. Messages are cut to `max_bytes`; `is_local` for
    /// receivers of the same host.
    pub fn new(standard: Standard, facility: u8, host: &str, app: &str, is_local: bool, max_bytes: usize) -> Header {
        let (host_bytes, app_bytes) = match standard {
            Standard::Rfc5424 => (255, 48),
            // The tag ends at the first character that is no letter or digit; receivers take more than the 32 of the text.
            Standard::Rfc3164 => (255, 32),
        };
        Header {
            standard,
            facility: facility.min(23),
            host: name(host, host_bytes, |byte| byte.is_ascii_graphic()),
            app: name(app, app_bytes, |byte| match standard {
                Standard::Rfc5424 => byte.is_ascii_graphic(),
                Standard::Rfc3164 => byte.is_ascii_alphanumeric() || b"-_./".contains(&byte),
            }),
            process: std::process::id(),
            is_local,
            max_bytes,
        }
    }

    /// Appends the message of a line, which is given without its ending. A line is cut between two characters where the message would be too
    /// long; line endings inside of it become spaces.
    pub fn message(&self, line: &[u8], mark: LineMark, out: &mut Vec<u8>) {
        let begin = out.len();
        let priority = u32::from(self.facility) * 8 + u32::from(severity(mark.level));
        // Writing to memory does not fail.
        let _ = match self.standard {
            Standard::Rfc5424 => {
                let time = timestamp(mark.time_ms);
                let (host, app, process) = (&self.host, &self.app, self.process);
                write!(out, "<{priority}>1 {time} {host} {app} {process} - - ")
            }
            Standard::Rfc3164 => {
                let time = local_time(mark.time_ms);
                let host = if self.is_local { "" } else { self.host.as_str() };
                let gap = if self.is_local { "" } else { " " };
                write!(out, "<{priority}>{time} {host}{gap}{}[{}]: ", self.app, self.process)
            }
        };
        let room = self.max_bytes.saturating_sub(out.len() - begin);
        let line = &line[..cut_at(line, room)];
        out.extend(
            line.iter()
                .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }),
        );
    }
}

/// The severity of a level, section 6.2.1: debug 7, info 6, notice 5 (from 35 on), warning 4, error 3, critical 2.
pub fn severity(level: u16) -> u8 {
    match level {
        ..30 => 7,
        30..35 => 6,
        35..40 => 5,
        40..50 => 4,
        50..60 => 3,
        60.. => 2,
    }
}

/// The name of this host.
pub fn host_name() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: gethostname writes at most 255 bytes to the buffer.
    let failed = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) } != 0;
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    if failed {
        String::new()
    } else {
        String::from_utf8_lossy(&name[..length]).into_owned()
    }
}

fn name(text: &str, most: usize, allowed: impl Fn(u8) -> bool) -> String {
    let kept: String = text
        .bytes()
        .take(most)
        .map(|byte| if allowed(byte) { char::from(byte) } else { '_' })
        .collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// Section 6.2.3; nothing for a time that is none.
fn timestamp(time_ms: f64) -> String {
    let Some(ms) = whole_ms(time_ms) else {
        return "-".to_owned();
    };
    let of_day = ms % DAY_MS;
    let (hours, minutes) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (seconds, rest) = (of_day / 1_000 % 60, of_day % 1_000);
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}.{rest:03}Z", Day::of(ms).text())
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// RFC 3164, section 4.1.2: the day with a space in place of a zero.
fn local_time(time_ms: f64) -> String {
    let seconds = whole_ms(time_ms).unwrap_or(0) / 1_000;
    let seconds = libc::time_t::try_from(seconds).unwrap_or(0);
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: localtime_r reads one time and writes one tm, for which all zero is valid.
    let parts = unsafe {
        libc::localtime_r(&seconds, parts.as_mut_ptr());
        parts.assume_init()
    };
    let month = usize::try_from(parts.tm_mon).unwrap_or(0) % 12;
    format!(
        "{} {:>2} {:02}:{:02}:{:02}",
        MONTHS[month], parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec
    )
}

/// Within the years that have four digits.
fn whole_ms(time_ms: f64) -> Option<u64> {
    (0.0..253_402_300_800_000.0)
        .contains(&time_ms)
        .then_some(time_ms as u64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MARK: LineMark = LineMark {
        bytes: 0,
        level: 30,
        time_ms: 1_795_299_255_003.0,
    };

    fn message(header: &Header, line: &str, mark: LineMark) -> String {
        let mut out = b"before".to_vec();
        header.message(line.as_bytes(), mark, &mut out);
        String::from_utf8(out)
            .unwrap()
            .strip_prefix("before")
            .unwrap()
            .to_owned()
    }

    fn header(standard: Standard, host: &str, app: &str) -> Header {
        Header::new(standard, 16, host, app, false, 8_192)
    }

    #[test]
    fn a_message_of_rfc_5424_has_seven_fields_and_the_line() {
        let header = header(Standard::Rfc5424, "web-1", "shop");
        let process = std::process::id();
        assert_eq!(
            message(&header, "{\"a\":1}", MARK),
            format!("<134>1 2026-11-21T22:14:15.003Z web-1 shop {process} - - {{\"a\":1}}")
        );
        let untimed = LineMark {
            time_ms: f64::NAN,
            level: 60,
            ..MARK
        };
        assert_eq!(
            message(&header, "x", untimed),
            format!("<130>1 - web-1 shop {process} - - x")
        );
    }

    #[test]
    fn a_message_of_rfc_3164_has_local_time_and_a_tag() {
        let process = std::process::id();
        let text = message(&header(Standard::Rfc3164, "web-1", "my shop"), "line", MARK);
        assert_eq!(
            text.strip_prefix("<134>").map(|rest| &rest[15..]),
            Some(format!(" web-1 my_shop[{process}]: line").as_str())
        );
        assert!(MONTHS.contains(&&text[5..8]));
        let local = Header::new(Standard::Rfc3164, 1, "web-1", "shop", true, 8_192);
        let text = message(&local, "line", MARK);
        assert_eq!(
            text.strip_prefix("<14>").map(|rest| &rest[15..]),
            Some(format!(" shop[{process}]: line").as_str())
        );
    }

    #[test]
    fn names_hold_what_the_field_may_hold() {
        let header = header(Standard::Rfc5424, "", "é shop\n");
        assert!(message(&header, "x", MARK).contains("Z - ___shop_ "));
        let long = Header::new(Standard::Rfc5424, 99, &"h".repeat(300), &"a".repeat(300), false, 8_192);
        let text = message(&long, "x", MARK);
        let fields: Vec<_> = text.split(' ').collect();
        assert_eq!((fields[2].len(), fields[3].len()), (255, 48));
        assert!(text.starts_with("<190>"), "the last facility");
    }

    #[test]
    fn severities_follow_the_levels() {
        let levels = [0, 10, 20, 29, 30, 34, 35, 39, 40, 49, 50, 59, 60, u16::MAX];
        assert_eq!(levels.map(severity), [7, 7, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2]);
    }

    #[test]
    fn a_long_line_is_cut_between_characters_and_a_line_ending_inside_is_a_space() {
        for max_bytes in 480..490 {
            let header = Header::new(Standard::Rfc5424, 1, "h", "a", false, max_bytes);
            let text = message(&header, &"€".repeat(1_000), MARK);
            assert!(text.len() <= max_bytes && text.len() > max_bytes - 3 && text.ends_with('€'));
        }
        assert!(message(&header(Standard::Rfc5424, "h", "a"), "one\ntwo\r\n", MARK).ends_with("- one two  "));
    }

    #[test]
    fn this_host_has_a_name() {
        assert!(!host_name().is_empty());
    }
}
