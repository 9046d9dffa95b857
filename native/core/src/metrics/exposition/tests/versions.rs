//! What differs from format to format: kinds, units, times, exemplars, composite values.

use super::*;

fn openmetrics2(metrics: &[Metric]) -> String {
    written(metrics, Format::OpenMetrics200)
}

/// 2^-128, the usual width of the zero bucket.
const ZERO: f64 = 2.938_735_877_055_719e-39;

fn native() -> NativeHistogram {
    native_histogram(3, (ZERO, 2), 12.5, &[(7, 2)], &[(-1, 3), (0, 1), (5, 2)])
}

#[test]
fn formats_of_one_family_differ_in_their_name_alone() {
    let metrics = [counter("a_total", &[("x=\"1\"", &[1.0])]), gauge("b", &[("", &[2.0])])];
    assert_eq!(text(&metrics), written(&metrics, Format::Text100));
    assert_eq!(openmetrics(&metrics), written(&metrics, Format::OpenMetrics001));
}

/// (rule 7) TYPE, UNIT, HELP.
#[test]
fn a_unit_stands_between_type_and_help_and_ends_the_name_in_openmetrics_1() {
    let metrics = [
        counter("took_seconds_total", &[("", &[1.0])]).unit("seconds"),
        gauge("size", &[]).unit("bytes"),
        metric(Kind::Info, "build_info", &[]).unit("info"),
        gauge("odd_a\nb", &[]).unit("a\nb"),
    ];
    let output = openmetrics(&metrics);
    assert!(output.starts_with("# TYPE took_seconds counter\n# UNIT took_seconds seconds\n# HELP took_seconds h\n"));
    assert_eq!(output.matches("# UNIT").count(), 1, "{output}");
    let output = openmetrics2(&metrics);
    assert!(
        output.contains("# UNIT took_seconds_total seconds\n") && output.contains("# UNIT size bytes\n"),
        "{output}"
    );
    assert_eq!(output.matches("# UNIT").count(), 2, "{output}");
    assert!(!text(&metrics).contains("UNIT"));
}

#[test]
fn an_info_is_one_series_name_in_every_format() {
    for name in ["build", "build_info"] {
        let build = [metric(Kind::Info, name, &[("v=\"1\"", &[1.0])])];
        assert_eq!(
            text(&build),
            "# HELP build_info h\n# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n"
        );
        assert_eq!(
            openmetrics(&build),
            "# TYPE build info\n# HELP build h\nbuild_info{v=\"1\"} 1\n# EOF\n"
        );
        assert_eq!(
            openmetrics2(&build),
            "# TYPE build_info info\n# HELP build_info h\nbuild_info{v=\"1\"} 1\n# EOF\n"
        );
    }
    let clash = [gauge("build", &[]), metric(Kind::Info, "build", &[("v=\"1\"", &[1.0])])];
    assert!(openmetrics(&clash).contains("# TYPE build_info unknown\n# HELP build_info h\nbuild_info{v=\"1\"} 1\n"));
}

#[test]
fn a_state_set_has_a_line_per_state_labelled_with_its_own_name() {
    let mode = [state_set(
        "mode",
        &["on", "o\"f\nf"],
        &[("a=\"x\"", &[1.0, 0.0]), ("", &[0.0, 1.0])],
    )];
    let lines = "mode{a=\"x\",mode=\"on\"} 1\nmode{a=\"x\",mode=\"o\\\"f\\nf\"} 0\nmode{mode=\"on\"} 0\nmode{mode=\"o\\\"f\\nf\"} 1\n";
    assert_eq!(text(&mode), format!("# HELP mode h\n# TYPE mode gauge\n{lines}"));
    for output in [openmetrics(&mode), openmetrics2(&mode)] {
        assert_eq!(output, format!("# TYPE mode stateset\n# HELP mode h\n{lines}# EOF\n"));
    }
}

/// (rules 6 and 14)
#[test]
fn a_summary_without_events_has_nan_quantiles_and_canonical_ones_in_openmetrics() {
    let took = [summary(
        "took",
        &[0.5, 0.99, 1.0],
        &[
            ("", [0.0, 0.0], &[f64::NAN; 3]),
            ("a=\"x\"", [3.0, 7.5], &[2.0, 3.5, 4.0]),
        ],
    )];
    assert_eq!(
        text(&took),
        "# HELP took h\n# TYPE took summary\ntook{quantile=\"0.5\"} NaN\ntook{quantile=\"0.99\"} NaN\ntook{quantile=\"1\"} NaN\ntook_sum 0\ntook_count 0\n\
         took{a=\"x\",quantile=\"0.5\"} 2\ntook{a=\"x\",quantile=\"0.99\"} 3.5\ntook{a=\"x\",quantile=\"1\"} 4\ntook_sum{a=\"x\"} 7.5\ntook_count{a=\"x\"} 3\n"
    );
    assert!(openmetrics(&took).contains("took{a=\"x\",quantile=\"1.0\"} 4\n"));
    assert!(openmetrics2(&took).contains(
        "took {count:0,sum:0,quantile:[0.5:NaN,0.99:NaN,1.0:NaN]} st@1763726282.250\n\
         took{a=\"x\"} {count:3,sum:7.5,quantile:[0.5:2,0.99:3.5,1.0:4]} st@1763726282.250\n"
    ));
}

/// (rule 11)
#[test]
fn the_time_of_the_beginning_stands_where_each_format_has_it() {
    let metrics = [
        counter("a_total", &[("", &[1.0])]),
        gauge("g", &[("", &[1.0])]),
        summary("s", &[], &[("", [1.0, 2.0], &[])]),
    ];
    let output = openmetrics2(&metrics);
    assert!(
        output.contains("\na_total 1 st@1763726282.250\n") && output.contains("\ng 1\n"),
        "{output}"
    );
    let options = RenderOptions {
        created: true,
        ..RenderOptions::new(Format::OpenMetrics001)
    };
    let output = scraped(&metrics, options).0;
    assert!(
        output.contains("\ns_sum 2\ns_count 1\ns_created 1763726282.250\n"),
        "{output}"
    );
    assert!(output.contains("\na_total 1\na_created 1763726282.250\n"), "{output}");
}

/// (rule 9) OpenMetrics 2 appends nothing.
#[test]
fn a_counter_of_openmetrics_2_is_called_as_it_was_declared() {
    let metrics = [counter("jobs", &[("", &[1.0])]), gauge("jobs_total", &[("", &[2.0])])];
    let output = openmetrics2(&metrics);
    assert!(
        output.contains("# TYPE jobs counter\n# HELP jobs h\njobs 1 st@"),
        "{output}"
    );
    assert!(output.contains("jobs_total 2\n"), "{output}");
}

/// (rules 12 and 13)
#[test]
fn exemplars_stand_where_openmetrics_1_allows_them_and_nowhere_in_text() {
    let metrics = [
        counter("a_total", &[("x=\"1\"", &[3.0])])
            .exemplars(&[(0, "trace_id=\"t1\"", 2.0, 1_000), (0, "trace_id=\"t2\"", 1.0, 2_500)]),
        histogram("h", &[1.0, 2.0], &[("", &[1.0, 1.0, 0.0, 2.5])]).exemplars(&[
            (1, "", 1.5, 1_763_726_282_250),
            (0, "trace_id=\"t3\",span_id=\"s\"", 0.5, 7),
            (NATIVE, "trace_id=\"t4\"", 1.5, 8),
        ]),
    ];
    let output = openmetrics(&metrics);
    assert!(
        output.contains("a_total{x=\"1\"} 3 # {trace_id=\"t2\"} 1 2.500\n"),
        "{output}"
    );
    assert!(
        output.contains(
            "h_bucket{le=\"1.0\"} 1 # {trace_id=\"t3\",span_id=\"s\"} 0.5 0.007\nh_bucket{le=\"2.0\"} 2 # {} 1.5 1763726282.250\n\
             h_bucket{le=\"+Inf\"} 2\nh_sum 2.5\nh_count 2\n"
        ),
        "{output}"
    );
    assert!(!text(&metrics).contains("trace_id"));
    let output = openmetrics2(&metrics);
    assert!(
        output.contains("a_total{x=\"1\"} 3 st@1763726282.250 # {trace_id=\"t2\"} 1 2.500\n"),
        "{output}"
    );
    assert!(
        output.contains(
            "h {count:2,sum:2.5,bucket:[1.0:1,2.0:2,+Inf:2]} st@1763726282.250 # {} 1.5 1763726282.250 # {trace_id=\"t3\",span_id=\"s\"} 0.5 0.007\n"
        ),
        "{output}"
    );
}

/// (rule 12)
#[test]
fn an_exemplar_of_native_buckets_alone_stands_at_the_one_bucket_there_is() {
    let metrics = [histogram("h", &[], &[("", &[10.0, 12.5])])
        .native(native())
        .exemplars(&[(NATIVE, "\"a.b\"=\"1\"", 1.5, 8), (NATIVE, "", 2.5, 9)])];
    assert!(openmetrics(&metrics).contains("h_bucket{le=\"+Inf\"} 10 # {} 2.5 0.009\n"));
    let output = openmetrics2(&metrics);
    assert!(output.contains(" # {a_b=\"1\"} 1.5 0.008 # {} 2.5 0.009\n"), "{output}");
    let options = RenderOptions {
        escaping: Escaping::AllowUtf8,
        ..RenderOptions::new(Format::OpenMetrics200)
    };
    assert!(scraped(&metrics, options).0.contains(" # {\"a.b\"=\"1\"} 1.5 0.008"));
}

/// (rule 20) absolute counts, the order of fields, nothing but commas between them.
#[test]
fn native_buckets_are_one_value_in_openmetrics_2() {
    let alone = [histogram("h", &[], &[("", &[10.0, 12.5])]).native(native())];
    let fields = "{count:10,sum:12.5,schema:3,zero_threshold:2.938735877055719e-39,zero_count:2,negative_spans:[7:1],negative_buckets:[2],\
         positive_spans:[-1:2,4:1],positive_buckets:[3,1,2]";
    assert_eq!(
        openmetrics2(&alone),
        format!("# TYPE h histogram\n# HELP h h\nh {fields}}} st@1763726282.250\n# EOF\n")
    );
    let both = [histogram("h", &[1.0, 1e6], &[("a=\"x\"", &[3.0, 1.0, 6.0, 12.5])]).native(native())];
    assert!(openmetrics2(&both).contains(&format!(
        "h{{a=\"x\"}} {fields},bucket:[1.0:3,1e+06:4,+Inf:10]}} st@1763726282.250\n"
    )));
    let empty = native_histogram(3, (ZERO, 0), 0.0, &[], &[]);
    let unseen = [histogram("h", &[], &[("", &[0.0, 0.0])]).native(empty)];
    assert!(
        openmetrics2(&unseen)
            .contains("h {count:0,sum:0,schema:3,zero_threshold:2.938735877055719e-39,zero_count:0} st@")
    );
}

/// (rules 13 and 20) text and OpenMetrics 1 cannot carry native buckets.
#[test]
fn a_native_histogram_has_one_bucket_in_older_formats() {
    let alone = [histogram("h", &[], &[("", &[10.0, 12.5])]).native(native())];
    assert_eq!(
        text(&alone),
        "# HELP h h\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 10\nh_sum 12.5\nh_count 10\n"
    );
}

/// (rule 11) the time moves when a native histogram begins anew.
#[test]
fn a_native_histogram_that_began_anew_says_so() {
    let mut later = native();
    later.start_ms = CREATED_NS / 1_000_000 + 1_000;
    let output = openmetrics2(&[histogram("h", &[], &[("", &[10.0, 12.5])]).native(later)]);
    assert!(output.contains(" st@1763726283.250\n"), "{output}");
}
