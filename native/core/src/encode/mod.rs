//! Formats that more than one domain writes, and what makes writing them cheap. Any thread; everything appends to a buffer of the
//! caller.

pub(crate) mod base64;
pub(crate) mod iso;
pub(crate) mod json;
pub(crate) mod msgpack;
pub(crate) mod plain_json;
pub(crate) mod plain_msgpack;
pub(crate) mod protobuf;
pub(crate) mod room;
pub(crate) mod text;
