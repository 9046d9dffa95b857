//! What becomes of log lines, as metrics of Kymo itself. Read at scrape time by the thread that renders.
//!
//! Losses of log rings stand here and not in `kymo_ring_dropped_total`: what no sink got carries `sink="all"`, what one sink alone missed
//! its label, so that every lost line is counted once per sink that it was lost for.
use super::format::truncated_lines;
use super::host::Logs;
use super::losses::{Loss, level_word};
use crate::metrics::collector::{Collector, Sample};
use crate::metrics::labels::push_pair;
use crate::metrics::metric::Kind;

/// Label value of lines that no sink got.
const ALL: &str = "all";

/// Labels as they are rendered. A value that is too long for a label is left out, as an empty one.
fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = Vec::new();
    for (name, value) in pairs {
        if push_pair(name, value, &mut text).is_err() {
            let _ = push_pair(name, "", &mut text);
        }
    }
    String::from_utf8(text).unwrap_or_default()
}

impl Collector for Logs {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        let mut give = |name, help, labels: &str, value: u64| {
            emit(Sample {
                name,
                help,
                kind: Kind::Counter,
                labels,
                value: value as f64,
            });
        };
        let mut lines = self.lines();
        lines.sort_unstable();
        let help = "Log lines that were written, by level.";
        for (level, lines) in lines {
            give(
                "kymo_log_lines_total",
                help,
                &labels(&[("level", &level_word(level))]),
                lines,
            );
        }
        // Sinks that were made anew carry the label of the one before.
        let mut sinks: Vec<(String, Vec<Loss>, u64, u64)> = Vec::new();
        for outlet in self.outlets() {
            let (losses, errors, bytes) = (outlet.losses().all(), outlet.errors(), outlet.bytes());
            match sinks.iter_mut().find(|(label, ..)| label == outlet.label()) {
                Some((_, known, all_errors, all_bytes)) => {
                    losses.into_iter().for_each(|loss| add(known, loss));
                    *all_errors += errors;
                    *all_bytes += bytes;
                }
                None => sinks.push((outlet.label().to_owned(), losses, errors, bytes)),
            }
        }
        let everyones = (ALL.to_owned(), self.losses().all());
        let own = sinks.iter().map(|(label, losses, ..)| (label.clone(), losses.clone()));
        let help = "Log lines that were lost, by level, reason and sink; of those that no sink got, the sink is all.";
        for (sink, losses) in std::iter::once(everyones).chain(own) {
            for Loss { level, reason, lines } in losses {
                let labels = labels(&[("level", &level_word(level)), ("reason", reason), ("sink", &sink)]);
                give("kymo_log_lines_dropped_total", help, &labels, lines);
            }
        }
        let help = "Writes to a log sink that failed; their lines wait, and are tried again.";
        for (sink, _, errors, _) in &sinks {
            give("kymo_log_sink_errors_total", help, &labels(&[("sink", sink)]), *errors);
        }
        let help = "Bytes that a log sink took.";
        for (sink, _, _, bytes) in &sinks {
            give("kymo_log_sink_bytes_total", help, &labels(&[("sink", sink)]), *bytes);
        }
        let help =
            "Log lines from which something is missing, since their record was too long or damaged; once per format.";
        give("kymo_log_lines_truncated_total", help, "", truncated_lines());
        let help = "Log lines of processes that ended before, written by this one.";
        give("kymo_log_recovered_lines_total", help, "", self.counts().recovered);
    }
}

fn add(known: &mut Vec<Loss>, loss: Loss) {
    match known
        .iter_mut()
        .find(|other| (other.level, other.reason) == (loss.level, loss.reason))
    {
        Some(other) => other.lines += loss.lines,
        None => known.push(loss),
    }
}
