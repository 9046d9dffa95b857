//! What produced spans and records: the resource of a process, and values that outlive their ring. Made by app threads, read by
//! every thread.
use crate::ring::any::{AnyValue, Text};

/// A value of a resource's or scope's attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum OwnedValue {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number.
    Double(f64),
    /// A text.
    Text(Box<str>),
    /// Values.
    Array(Vec<OwnedValue>),
}

impl OwnedValue {
    /// As a value of a record, if it is no array; the array's values otherwise.
    pub fn as_any(&self) -> Result<AnyValue<'_>, &[OwnedValue]> {
        Ok(match self {
            OwnedValue::Null => AnyValue::Null,
            OwnedValue::Bool(value) => AnyValue::Bool(*value),
            OwnedValue::Int(value) => AnyValue::Int(*value),
            OwnedValue::Double(value) => AnyValue::Double(*value),
            OwnedValue::Text(text) => AnyValue::Text(Text::Utf8(text)),
            OwnedValue::Array(values) => return Err(values),
        })
    }
}

/// Attributes in their order.
pub type OwnedAttributes = Vec<(Box<str>, OwnedValue)>;

/// What produced spans and records (`service.name` and the like).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// In the order given.
    pub attributes: OwnedAttributes,
    /// Schema of the attributes' names; empty: none.
    pub schema_url: Box<str>,
}

impl Resource {
    /// `service.name`, or nothing.
    pub fn service_name(&self) -> &str {
        self.attributes
            .iter()
            .find_map(|(key, value)| match value {
                OwnedValue::Text(text) if &**key == "service.name" => Some(&**text),
                _ => None,
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_tells_its_service() {
        let attributes = vec![
            ("host.name".into(), OwnedValue::Text("h".into())),
            ("service.name".into(), OwnedValue::Text("shop".into())),
        ];
        let resource = Resource {
            attributes,
            schema_url: "".into(),
        };
        assert_eq!(resource.service_name(), "shop");
        assert_eq!(Resource::default().service_name(), "");
    }
}
