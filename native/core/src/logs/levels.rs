//! The six levels by pino's numbers, which are those inside. Pure data; any thread.

/// Number and name.
pub const LEVELS: [(u16, &str); 6] = [
    (10, "trace"),
    (20, "debug"),
    (30, "info"),
    (40, "warn"),
    (50, "error"),
    (60, "fatal"),
];

/// The name of a level; `None` for one between two of them.
pub fn level_name(level: u16) -> Option<&'static str> {
    LEVELS.iter().find(|(known, _)| *known == level).map(|(_, name)| *name)
}
