//! Which metrics make up a family, and what happens to those that clash: several registries, collectors.

use super::*;
use crate::memory::table::{AnonymousProvider, Memory, Role};
use crate::metrics::collector::{Collector, Sample};
use crate::metrics::descriptor::Descriptor;
use crate::metrics::registry::Registries;
use std::sync::Arc;

#[test]
fn a_name_in_several_registries_is_one_family_with_the_series_of_all() {
    let metrics = [
        counter("a_total", &[("r=\"1\"", &[1.0])]),
        gauge("b", &[("", &[9.0])]),
        counter("a_total", &[("r=\"2\"", &[2.0])]),
    ];
    for output in [text(&metrics), openmetrics(&metrics)] {
        assert_eq!(output.matches("# TYPE a").count(), 1, "{output}");
        assert!(output.contains("a_total{r=\"1\"} 1\na_total{r=\"2\"} 2\n"), "{output}");
    }
}

#[test]
fn names_that_become_equal_are_one_family() {
    let output = text(&[
        gauge("a.b", &[("x=\"1\"", &[1.0])]),
        gauge("a-b", &[("x=\"2\"", &[2.0])]),
    ]);
    assert_eq!(
        output,
        "# HELP a_b h\n# TYPE a_b gauge\na_b{x=\"1\"} 1\na_b{x=\"2\"} 2\n"
    );
}

/// (rules 1 and 2)
#[test]
fn of_two_series_with_equal_labels_the_first_registrys_is_written_and_the_other_counted() {
    let metrics = [
        counter("a_total", &[("x=\"1\",y=\"2\"", &[1.0]), ("", &[5.0])]),
        counter(
            "a_total",
            &[("y=\"2\",x=\"1\"", &[7.0]), ("x=\"1,y:2\"", &[3.0]), ("", &[6.0])],
        ),
    ];
    let (output, rendered) = scraped(&metrics, RenderOptions::new(Format::Text004));
    assert!(
        output.contains("counter\na_total{x=\"1\",y=\"2\"} 1\na_total 5\na_total{x=\"1,y:2\"} 3\n# HELP kymo"),
        "{output}"
    );
    assert!(output.ends_with("kymo_scrape_left_out{what=\"metric\"} 0\nkymo_scrape_left_out{what=\"series\"} 2\n"));
    assert_eq!(
        rendered,
        Rendered {
            families: 1,
            series: 3,
            refused: 0,
            duplicates: 2
        }
    );
}

#[test]
fn a_name_of_another_kind_is_refused_to_the_later_metric() {
    let metrics = [
        gauge("a", &[("", &[1.0])]),
        histogram("a", &[], &[("", &[1.0, 1.0])]),
        histogram("a", &[], &[]),
    ];
    for format in [
        Format::Text004,
        Format::Text100,
        Format::OpenMetrics001,
        Format::OpenMetrics100,
        Format::OpenMetrics200,
    ] {
        let (output, rendered) = scraped(&metrics, RenderOptions::new(format));
        assert!(
            output.contains("# TYPE a gauge\n") && !output.contains("# TYPE a histogram"),
            "{output}"
        );
        assert!(
            output.contains("\nkymo_scrape_left_out{what=\"metric\"} 2\n"),
            "{output}"
        );
        assert_eq!(
            rendered,
            Rendered {
                families: 1,
                series: 1,
                refused: 2,
                duplicates: 0
            }
        );
    }
}

#[test]
fn what_a_scrape_says_about_itself_has_a_name_of_its_own() {
    let (output, rendered) = scraped(
        &[gauge("kymo_scrape_left_out", &[("", &[9.0])]), gauge("a", &[])],
        RenderOptions::new(Format::OpenMetrics100),
    );
    assert_eq!(output.matches("# TYPE kymo_scrape_left_out gauge").count(), 1);
    assert!(!output.contains("kymo_scrape_left_out 9"), "{output}");
    assert_eq!(rendered.refused, 1);
    assert!(
        !openmetrics(&[gauge("a", &[])]).contains("kymo_"),
        "nothing to say, nothing said"
    );
}

/// (rule 10)
#[test]
fn a_sample_name_is_never_written_by_two_families() {
    let metrics = [
        histogram("took", &[], &[("", &[1.0, 1.0])]),
        gauge("took_count", &[("", &[9.0])]),
        gauge("took_created", &[("", &[8.0])]),
    ];
    assert!(!text(&metrics).contains("took_count 9") && text(&metrics).contains("took_created 8"));
    assert!(!openmetrics(&metrics).contains("took_count 9") && !openmetrics(&metrics).contains("took_created 8"));
}

#[test]
fn a_counter_whose_family_name_is_taken_is_unknown_in_openmetrics() {
    let metrics = [gauge("jobs", &[("", &[1.0])]), counter("jobs_total", &[("", &[2.0])])];
    assert!(openmetrics(&metrics).contains("# TYPE jobs_total unknown\n# HELP jobs_total h\njobs_total 2\n"));
    assert!(text(&metrics).contains("# TYPE jobs_total counter\njobs_total 2\n"));
}

#[test]
fn a_metric_registered_after_the_plan_waits_for_the_next_scrape() {
    let options = RenderOptions::new(Format::Text004);
    let source = |name| Source::new(Kind::Gauge, name, "");
    let mut families = Families::new(options);
    families.declare(&source("a"));
    let mut out = Vec::new();
    let mut scrape = Scrape::new(options, families, &mut out);
    for name in ["a", "a", "late"] {
        scrape.family(&source(name), |visit| visit(&plain_view(b"", &[1.0])));
    }
    assert_eq!(scrape.finish().families, 1);
    assert_eq!(out, b"# TYPE a gauge\na 1\n");
}

#[test]
fn consecutive_samples_of_a_collector_are_one_family() {
    let mut collected = Collected::default();
    for (name, labels, kind) in [
        ("a", "x=\"1\"", Kind::Gauge),
        ("a", "x=\"2\"", Kind::Gauge),
        ("b", "", Kind::Counter),
        ("c", "", Kind::Histogram),
    ] {
        let sample = Sample {
            name,
            help: "h",
            kind,
            labels,
            value: 1.0,
        };
        collected.add(&sample, &Arc::default());
    }
    let shapes: Vec<_> = collected
        .families()
        .iter()
        .map(|family| (family.name.as_str(), family.samples.len()))
        .collect();
    assert_eq!(shapes, [("a", 2), ("b", 1)]);
}

struct Depths(&'static str);

impl Collector for Depths {
    fn collect(&self, emit: &mut dyn FnMut(Sample<'_>)) {
        for (labels, value) in [("queue=\"a\"", 1.0), (self.0, 2.0)] {
            emit(Sample {
                name: "depth",
                help: "Depth",
                kind: Kind::Gauge,
                labels,
                value,
            });
        }
    }
}

#[test]
fn real_registries_and_their_collectors_are_rendered_together() -> Result<(), Box<dyn std::error::Error>> {
    let memory = Arc::new(Memory::new(Box::new(AnonymousProvider)));
    let owner = memory.attach(Role::Main, 0).map_err(|error| format!("{error:?}"))?;
    let registries = Registries::new(Arc::clone(&memory));
    let (one, two) = (registries.open(None), registries.open(None));
    for (registry, labels, value) in [
        (&one, "r=\"1\"", 3.0_f64),
        (&two, "r=\"2\"", 4.0),
        (&two, "r=\"1\"", 9.0),
    ] {
        let descriptor = Descriptor {
            label_names: ["r"].map(Box::from).into(),
            ..Descriptor::new(Kind::Counter, "jobs_total", "Jobs")
        };
        let metric = registries
            .declare(registry, descriptor)
            .map_err(|conflict| conflict.existing)?;
        let at = metric
            .register(&owner, labels.as_bytes())
            .map_err(|error| format!("{error:?}"))?;
        let slot = memory.slot(at.location.segment()).ok_or("no segment")?;
        slot.segment
            .cell(at.location.cell())
            .store(value.to_bits(), std::sync::atomic::Ordering::Relaxed);
    }
    one.attach(Arc::new(Depths("queue=\"b\"")));
    two.attach(Arc::new(Depths("queue=\"c\"")));

    let mut out = b"before".to_vec();
    let rendered = render(&[&one, &two, &one], Format::OpenMetrics100, &mut out);
    let expected = "before# TYPE jobs counter\n# HELP jobs Jobs\njobs_total{r=\"1\"} 3\njobs_total{r=\"2\"} 4\n\
        # TYPE depth gauge\n# HELP depth Depth\ndepth{queue=\"a\"} 1\ndepth{queue=\"b\"} 2\ndepth{queue=\"c\"} 2\n\
        # TYPE kymo_scrape_left_out gauge\n";
    assert!(
        String::from_utf8_lossy(&out).starts_with(expected),
        "{}",
        String::from_utf8_lossy(&out)
    );
    assert_eq!(
        rendered,
        Rendered {
            families: 2,
            series: 5,
            refused: 0,
            duplicates: 2
        }
    );
    Ok(())
}
