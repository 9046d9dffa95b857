//! Records as JS values, for recovery and offline readers. App threads; cold.

use crate::raw::{CodedError, coded, text_value};
use kymo_core::layout::RECORD_KEY;
use kymo_core::ring::read_records;
use kymo_core::ring::value::{Value, Values};
use napi::bindgen_prelude::{FromNapiValue, Uint8Array, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use std::ffi::CStr;
use std::ptr::null_mut;

/// Values nested deeper than this are not made: JS writes at most 8 levels, but a file may say anything.
const DEEPEST: u32 = 64;

/// Records of a spool as JS values, for recovery and offline readers; an error is an object whose one key is `error`. Ends at the first byte that makes no sense and says
/// so in `bad`. Records that begin behind the spool's start need its `keys` so far, which the answer continues.
#[napi(
    catch_unwind,
    ts_return_type = "{ records: { kind: number; cut: boolean; values: unknown[] }[]; keys: string[]; bad?: string }"
)]
pub fn ring_decode(env: Env, records: Uint8Array, keys: Vec<String>) -> Result<Unknown<'static>, CodedError> {
    let mut decoder = Decoder { env: env.raw(), keys };
    let value = decoder.all(&records);
    // SAFETY: a live value of the running call.
    unsafe { Unknown::from_napi_value(env.raw(), value) }.map_err(|error| coded("KYMO_RING_OPEN", error.reason.clone()))
}

/// Makes JS values. Every call below makes a value in the scope of the running call, or sets one of its properties.
struct Decoder {
    env: sys::napi_env,
    keys: Vec<String>,
}

impl Decoder {
    fn all(&mut self, bytes: &[u8]) -> sys::napi_value {
        let (result, list) = (self.object(), self.array());
        self.set(result, c"records", list);
        let mut index = 0;
        for record in read_records(bytes) {
            let made = record.map_err(|bad| format!("{bad:?}")).and_then(|record| {
                if record.kind == RECORD_KEY {
                    return self.learn(record.body).map(|()| None);
                }
                let (entry, values) = (self.object(), self.array());
                let mut body = record.values();
                let mut count = 0;
                while !body.at_end() {
                    self.put(values, count, self.value(&mut body, 0)?);
                    count += 1;
                }
                self.set(entry, c"kind", self.number(f64::from(record.kind)));
                self.set(entry, c"cut", self.boolean(record.cut));
                self.set(entry, c"values", values);
                Ok(Some(entry))
            });
            match made {
                Ok(None) => {}
                Ok(Some(entry)) => {
                    self.put(list, index, entry);
                    index += 1;
                }
                Err(bad) => {
                    self.set(result, c"bad", text_value(self.env, bad.as_bytes()));
                    break;
                }
            }
        }
        let keys = self.array();
        for (id, key) in self.keys.iter().enumerate() {
            self.put(keys, id as u32, text_value(self.env, key.as_bytes()));
        }
        self.set(result, c"keys", keys);
        result
    }

    /// A key of the spool. Another process may have appended to it, and its ids begin at 0 again.
    fn learn(&mut self, body: &[u8]) -> Result<(), String> {
        let (id, text) = body.split_first_chunk::<4>().ok_or("a key without an id")?;
        let id = u32::from_le_bytes(*id) as usize;
        let text = std::str::from_utf8(text).map_err(|_| "a key that is no text")?;
        if id > self.keys.len() {
            return Err(format!("key {id} before key {}", self.keys.len()));
        }
        self.keys.truncate(id);
        self.keys.push(text.to_owned());
        Ok(())
    }

    fn value(&self, values: &mut Values<'_>, depth: u32) -> Result<sys::napi_value, String> {
        if depth > DEEPEST {
            return Err("nested too deep".to_owned());
        }
        let mut made = null_mut();
        match values.read().map_err(|bad| format!("{bad:?}"))? {
            // SAFETY: see the type.
            Value::Null => _ = unsafe { sys::napi_get_null(self.env, &mut made) },
            Value::Bool(value) => made = self.boolean(value),
            Value::I32(value) => made = self.number(f64::from(value)),
            Value::F64(value) => made = self.number(value),
            Value::Latin1(bytes) => {
                // SAFETY: see the type; the bytes are copied.
                unsafe {
                    sys::napi_create_string_latin1(self.env, bytes.as_ptr().cast(), bytes.len() as isize, &mut made)
                };
            }
            Value::Utf16(bytes) => {
                let units: Vec<u16> = bytes
                    .chunks_exact(2)
                    .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                    .collect();
                // SAFETY: see the type; the units are copied.
                unsafe { sys::napi_create_string_utf16(self.env, units.as_ptr(), units.len() as isize, &mut made) };
            }
            Value::Interned(id) => {
                let key = self.keys.get(id as usize).ok_or_else(|| format!("unknown key {id}"))?;
                made = text_value(self.env, key.as_bytes());
            }
            Value::BigInt(digits) => {
                let digits = std::str::from_utf8(digits)
                    .ok()
                    .and_then(|digits| digits.parse::<i64>().ok());
                // SAFETY: see the type.
                unsafe { sys::napi_create_bigint_int64(self.env, digits.unwrap_or_default(), &mut made) };
            }
            Value::Object(count) => made = self.entries(values, count, depth)?,
            Value::Error(count) => {
                made = self.object();
                self.set(made, c"error", self.entries(values, count, depth)?);
            }
            // SAFETY: see the type.
            Value::Time(value) => _ = unsafe { sys::napi_create_date(self.env, value, &mut made) },
            Value::Bytes(bytes) => {
                // SAFETY: see the type; the bytes are copied.
                unsafe {
                    sys::napi_create_buffer_copy(self.env, bytes.len(), bytes.as_ptr().cast(), null_mut(), &mut made)
                };
            }
            Value::Array(count) => {
                made = self.array();
                for index in 0..count {
                    self.put(made, index, self.value(values, depth + 1)?);
                }
            }
        }
        Ok(made)
    }

    fn entries(&self, values: &mut Values<'_>, count: u32, depth: u32) -> Result<sys::napi_value, String> {
        let made = self.object();
        for _ in 0..count {
            let key = self.value(values, depth + 1)?;
            let value = self.value(values, depth + 1)?;
            self.define(made, key, value);
        }
        Ok(made)
    }

    fn object(&self) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_create_object(self.env, &mut made) };
        made
    }

    fn array(&self) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_create_array(self.env, &mut made) };
        made
    }

    fn number(&self, value: f64) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_create_double(self.env, value, &mut made) };
        made
    }

    fn boolean(&self, value: bool) -> sys::napi_value {
        let mut made = null_mut();
        // SAFETY: see the type.
        unsafe { sys::napi_get_boolean(self.env, value, &mut made) };
        made
    }

    fn set(&self, object: sys::napi_value, name: &CStr, value: sys::napi_value) {
        // SAFETY: see the type; the name ends with a zero.
        unsafe { sys::napi_set_named_property(self.env, object, name.as_ptr(), value) };
    }

    fn put(&self, array: sys::napi_value, index: u32, value: sys::napi_value) {
        // SAFETY: see the type.
        unsafe { sys::napi_set_element(self.env, array, index, value) };
    }

    /// Defines, so that a key `__proto__` is a key like any other.
    fn define(&self, object: sys::napi_value, key: sys::napi_value, value: sys::napi_value) {
        let property = sys::napi_property_descriptor {
            utf8name: std::ptr::null(),
            name: key,
            method: None,
            getter: None,
            setter: None,
            value,
            attributes: sys::PropertyAttributes::writable
                | sys::PropertyAttributes::enumerable
                | sys::PropertyAttributes::configurable,
            data: null_mut(),
        };
        // SAFETY: see the type; one descriptor.
        unsafe { sys::napi_define_properties(self.env, object, 1, &property) };
    }
}
