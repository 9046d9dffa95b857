//! The ops server.
