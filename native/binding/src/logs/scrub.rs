//! Patterns of secrets for JS: what is looked for behind the ring, and the steps that JS runs itself before it. App threads; cold.

use super::{known_logs, logs};
use crate::raw::{CodedError, coded};
use kymo_core::logs::Scrub;
use kymo_core::logs::scrub::{CARD_NUMBER, Censor, Check, Pattern, Scrubber, builtin, names};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Key of the hashes of this process, where none is given: threads share it.
static HASH_KEY: OnceLock<Vec<u8>> = OnceLock::new();
static CURRENT: RwLock<Option<Arc<Scrubber>>> = RwLock::new(None);

/// A pattern that comes with Kymo by its name, or one of the user's.
#[napi(object)]
pub struct PatternSource {
    /// What its findings are called.
    pub name: String,
    /// Without one: a pattern of Kymo.
    pub source: Option<String>,
    /// Letters in either case.
    pub ignore_case: bool,
}

/// A run of characters.
#[napi(object)]
pub struct PatternStep {
    /// ASCII characters that it takes: bits 0 to 31, 32 to 63, and so on.
    pub ascii: Vec<u32>,
    /// It takes all other characters.
    pub other: bool,
    /// Fewest characters.
    pub min: u32,
    /// Most characters; 2^32 - 1: any number.
    pub max: u32,
}

/// A compiled pattern. Without steps: the search for card numbers.
#[napi(object)]
pub struct CompiledPattern {
    /// What its findings are called.
    pub name: String,
    /// In order; the first three take one character each.
    pub steps: Vec<PatternStep>,
    /// What is hidden begins before this step.
    pub hide_from: u32,
    /// It ends before this one.
    pub hide_to: u32,
    /// What is looked at once the steps have matched.
    #[napi(ts_type = "'none' | 'last-at' | 'basic' | 'pem'")]
    pub check: String,
}

fn parsed(source: &PatternSource) -> Result<Vec<Pattern>, String> {
    match &source.source {
        Some(text) => Pattern::parse(&source.name, text, source.ignore_case).map(|pattern| vec![pattern]),
        None if names().contains(&source.name.as_str()) => Ok(builtin(&source.name)),
        None => Err(format!("no pattern is called {}", source.name)),
    }
}

fn is_card(source: &PatternSource) -> bool {
    source.source.is_none() && source.name == CARD_NUMBER
}

fn all_parsed(sources: &[PatternSource]) -> Result<Vec<Pattern>, CodedError> {
    let mut patterns = Vec::new();
    for source in sources {
        patterns.extend(parsed(source).map_err(|problem| coded("KYMO_LOG_REDACT_PATTERN", problem))?);
    }
    Ok(patterns)
}

/// What takes secrets out of values, where anything is looked for.
pub fn scrubber() -> Option<Arc<Scrubber>> {
    CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What is wrong with a pattern, and what to write; null when nothing is.
#[napi]
pub fn log_scrub_problem(source: PatternSource) -> Option<String> {
    parsed(&source).err()
}

/// The names of the patterns that come with Kymo.
#[napi]
pub fn log_scrub_names() -> Vec<String> {
    names().into_iter().map(str::to_owned).collect()
}

/// The steps of patterns, in the order in which they are tried.
#[napi(catch_unwind)]
pub fn log_scrub_patterns(sources: Vec<PatternSource>) -> Result<Vec<CompiledPattern>, CodedError> {
    let mut compiled: Vec<CompiledPattern> = all_parsed(&sources)?.iter().map(described).collect();
    if sources.iter().any(is_card) {
        compiled.push(CompiledPattern {
            name: CARD_NUMBER.to_owned(),
            steps: Vec::new(),
            hide_from: 0,
            hide_to: 0,
            check: "none".to_owned(),
        });
    }
    Ok(compiled)
}

/// Looks for these in all log records of the process from now on; for nothing when there are none.
#[napi(catch_unwind)]
pub fn log_scrub(sources: Vec<PatternSource>, censor: String) -> Result<(), CodedError> {
    let patterns = all_parsed(&sources)?;
    let cards = sources.iter().any(is_card);
    let wanted = cards || !patterns.is_empty();
    let scrubber = wanted.then(|| Arc::new(Scrubber::new(patterns, cards, Censor::new(&censor))));
    let for_collector = scrubber.clone().map(|scrubber| scrubber as Arc<dyn Scrub>);
    match known_logs() {
        Some(logs) => logs.set_scrub(for_collector),
        None if wanted => logs()?.set_scrub(for_collector),
        None => {}
    }
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = scrubber;
    Ok(())
}

/// A text as the collector would write it.
#[napi(catch_unwind)]
pub fn log_scrub_text(text: String) -> String {
    let current = CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone();
    current.and_then(|scrubber| scrubber.scrub_text(&text)).unwrap_or(text)
}

/// The key of the hashes of this process: random bytes that the thread gave which asked first.
#[napi]
pub fn log_hash_key(random: Uint8Array) -> Uint8Array {
    HASH_KEY.get_or_init(|| random.to_vec()).clone().into()
}

fn described(pattern: &Pattern) -> CompiledPattern {
    let steps = pattern.steps.iter().map(|step| PatternStep {
        ascii: (0..4).map(|word| (step.set.ascii >> (32 * word)) as u32).collect(),
        other: step.set.other,
        min: step.min,
        max: step.max,
    });
    CompiledPattern {
        name: pattern.name.to_string(),
        steps: steps.collect(),
        hide_from: pattern.hide_from as u32,
        hide_to: pattern.hide_to as u32,
        check: match pattern.check {
            Check::None => "none",
            Check::LastAt => "last-at",
            Check::Basic => "basic",
            Check::Pem => "pem",
        }
        .to_owned(),
    }
}
