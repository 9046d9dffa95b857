//! Scrapes of some families only: the `name[]` of a query. Any thread.

use hashbrown::HashSet;

use super::format::{Names, Style, Type};

/// The names that a scraper asked for.
#[derive(Default)]
pub(super) struct NameFilter<'a> {
    /// Empty for all.
    names: HashSet<&'a str>,
}

impl<'a> NameFilter<'a> {
    /// No names ask for everything.
    pub(super) fn new(names: &'a [Box<str>]) -> NameFilter<'a> {
        NameFilter {
            names: names.iter().map(|name| &**name).collect(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.contains(name)
    }

    /// True when the family was asked for: by the name it was declared with or the one it is written with, or by one of
    /// its sample names, those of another format included, so that a query does not depend on what was negotiated.
    pub(super) fn wants(&self, declared: &str, written: &str, r#type: Type) -> bool {
        self.has(declared)
            || [Style::Text, Style::OpenMetrics1].into_iter().any(|style| {
                let names = Names::new(style, written, r#type);
                self.has(&names.sample) || names.reserved(Style::OpenMetrics1, r#type).any(|name| self.has(&name))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_wanted_by_any_of_its_names() {
        let wants = |asked: &str, declared: &str, r#type| {
            NameFilter::new(&[asked.into()]).wants(declared, &declared.replace('.', "_"), r#type)
        };
        for asked in [
            "took.seconds",
            "took_seconds",
            "took_seconds_bucket",
            "took_seconds_count",
            "took_seconds_created",
        ] {
            assert!(wants(asked, "took.seconds", Type::Histogram), "{asked}");
        }
        assert!(wants("jobs", "jobs_total", Type::Counter) && wants("jobs_total", "jobs", Type::Counter));
        assert!(wants("build", "build_info", Type::Info) && wants("build_info", "build", Type::Info));
        assert!(!wants("took", "took_seconds", Type::Histogram));
        assert!(!wants("depth_count", "depth", Type::Gauge));
        assert!(!wants("", "depth", Type::Gauge));
        assert!(NameFilter::new(&[]).wants("depth", "depth", Type::Gauge));
    }
}
