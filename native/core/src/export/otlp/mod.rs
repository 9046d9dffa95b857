//! OTLP (OpenTelemetry Protocol 1.x): what messages of all signals have in common. Each signal has its messages in its own folder.

pub(crate) mod json;
pub(crate) mod protobuf;

/// Messages within messages that a reader may take as the end of its patience: protobuf's own readers refuse more than 100, in
/// JSON as well, and with one deep value the whole batch. The rest is for whoever wraps what we send.
const MOST_MESSAGES: u32 = 90;
/// Messages around the value of an attribute, at most: resource spans, scope spans, span, event or link, key and value, value.
const MESSAGES_AROUND: u32 = 6;
/// Messages that are left inside the value of an attribute.
pub(crate) const MESSAGES_LEFT: u32 = MOST_MESSAGES - MESSAGES_AROUND;
/// What an array takes of them: the array and its values.
const ARRAY_MESSAGES: u32 = 2;
/// What a map takes of them: the map, its entries and their values.
const MAP_MESSAGES: u32 = 3;
