//! The engine's own ways to end the process: counted in the pinned sources, gone from the compiled ones.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

/// Every `std::terminate` and `abort` in the engine's headers and C files.
fn sites(root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["src", "uSockets/src", "uSockets/src/eventing"] {
        let mut files: Vec<_> = std::fs::read_dir(Path::new(root).join(folder))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        for file in files
            .iter()
            .filter(|f| f.extension().is_some_and(|e| e == "h" || e == "c"))
        {
            let text = std::fs::read_to_string(file).unwrap();
            let count = ["std::terminate(", "abort()", "exit("]
                .iter()
                .map(|w| text.matches(w).count())
                .sum::<usize>();
            if count > 0 {
                found.push(format!("{} {count}", file.file_name().unwrap().to_string_lossy()));
            }
        }
    }
    found
}

#[test]
fn no_call_that_ends_the_process_is_compiled() {
    let [pinned, patched] = kymo_ops::ENGINE_SOURCES;
    // Another version has others: read them before changing this list.
    let expected = [
        "App.h 3",
        "AsyncSocket.h 1",
        "ChunkedEncoding.h 1",
        "HttpContext.h 1",
        "Loop.h 1",
        "TopicTree.h 1",
    ];
    let found = sites(pinned);
    let (engine, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|f| expected.contains(&f.as_str()));
    assert_eq!(engine, expected);
    let compiled: Vec<_> = sites(patched);
    assert_eq!(compiled, rest, "what is left is in files that are never compiled");
    assert!(
        rest.iter().all(|f| [
            "Http3App.h",
            "Http3Context.h",
            "LocalCluster.h",
            "quic.c",
            "openssl.c",
            "gcd.c",
            "libuv.c"
        ]
        .iter()
        .any(|name| f.starts_with(name))),
        "{rest:?}"
    );
}
