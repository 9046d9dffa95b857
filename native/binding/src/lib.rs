//! The Node addon: converts types, holds no logic.

// The macros register nothing in a test build, so everything would be dead there.
#![cfg_attr(test, allow(dead_code))]

mod export;
mod exposition;
mod logs;
mod memory;
mod metrics;
mod ops;
mod process;
mod raw;
mod records;
mod ring;
mod thread;
mod traces;

use napi::Env;
use napi::bindgen_prelude::{JsValue, Object};
use napi_derive::napi;

/// Puts the raw calls beside the generated ones.
#[napi(module_exports)]
pub fn exports(exports: Object, env: Env) -> napi::Result<()> {
    // SAFETY: both belong to the running initialisation.
    unsafe {
        raw::export(env.raw(), exports.value().value, metrics::WARM);
        raw::export(env.raw(), exports.value().value, ring::WARM);
    }
    Ok(())
}
