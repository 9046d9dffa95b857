//! Kymo's core: memory that JS writes and Rust reads, the registry over it, and the renderers. Knows nothing of Node,
//! so `cargo test`, loom, valgrind and the fuzzers run on it alone.

pub mod layout;
pub mod loom;
