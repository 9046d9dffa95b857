//! What a scrape needs of the runtime, and what JS gets of one. App threads and the runtime's pool.

mod collectors;
mod render;
mod text;

pub use text::trim as trim_texts;
