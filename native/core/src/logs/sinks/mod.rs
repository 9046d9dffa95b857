//! Line writers: where lines leave the process. Each is used by one thread at a time, the collector or the thread of its outlet.

pub mod connection;
mod cut_line;
pub mod day;
pub mod descriptor;
pub mod file;
pub mod file_options;
mod housekeeping;
mod left_lines;
mod line_ends;
mod log_file;
pub mod names;
mod pack;
mod polled;
pub mod socket;
pub mod syslog;
pub mod syslog_message;
mod turns;
