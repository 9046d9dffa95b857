//! Kymo's core: memory that JS writes and Rust reads, the registry over it, and the renderers. Knows nothing of Node,
//! so `cargo test`, loom, valgrind and the fuzzers run on it alone.

pub mod append;
pub mod collector;
mod encode;
pub mod epoch;
pub mod export;
pub mod intern;
pub mod layout;
pub mod logs;
pub mod loom;
pub mod memory;
pub mod metrics;
pub mod ring;
pub mod threads;
pub mod traces;
