//! A process of its own for tests of logs: memory, rings, logs, without Node.
#![allow(dead_code, clippy::unwrap_used)]

use kymo_core::collector::Collector;
use kymo_core::layout::*;
use kymo_core::logs::recover::Recovered;
use kymo_core::logs::routes::{LineFormat, Verbatim};
use kymo_core::logs::sinks::file_options::{FileOptions, Sync};
use kymo_core::logs::{LineWriter, LogRecord, Logs, Outlet, OutletOptions, RouteSink, SinkKind};
use kymo_core::memory::file::{Store, StoreOptions};
use kymo_core::ring::memory::SegmentRing;
use kymo_core::ring::producer::Producer;
use kymo_core::ring::rings::Rings;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub const LONG: Duration = Duration::from_secs(60);

/// A folder on a memory file system, removed at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = if cfg!(target_os = "linux") {
            PathBuf::from("/dev/shm")
        } else {
            std::env::temp_dir()
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("kymo-logs-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Finished lines as they are, Kymo's own by their message.
pub struct Lines;

impl LineFormat for Lines {
    fn write(&self, record: &LogRecord<'_>, out: &mut Vec<u8>) {
        if record.is_line {
            return Verbatim.write(record, out);
        }
        if let Some(text) = record.message_text() {
            out.extend(text.chars().collect::<String>().bytes());
            out.push(b'\n');
        }
    }
}

/// A process: its memory, its rings, its logs.
pub struct Process {
    pub store: Arc<Store>,
    pub rings: Rings,
    pub collector: Collector,
    pub logs: Arc<Logs>,
}

impl Process {
    pub fn new(dir: &Path) -> Process {
        let store = Arc::new(Store::open(StoreOptions {
            dir: Some(dir.to_owned()),
            service: "service".to_owned(),
            limit: None,
            root: PathBuf::from("/"),
        }));
        let collector = Collector::start().unwrap();
        Process {
            rings: Rings::new(Arc::clone(&store) as Arc<_>, Some(collector.clone())),
            logs: Logs::new(collector.clone()),
            store,
            collector,
        }
    }

    pub fn thread(&self, size: u32, thread: u32) -> Producer<SegmentRing> {
        self.logs
            .open_ring(&self.rings, size, thread)
            .unwrap()
            .ring
            .producer()
            .unwrap()
    }

    pub fn outlet(&self, writer: Box<dyn LineWriter>) -> Arc<Outlet> {
        self.logs.outlet(writer, &OutletOptions::default()).unwrap()
    }

    pub fn lead(&self, route: &str, outlets: &[&Arc<Outlet>]) -> u16 {
        let route = self.logs.route(route);
        let sink = |outlet: &&Arc<Outlet>| RouteSink {
            min_level: 0,
            sink: SinkKind::Lines {
                format: Arc::new(Lines),
                outlet: Arc::clone(outlet),
            },
        };
        self.logs.set_route(route, outlets.iter().map(sink).collect());
        route
    }

    pub fn recover(&self, route: u16) -> Recovered {
        let folder = self.store.folder().unwrap();
        let found = self.logs.recover(folder, "service", route, false);
        assert!(self.logs.flush(LONG));
        found
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.collector.stop(LONG);
    }
}

pub fn say(producer: &mut Producer<SegmentRing>, route: u16, time_ms: f64, line: &str) {
    let mut body = time_ms.to_le_bytes().to_vec();
    body.extend(30_u16.to_le_bytes());
    body.extend(route.to_le_bytes());
    body.extend(0_u32.to_le_bytes());
    body.extend((-1_i32).to_le_bytes());
    body.extend([0; 4]);
    body.push(VALUE_LATIN1);
    body.extend((line.len() as u32).to_le_bytes());
    body.extend(line.bytes());
    assert!(producer.push(RECORD_LINE, &body));
}

pub fn file_options(path: &Path) -> FileOptions {
    FileOptions {
        path: path.to_owned(),
        daily: false,
        max_bytes: None,
        retention_days: None,
        max_total_bytes: None,
        packing: None,
        mode: 0o600,
        make_folder: false,
        sync: Sync::Never,
    }
}

/// Keeps the collector busy until the answer is dropped.
pub fn hold_drain(collector: &Collector) -> std::sync::mpsc::Sender<()> {
    let (hold, held) = std::sync::mpsc::channel();
    let (ready, begun) = std::sync::mpsc::channel();
    collector.submit(Box::new(move || {
        let _ = ready.send(());
        let _ = held.recv();
    }));
    begun.recv().unwrap();
    hold
}

impl Process {
    pub fn lead_held(&self, route: &str, outlets: &[&Arc<Outlet>], hold: std::sync::mpsc::Sender<()>) {
        self.lead(route, outlets);
        drop(hold);
    }
}
