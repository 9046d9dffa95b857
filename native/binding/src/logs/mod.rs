//! Logs for JS: the ring of a thread, and where its records go. App threads; cold, but for the ring's own warm calls.
