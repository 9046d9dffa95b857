//! Builds the ops server's engine: finds the pinned sources, checks them, patches a copy, compiles it with the shim.
//! Runs in cargo's build process; touches nothing but OUT_DIR.
//!
//! uWebSockets is on no package registry that builds it. The crate `libuwebsockets-sys` carries its sources, so it is a
//! dependency that cargo locks, downloads and verifies, and never builds (`[target.'cfg(any())'.dependencies]`).

// Standard error is how a build script talks to the person who builds.
#![allow(clippy::print_stderr, clippy::print_stdout)]

mod patches;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crate that carries the sources, and FNV-1a over the folders we compile (paths and bytes, sorted by path).
/// cargo has verified the archive by SHA-256 already; this one notices an edited unpacked folder, and that a new version
/// needs its patches read again.
const CRATE: &str = "libuwebsockets-sys";
const SOURCES_HASH: u64 = 0xc418_4c30_24f5_beb7;
const FETCH: &str = "cargo fetch --locked";

const C_SOURCES: [&str; 3] = ["bsd.c", "socket.c", "eventing/epoll_kqueue.c"];
const SHIM: [&str; 6] = [
    "shim/engine.cpp",
    "shim/engine.h",
    "shim/connection.h",
    "shim/descriptors.cpp",
    "shim/descriptors.h",
    "shim/hooks.h",
];

fn main() {
    for file in SHIM.iter().chain(&["build.rs", "patches.rs", "../../Cargo.lock"]) {
        println!("cargo:rerun-if-changed={file}");
    }
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os == "windows" {
        fail("the ops server is not built on Windows; use the mountable handlers there");
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let pinned = find_sources();
    check_hash(&pinned);
    let engine = out.join("engine");
    // The tests read both trees: what is pinned, and what is compiled.
    println!("cargo:rustc-env=OPS_ENGINE_PINNED={}", pinned.display());
    println!("cargo:rustc-env=OPS_ENGINE_PATCHED={}", engine.display());
    copy_sources(&pinned, &engine);
    apply_patches(&engine);
    compile(&engine, &os);
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    eprintln!("\nerror: kymo-ops: {message}\n");
    std::process::exit(1);
}

fn find_sources() -> PathBuf {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(Path::new(&variable("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .unwrap_or_else(|e| {
            fail(&format!(
                "the engine's sources are not downloaded; run `{FETCH}` once, with network\n{e}"
            ))
        });
    let package = metadata.packages.iter().find(|p| p.name.as_str() == CRATE);
    let folder = package
        .and_then(|p| p.manifest_path.parent())
        .map(|p| p.as_std_path().join("uWebSockets"));
    match folder {
        Some(folder) if folder.join("src/App.h").is_file() => folder,
        _ => fail(&format!(
            "{CRATE} is not unpacked here; run `{FETCH}` once, with network"
        )),
    }
}

/// The files that reach the compiler, relative to the engine's root, sorted.
fn source_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [
        "src",
        "uSockets/src",
        "uSockets/src/internal",
        "uSockets/src/internal/networking",
        "uSockets/src/internal/eventing",
        "uSockets/src/eventing",
    ] {
        let entries = fs::read_dir(root.join(folder)).unwrap_or_else(|e| fail(&format!("{folder}: {e}")));
        for entry in entries.flatten() {
            let name = PathBuf::from(folder).join(entry.file_name());
            if matches!(name.extension().and_then(|e| e.to_str()), Some("h" | "c")) {
                files.push(name);
            }
        }
    }
    files.sort();
    files
}

fn check_hash(root: &Path) {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for file in source_files(root) {
        eat(file.to_string_lossy().as_bytes());
        eat(&fs::read(root.join(&file)).unwrap_or_else(|e| fail(&format!("{}: {e}", file.display()))));
    }
    if hash != SOURCES_HASH {
        fail(&format!(
            "the engine's sources in {} are not the reviewed ones (hash {hash:#018x}, expected {SOURCES_HASH:#018x}); \
             remove that folder and run `{FETCH}`, or, after an intended update, read them against native/ops/patches.rs",
            root.display()
        ));
    }
}

fn copy_sources(from: &Path, to: &Path) {
    for file in source_files(from) {
        let target = to.join(&file);
        let parent = target.parent().unwrap_or(to);
        fs::create_dir_all(parent)
            .and_then(|()| fs::copy(from.join(&file), &target))
            .unwrap_or_else(|e| fail(&format!("{}: {e}", target.display())));
    }
}

fn apply_patches(root: &Path) {
    for patch in patches::PATCHES {
        let path = root.join(patch.file);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| fail(&format!("{}: {e}", path.display())));
        let found = text.matches(patch.find).count();
        if found != patch.times {
            fail(&format!(
                "a patch of {} matches {found} times instead of {}: {}\nthe sources changed; read native/ops/patches.rs against them",
                patch.file, patch.times, patch.why
            ));
        }
        fs::write(&path, text.replace(patch.find, patch.replace))
            .unwrap_or_else(|e| fail(&format!("{}: {e}", path.display())));
    }
}

fn compile(engine: &Path, os: &str) {
    let sockets = engine.join("uSockets/src");
    let base = || {
        let mut build = cc::Build::new();
        build
            .include(&sockets)
            .define("LIBUS_NO_SSL", None)
            .warnings(false)
            .flag_if_supported("-fvisibility=hidden");
        build.opt_level(2).define("_GNU_SOURCE", None);
        build.define(
            if os == "linux" {
                "LIBUS_USE_EPOLL"
            } else {
                "LIBUS_USE_KQUEUE"
            },
            None,
        );
        build
    };
    let c = || {
        let mut build = base();
        // A C++ exception may pass through these frames on its way to the shim's catch.
        build.std("c11").flag("-fexceptions");
        build
    };

    let compiler = base().cpp(true).get_compiler();
    let answers = Command::new(compiler.path())
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    if !answers {
        fail(&format!(
            "no C++ compiler ({}); install one (Debian, Ubuntu: `apt-get install g++`; Alpine: `apk add g++`; macOS: \
             `xcode-select --install`) or name it in CXX",
            compiler.path().display()
        ));
    }

    // The shim first: static libraries are linked in this order, and it needs the ones after it.
    base()
        .cpp(true)
        .std("c++20")
        .include(engine.join("src"))
        .include("shim")
        .define("UWS_NO_ZLIB", None)
        .define("UWS_HTTPRESPONSE_NO_WRITEMARK", None)
        .flag_if_supported("-fvisibility-inlines-hidden")
        // The engine looks at a response's handlers after closing its socket has destroyed them; the memory lives until
        // the loop's next turn, the compiler must only not discard those stores.
        .flag_if_supported("-fno-lifetime-dse")
        .cpp_link_stdlib(None)
        .file("shim/engine.cpp")
        .file("shim/descriptors.cpp")
        .compile("kymo_ops_shim");

    // loop.c accepts through our guard, context.c adopts a socket that Rust has bound.
    c().file(sockets.join("loop.c"))
        .define("bsd_accept_socket", Some("kymo_accept_socket"))
        .compile("kymo_ops_loop");
    c().file(sockets.join("context.c"))
        .define("bsd_create_listen_socket", Some("kymo_adopt_listener"))
        .compile("kymo_ops_context");
    c().files(C_SOURCES.map(|f| sockets.join(f)))
        .compile("kymo_ops_sockets");
    link_standard_library(&compiler, os);
}

/// Static on Linux, so that the addon does not need a newer libstdc++ than the machine it runs on has.
fn link_standard_library(compiler: &cc::Tool, os: &str) {
    if os != "linux" {
        println!("cargo:rustc-link-lib=c++");
        return;
    }
    let archive = Command::new(compiler.path())
        .arg("-print-file-name=libstdc++.a")
        .output();
    let archive = archive
        .ok()
        .and_then(|o| String::from_utf8(o.stdout).ok())
        .map(|s| PathBuf::from(s.trim()));
    match archive.as_deref().filter(|a| a.is_absolute()).and_then(Path::parent) {
        Some(folder) => {
            println!("cargo:rustc-link-search=native={}", folder.display());
            println!("cargo:rustc-link-lib=static:-bundle=stdc++");
        }
        None => fail("libstdc++.a is missing; install the C++ compiler's static library (it comes with `g++`)"),
    }
}
