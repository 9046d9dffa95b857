//! Writes `src/binding/generated/layout.ts`, the TypeScript side of `layout.rs`; runs by hand, and as a test that the
//! committed file is fresh. Usage: `cargo run -p kymo-core --example generate`.

use kymo_core::layout;
use std::fmt::Write as _;
use std::path::PathBuf;

const SOURCE: &str = include_str!("../src/layout.rs");

/// The whole generated file.
fn layout_ts() -> String {
    let mut text = String::from(
        "// Offsets, sizes, tags and version of a segment; pure data, any thread. Generated from native/core/src/layout.rs by\n\
         // `cargo run -p kymo-core --example generate`: do not edit.\n",
    );
    for &(name, value) in layout::CONSTANTS {
        assert!(value < 1 << 53, "{name} does not fit a JavaScript number");
        let value = if name.ends_with("_AT") {
            format!("0x{value:03x}")
        } else {
            value.to_string()
        };
        let _ = write!(text, "\n/** {} */\nexport const {name} = {value};\n", doc_of(name));
    }
    let fingerprint = layout::FINGERPRINT;
    let doc = doc_of("FINGERPRINT");
    let _ = write!(
        text,
        "\n/** {doc} */\nexport const FINGERPRINT = 0x{fingerprint:08x};\n"
    );
    text
}

/// The doc comment above `pub const name` in `layout.rs`, as one line.
fn doc_of(name: &str) -> String {
    let declaration = format!("pub const {name}:");
    let mut doc = Vec::new();
    for line in SOURCE.lines() {
        if line.starts_with(&declaration) {
            assert!(!doc.is_empty(), "{name} has no doc comment");
            return doc.join(" ").replace("[`", "`").replace("`]", "`");
        }
        match line.strip_prefix("/// ") {
            Some(text) => doc.push(text),
            None => doc.clear(),
        }
    }
    panic!("{name} is in CONSTANTS but not declared in layout.rs");
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../src/binding/generated/layout.ts")
}

fn main() -> std::io::Result<()> {
    let path = path();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, layout_ts())
}

#[cfg(test)]
mod tests {
    /// The TypeScript constants are those of `layout.rs`.
    #[test]
    fn the_committed_layout_is_fresh() {
        let committed = std::fs::read_to_string(super::path()).unwrap_or_default();
        assert!(
            committed == super::layout_ts(),
            "src/binding/generated/layout.ts is stale: run `cargo run -p kymo-core --example generate`"
        );
    }
}
