//! Time as the store and tail sampling know it: since they were first told. Plain data of whoever holds it.

/// A clock that others wind. Before it is told the time it stands at 0, so that what came before waits from then on, and not since
/// the machine was started.
#[derive(Default)]
pub(super) struct Elapsed {
    /// Monotonic time of the first reading.
    first_ms: Option<u64>,
    now_ms: u64,
}

impl Elapsed {
    /// Tells the time on the monotonic clock; one that goes back is not believed.
    pub fn tell(&mut self, mono_ms: u64) {
        let first = *self.first_ms.get_or_insert(mono_ms);
        self.now_ms = self.now_ms.max(mono_ms.saturating_sub(first));
    }

    /// Since it was first told the time, as of the last time.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Whether so much has passed since `then_ms`, a reading of it.
    pub fn is_over(&self, then_ms: u64, wait_ms: u64) -> bool {
        self.now_ms >= then_ms.saturating_add(wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::Elapsed;

    #[test]
    fn what_began_before_the_first_reading_waits_from_it_on() {
        let mut elapsed = Elapsed::default();
        let before = elapsed.now_ms();
        elapsed.tell(7_000_000);
        assert!(!elapsed.is_over(before, 1));
        elapsed.tell(7_000_099);
        assert!(!elapsed.is_over(before, 100));
        elapsed.tell(7_000_050);
        elapsed.tell(7_000_100);
        assert!(elapsed.is_over(before, 100) && !elapsed.is_over(before, u64::MAX));
    }
}
