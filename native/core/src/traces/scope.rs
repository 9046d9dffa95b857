//! What spans of a tracer have in common: its scope. Made by app threads, read by every thread.
use crate::append::AppendVec;
use crate::export::resource::OwnedAttributes;
use std::sync::{Arc, Mutex, PoisonError};

/// A tracer: OpenTelemetry's instrumentation scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The provider it belongs to.
    pub host: u32,
    /// Name of the instrumentation.
    pub name: Box<str>,
    /// Its version; empty: none.
    pub version: Box<str>,
    /// Schema of the names it uses; empty: none.
    pub schema_url: Box<str>,
    /// In the order given.
    pub attributes: OwnedAttributes,
}

/// Most scopes of a process: what a record can name.
pub const MOST_SCOPES: u32 = 65_535;

/// All scopes of the process. They are never taken back, since a ring may still name one.
#[derive(Default)]
pub struct Scopes {
    all: AppendVec<Arc<Scope>>,
    making: Mutex<()>,
}

impl Scopes {
    /// The number of this scope, the same one for the same words; `None` when no more can be had. O(scopes); cold.
    pub fn add(&self, scope: Scope) -> Option<u16> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.all.iter().position(|known| **known == scope) {
            return Some(known as u16);
        }
        if self.all.len() >= MOST_SCOPES {
            return None;
        }
        // SAFETY: pushes hold `making`.
        Some(unsafe { self.all.push(Arc::new(scope)) } as u16)
    }

    /// The scope of a number. Two loads.
    pub fn get(&self, id: u16) -> Option<&Arc<Scope>> {
        self.all.get(u32::from(id))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::export::resource::OwnedValue;

    fn scope(host: u32, name: &str) -> Scope {
        Scope {
            host,
            name: name.into(),
            version: "1.0".into(),
            schema_url: "".into(),
            attributes: vec![("a".into(), OwnedValue::Int(1))],
        }
    }

    #[test]
    fn a_scope_is_known_by_all_its_words() {
        let scopes = Scopes::default();
        assert_eq!(scopes.add(scope(0, "http")), Some(0));
        assert_eq!(scopes.add(scope(0, "db")), Some(1));
        assert_eq!(scopes.add(scope(0, "http")), Some(0));
        assert_eq!(scopes.add(scope(1, "http")), Some(2), "another provider's");
        assert_eq!(&*scopes.get(1).unwrap().name, "db");
        assert!(scopes.get(3).is_none());
    }
}
