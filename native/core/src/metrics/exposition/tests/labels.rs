//! Names and labels: escaping schemes, default labels, the filter by name.

use super::*;

fn in_scheme(metrics: &[Metric], format: Format, escaping: Escaping) -> String {
    let options = RenderOptions {
        escaping,
        ..RenderOptions::new(format)
    };
    scraped(metrics, options).0
}

fn dotted() -> [Metric; 2] {
    [
        counter(
            "http.requests_total",
            &[("\"a.b\"=\"x\",c=\"y\"", &[1.0]), ("", &[2.0])],
        )
        .label_names(&["a.b", "c"]),
        histogram("took.seconds", &[1.0], &[("", &[1.0, 0.0, 0.5])]),
    ]
}

/// (rule 19)
#[test]
fn quoted_names_stand_in_braces_and_in_front() {
    let text = in_scheme(&dotted(), Format::Text100, Escaping::AllowUtf8);
    assert_eq!(
        text,
        "# HELP \"http.requests_total\" h\n# TYPE \"http.requests_total\" counter\n{\"http.requests_total\",\"a.b\"=\"x\",c=\"y\"} 1\n\
         {\"http.requests_total\"} 2\n# HELP \"took.seconds\" h\n# TYPE \"took.seconds\" histogram\n\
         {\"took.seconds_bucket\",le=\"1\"} 1\n{\"took.seconds_bucket\",le=\"+Inf\"} 1\n{\"took.seconds_sum\"} 0.5\n{\"took.seconds_count\"} 1\n"
    );
    let openmetrics = in_scheme(&dotted(), Format::OpenMetrics100, Escaping::AllowUtf8);
    assert!(
        openmetrics.contains("# TYPE \"http.requests\" counter\n"),
        "{openmetrics}"
    );
    assert!(
        openmetrics.contains("\n{\"http.requests_total\",\"a.b\"=\"x\",c=\"y\"} 1\n"),
        "{openmetrics}"
    );
}

/// (rule 19)
#[test]
fn each_scheme_writes_names_of_metrics_and_labels() {
    for (escaping, line) in [
        (Escaping::Underscores, "\nhttp_requests_total{a_b=\"x\",c=\"y\"} 1\n"),
        (Escaping::Dots, "\nhttp_dot_requests__total{a_dot_b=\"x\",c=\"y\"} 1\n"),
        (
            Escaping::Values,
            "\nU__http_2E_requests__total{U__a_2E_b=\"x\",c=\"y\"} 1\n",
        ),
    ] {
        for format in [Format::Text004, Format::Text100, Format::OpenMetrics200] {
            let output = in_scheme(&dotted(), format, escaping);
            assert!(output.replace(" st@1763726282.250", "").contains(line), "{output}");
        }
    }
}

#[test]
fn series_that_become_equal_under_a_scheme_are_written_once() {
    let metrics = [gauge(
        "a",
        &[("\"l.1\"=\"x\",l_1=\"y\"", &[1.0]), ("\"l.1\"=\"x\",l_1=\"z\"", &[2.0])],
    )
    .label_names(&["l.1", "l_1"])];
    let (output, rendered) = scraped(&metrics, RenderOptions::new(Format::Text004));
    assert!(
        output.contains("\na{l_1=\"x\"} 1\n") && !output.contains("} 2\n"),
        "{output}"
    );
    assert_eq!(rendered.duplicates, 1);
    let all = in_scheme(&metrics, Format::Text100, Escaping::AllowUtf8);
    assert!(all.contains("a{\"l.1\"=\"x\",l_1=\"z\"} 2\n"), "{all}");
}

/// (rule 16)
#[test]
fn default_labels_stand_in_front_and_a_metrics_own_label_wins() {
    let labels = &[("app", "shop \"1\""), ("zone", "eu"), ("empty", ""), ("zone", "twice")][..];
    let metrics = [
        counter("a_total", &[("zone=\"us\"", &[1.0])])
            .label_names(&["zone"])
            .default_labels(labels),
        gauge("g", &[("", &[2.0])]).default_labels(labels),
        histogram("h", &[], &[("", &[1.0, 0.5]), ("x=\"1\"", &[2.0, 0.5])])
            .label_names(&["x"])
            .default_labels(labels),
    ];
    let output = text(&metrics);
    for line in [
        "\na_total{app=\"shop \\\"1\\\"\",zone=\"us\"} 1\n",
        "\ng{app=\"shop \\\"1\\\"\",zone=\"eu\"} 2\n",
        "\nh_bucket{app=\"shop \\\"1\\\"\",zone=\"eu\",le=\"+Inf\"} 1\nh_sum{app=\"shop \\\"1\\\"\",zone=\"eu\"} 0.5\n",
        "\nh_bucket{app=\"shop \\\"1\\\"\",zone=\"eu\",x=\"1\",le=\"+Inf\"} 2\n",
    ] {
        assert!(output.contains(line), "{line} in {output}");
    }
}

/// (rule 16)
#[test]
fn a_default_label_never_takes_a_name_that_the_format_needs() {
    let labels = &[("le", "x"), ("quantile", "x"), ("mode", "x")][..];
    let metrics = [
        histogram("h", &[], &[("", &[1.0, 0.5])]).default_labels(labels),
        summary("s", &[0.5], &[("", [1.0, 2.0], &[2.0])]).default_labels(labels),
        state_set("mode", &["on"], &[("", &[1.0])]).default_labels(labels),
    ];
    for output in [text(&metrics), openmetrics(&metrics)] {
        assert!(
            output.contains("h_bucket{quantile=\"x\",mode=\"x\",le=\"+Inf\"} 1\n"),
            "{output}"
        );
        assert!(
            output.contains("s{le=\"x\",mode=\"x\",quantile=\"0.5\"} 2\n"),
            "{output}"
        );
        assert!(
            output.contains("mode{le=\"x\",quantile=\"x\",mode=\"on\"} 1\n"),
            "{output}"
        );
    }
}

#[test]
fn default_labels_of_two_registries_keep_their_series_apart() {
    let one = gauge("g", &[("", &[1.0])]).default_labels(&[("r", "1")]);
    let two = gauge("g", &[("", &[2.0])]).default_labels(&[("r", "2")]);
    let (output, rendered) = scraped(&[one.clone(), two, one], RenderOptions::new(Format::Text004));
    assert!(
        output.contains("# TYPE g gauge\ng{r=\"1\"} 1\ng{r=\"2\"} 2\n"),
        "{output}"
    );
    assert_eq!((rendered.series, rendered.duplicates), (2, 1));
}

/// (rule 15) an empty value is no label, so these are one series.
#[test]
fn a_label_without_a_value_makes_no_other_series() {
    let metrics = [gauge("g", &[("a=\"\"", &[1.0])]), gauge("g", &[("", &[2.0])])];
    assert_eq!(scraped(&metrics, RenderOptions::new(Format::Text004)).1.duplicates, 1);
}

#[test]
fn only_what_was_asked_for_is_written() {
    let metrics = [
        counter("jobs_total", &[("", &[1.0])]),
        histogram("took", &[], &[("", &[1.0, 1.0])]),
        gauge("took", &[("", &[1.0])]),
        metric(Kind::Info, "build", &[("v=\"1\"", &[1.0])]),
    ];
    let asked = |names: &[&str], format| {
        let names: Vec<Box<str>> = names.iter().map(|name| Box::from(*name)).collect();
        let options = RenderOptions {
            names: &names,
            ..RenderOptions::new(format)
        };
        scraped(&metrics, options).0
    };
    let types = |output: &str| output.lines().filter(|line| line.starts_with("# TYPE")).count();
    for format in [Format::Text004, Format::OpenMetrics100, Format::OpenMetrics200] {
        assert_eq!(types(&asked(&["jobs_total"], format)), 1);
        assert_eq!(types(&asked(&["took_bucket", "jobs", "build_info"], format)), 3);
        assert_eq!(types(&asked(&["nothing"], format)), 0);
        assert!(asked(&["kymo_scrape_left_out"], format).contains("kymo_scrape_left_out{what=\"metric\"} 1\n"));
    }
    assert_eq!(asked(&["nothing"], Format::OpenMetrics100), "# EOF\n");
    assert!(
        asked(&["took"], Format::Text004).ends_with("took_count 1\n"),
        "the clash is decided as without a filter"
    );
}
