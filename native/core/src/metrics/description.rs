//! What a metric was declared as, for a thread of JS that did not declare it. Any thread; cold.

use super::descriptor::Aggregate;
use super::metric::Metric;
use super::snapshot::{number, string};
use std::fmt::Write;

/// `{"name", "help", "unit", "kind", "labelNames": [], "bounds": [], "aggregate", "states": [], "native": {"schema",
/// "zeroThreshold", "maxBuckets", "minResetMs", "maxZeroThreshold"} | null, "summary": {"quantiles": [], "maxAgeMs",
/// "ageBuckets", "relativeError", "external"} | null}` as JSON, with the numbers and words of the declaration in JS. A number
/// that JSON cannot carry is a string.
pub fn describe(metric: &Metric) -> String {
    let descriptor = metric.descriptor();
    let mut out = String::from("{");
    for (name, text) in [
        ("name", &descriptor.name),
        ("help", &descriptor.help),
        ("unit", &descriptor.unit),
    ] {
        let _ = write!(out, "\"{name}\":");
        string(&mut out, text);
        out.push(',');
    }
    let aggregate = match descriptor.aggregate {
        Aggregate::Sum => 0,
        Aggregate::Last => 1,
        Aggregate::Min => 2,
        Aggregate::Max => 3,
        Aggregate::Avg => 4,
    };
    let _ = write!(out, "\"kind\":{},\"aggregate\":{aggregate},", descriptor.kind.code());
    list(&mut out, "labelNames", &descriptor.label_names, |out, name| {
        string(out, name)
    });
    list(&mut out, "states", &descriptor.states, |out, state| string(out, state));
    list(&mut out, "bounds", &descriptor.bounds, |out, bound| number(out, *bound));
    out.push_str("\"native\":");
    match &descriptor.native {
        None => out.push_str("null"),
        Some(native) => {
            let _ = write!(
                out,
                "{{\"schema\":{},\"maxBuckets\":{},\"minResetMs\":{},\"zeroThreshold\":",
                native.schema, native.max_buckets, native.min_reset_ms
            );
            number(&mut out, native.zero_threshold);
            out.push_str(",\"maxZeroThreshold\":");
            number(&mut out, native.max_zero_threshold);
            out.push('}');
        }
    }
    out.push_str(",\"summary\":");
    match &descriptor.summary {
        None => out.push_str("null"),
        Some(summary) => {
            out.push('{');
            list(&mut out, "quantiles", &summary.quantiles, |out, one| number(out, *one));
            let _ = write!(
                out,
                "\"maxAgeMs\":{},\"ageBuckets\":{},\"external\":{},\"relativeError\":",
                summary.max_age_ms, summary.age_buckets, summary.external
            );
            number(&mut out, summary.relative_error);
            out.push('}');
        }
    }
    out.push('}');
    out
}

/// `"name":[...],`
fn list<T>(out: &mut String, name: &str, items: &[T], write_item: fn(&mut String, &T)) {
    let _ = write!(out, "\"{name}\":[");
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_item(out, item);
    }
    out.push_str("],");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::table::{AnonymousProvider, Memory};
    use crate::metrics::descriptor::Descriptor;
    use crate::metrics::metric::Kind;
    use crate::metrics::native_histogram::NativeOptions;
    use crate::metrics::registry::Registries;
    use crate::metrics::summary::SummaryOptions;
    use std::sync::Arc;

    fn described(descriptor: Descriptor) -> String {
        let registries = Registries::new(Arc::new(Memory::new(Box::new(AnonymousProvider))));
        describe(&registries.declare_alone(descriptor))
    }

    #[test]
    fn says_all_of_a_declaration() {
        let mut counter = Descriptor::new(Kind::Counter, "a\"b", "line\nquote\"");
        counter.label_names = Box::from(["x".into(), "y".into()]);
        counter.unit = "bytes".into();
        assert_eq!(
            described(counter),
            "{\"name\":\"a\\\"b\",\"help\":\"line\\u000aquote\\\"\",\"unit\":\"bytes\",\"kind\":1,\"aggregate\":0,\"labelNames\":[\"x\",\"y\"],\
             \"states\":[],\"bounds\":[],\"native\":null,\"summary\":null}"
        );
    }

    #[test]
    fn says_what_is_of_one_kind_only() {
        let mut histogram = Descriptor::new(Kind::Histogram, "h", "");
        histogram.bounds = Box::from([0.5, 1.0]);
        histogram.native = Some(NativeOptions {
            schema: -4,
            zero_threshold: 0.25,
            max_buckets: 160,
            min_reset_ms: 3_600_000,
            max_zero_threshold: f64::INFINITY,
        });
        assert!(described(histogram).ends_with(
            "\"bounds\":[0.5,1.0],\"native\":{\"schema\":-4,\"maxBuckets\":160,\"minResetMs\":3600000,\"zeroThreshold\":0.25,\
             \"maxZeroThreshold\":\"Infinity\"},\"summary\":null}"
        ));
        let mut summary = Descriptor::new(Kind::Summary, "s", "");
        summary.summary = Some(SummaryOptions {
            quantiles: Box::from([0.5]),
            max_age_ms: 600_000,
            age_buckets: 5,
            relative_error: 0.01,
            external: false,
        });
        assert!(described(summary).ends_with(
            "\"summary\":{\"quantiles\":[0.5],\"maxAgeMs\":600000,\"ageBuckets\":5,\"external\":false,\"relativeError\":0.01}}"
        ));
        let mut gauge = Descriptor::new(Kind::Gauge, "g", "");
        gauge.aggregate = Aggregate::Avg;
        assert!(described(gauge).contains("\"kind\":2,\"aggregate\":4,"));
    }
}
