//! Values of attributes of resources and scopes, from JS. App threads; cold.

use kymo_core::export::{OwnedAttributes, OwnedValue};
use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object, Unknown};
use napi::{JsValue, ValueType};

/// Arrays nested deeper than this are no value.
const DEEPEST: u32 = 8;
/// The largest integer that JavaScript's numbers hold exactly.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// Attributes from a flat list: key, value, key, value.
pub fn attributes(flat: &[Unknown<'_>]) -> napi::Result<OwnedAttributes> {
    let mut attributes = OwnedAttributes::new();
    for pair in flat.chunks_exact(2) {
        attributes.push((text(&pair[0])?.into(), value(&pair[1], 0)?));
    }
    Ok(attributes)
}

/// A value that stands alone.
pub fn plain(given: &Unknown<'_>) -> napi::Result<OwnedValue> {
    value(given, 0)
}

fn text(value: &Unknown<'_>) -> napi::Result<String> {
    // SAFETY: a live value of the running call.
    unsafe { String::from_napi_value(value.value().env, value.raw()) }
}

fn value(given: &Unknown<'_>, depth: u32) -> napi::Result<OwnedValue> {
    let env = given.value().env;
    Ok(match given.get_type()? {
        ValueType::Boolean => {
            // SAFETY: a live value of the running call, of this type.
            OwnedValue::Bool(unsafe { bool::from_napi_value(env, given.raw()) }?)
        }
        ValueType::Number => {
            // SAFETY: as above.
            match unsafe { f64::from_napi_value(env, given.raw()) }? {
                whole if whole.trunc() == whole && whole.abs() <= SAFE => OwnedValue::Int(whole as i64),
                number => OwnedValue::Double(number),
            }
        }
        ValueType::String => OwnedValue::Text(text(given)?.into()),
        ValueType::Object if depth < DEEPEST => {
            // SAFETY: as above.
            let list = unsafe { Object::from_napi_value(env, given.raw()) }?;
            if !list.is_array()? {
                return Ok(OwnedValue::Null);
            }
            let length = list.get_array_length()?;
            let mut values = Vec::new();
            for index in 0..length {
                values.push(value(&list.get_element::<Unknown<'_>>(index)?, depth + 1)?);
            }
            OwnedValue::Array(values)
        }
        _ => OwnedValue::Null,
    })
}
