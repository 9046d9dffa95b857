//! The `kymo-sweep` thread: hides series that were idle for too long, asks for the resets of native histograms that are due, and
//! has summaries age while nobody scrapes, and ticks what keeps and samples traces. Made when the first metric or provider of tracers
//! needs it; wakes twice a second.

use crate::exposition::trim_texts;
use crate::process::process;
use kymo_core::memory::clock::mono_ms;
use kymo_core::memory::exit::ending;
use kymo_core::threads::spawn;
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

/// Time between two sweeps: an idle series is hidden at most this much late.
const PERIOD: Duration = Duration::from_millis(500);

/// Makes sure that the sweep runs, until the process ends. Where no thread is to be had, nothing expires.
pub fn sweeping() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let end = Arc::clone(&ended);
        let thread = spawn("kymo-sweep", move || {
            let mut stop = end.0.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stop {
                (stop, _) = end.1.wait_timeout(stop, PERIOD).unwrap_or_else(PoisonError::into_inner);
                if let (false, Ok(process)) = (*stop, process()) {
                    process.registries.sweep(mono_ms());
                    trim_texts();
                    crate::traces::tick();
                }
            }
        });
        if let Ok(thread) = thread {
            ending().before_exit(Box::new(move |_| {
                *ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
                ended.1.notify_all();
                // A panic inside was caught and counted; there is nothing else to learn from it.
                let _ = thread.join();
            }));
        }
    });
}
