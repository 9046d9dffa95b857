//! Build script of the addon: what the linker must know of Node (undefined symbols, never unmap).

fn main() {
    napi_build::setup();
}
