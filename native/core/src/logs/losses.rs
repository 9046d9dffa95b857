//! Lines that were lost, by level and reason: one count for what no sink got, one per sink for what that sink alone missed. Any
//! thread; a lock and a short search per call, and no call where nothing is lost.
use super::levels::level_name;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Pairs of level and reason that are told apart; what comes after counts with level 0.
const MOST: usize = 256;

/// Lines of one level, lost for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Pino's number; 0 where nobody can tell.
    pub level: u16,
    /// Label value of `kymo_log_lines_dropped_total`.
    pub reason: &'static str,
    /// At least 1.
    pub lines: u64,
}

/// See the module.
#[derive(Default)]
pub struct Losses {
    counts: Mutex<Vec<Loss>>,
    total: AtomicU64,
}

impl Losses {
    /// Counts `lines`.
    pub fn count(&self, level: u16, reason: &'static str, lines: u64) {
        if lines == 0 {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let level = if counts.len() < MOST { level } else { 0 };
        match counts
            .iter_mut()
            .find(|loss| loss.level == level && loss.reason == reason)
        {
            Some(loss) => loss.lines += lines,
            None => counts.push(Loss { level, reason, lines }),
        }
        self.total.fetch_add(lines, Ordering::Relaxed);
    }

    /// All lines so far. One load.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// All counts so far.
    pub fn all(&self) -> Vec<Loss> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What was lost since `before`.
pub fn since(now: &[Loss], before: &[Loss]) -> Vec<Loss> {
    let known = |loss: &Loss| {
        let same = |other: &&Loss| other.level == loss.level && other.reason == loss.reason;
        before.iter().find(same).map_or(0, |other| other.lines)
    };
    now.iter()
        .map(|loss| Loss {
            lines: loss.lines - known(loss),
            ..*loss
        })
        .filter(|loss| loss.lines > 0)
        .collect()
}

/// A level as a label and in Kymo's own lines: its name, or its number.
pub fn level_word(level: u16) -> Cow<'static, str> {
    match level_name(level) {
        Some(name) => Cow::Borrowed(name),
        None if level == 0 => Cow::Borrowed("unknown"),
        None => Cow::Owned(level.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_add_up_by_level_and_reason_and_the_difference_is_what_came_since() {
        let losses = Losses::default();
        losses.count(30, "stalled", 2);
        let before = losses.all();
        losses.count(30, "stalled", 3);
        losses.count(20, "newest", 1);
        losses.count(20, "newest", 0);
        assert_eq!(losses.total(), 6);
        let loss = |level, reason, lines| Loss { level, reason, lines };
        assert_eq!(losses.all(), [loss(30, "stalled", 5), loss(20, "newest", 1)]);
        assert_eq!(
            since(&losses.all(), &before),
            [loss(30, "stalled", 3), loss(20, "newest", 1)]
        );
    }

    #[test]
    fn levels_without_end_take_no_memory_without_end() {
        let losses = Losses::default();
        (1..=1000).for_each(|level| losses.count(level, "oldest", 1));
        assert_eq!(losses.all().len(), MOST + 1);
        assert_eq!(losses.total(), 1000);
        assert_eq!(level_word(30), "info");
        assert_eq!(level_word(35), "35");
    }
}
