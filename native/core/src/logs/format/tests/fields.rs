//! Keys, values and what the line says itself, in JSON.
use super::*;

const HEAD: &str = "{\"ts\":\"2026-05-26T08:14:22.281Z\",\"level\":\"info\",\"logger\":\"db.pool\",\"msg\":\"routed\"";

fn pairs(pairs: &[(&'static str, V)]) -> String {
    let line = given(pairs).json();
    line.strip_prefix(HEAD).expect("the usual head").to_owned()
}

#[test]
fn a_line_begins_with_time_level_logger_message_and_trace_and_fields_follow_as_given() {
    let mut record = given(&[("capability", t("chat")), ("ms", n(12.0))]);
    assert_eq!(record.json(), format!("{HEAD},\"capability\":\"chat\",\"ms\":12}}"));
    record.trace = Some(TRACE);
    assert_eq!(
        record.json(),
        format!(
            "{HEAD},\"trace_id\":\"0190163d8694739baea5966c26f8ad91\",\"span_id\":\"1122334455667788\",\"trace_flags\":\"01\",\
             \"capability\":\"chat\",\"ms\":12}}"
        )
    );
    record.trace = Some(LogTrace {
        span_id: [0; 8],
        ..TRACE
    });
    assert!(!record.json().contains("span_id"), "a trace without a span");
    record = given(&[]);
    record.logger = "";
    record.message = V::Null;
    assert_eq!(
        record.json(),
        "{\"ts\":\"2026-05-26T08:14:22.281Z\",\"level\":\"info\"}"
    );
}

#[test]
fn values_keep_their_types() {
    let nested = object(&[
        ("a", V::Array(vec![n(1.0), V::Null, object(&[])])),
        ("b", V::Array(vec![])),
    ]);
    assert_eq!(
        pairs(&[
            ("null", V::Null),
            ("yes", V::Bool(true)),
            ("no", V::Bool(false)),
            ("int", n(-7.0)),
            ("real", n(0.1)),
            ("minus zero", n(-0.0)),
            ("huge", n(1e21)),
            ("nan", n(f64::NAN)),
            ("infinite", n(f64::NEG_INFINITY)),
            ("text", t("a\"\\\n\u{7f}é漢🦀\u{2028}")),
            ("lone", V::Units(vec![0xd800, 0x61, 0xdc00])),
            ("nested", nested),
            ("bigint", V::BigInt("9007199254740991")),
            ("more", V::BigInt("9007199254740993")),
            ("date", V::Time(TIME)),
            ("invalid", V::Time(f64::NAN)),
            ("bytes", V::Bytes(vec![0, 255, 7])),
            ("", t("")),
        ]),
        ",\"null\":null,\"yes\":true,\"no\":false,\"int\":-7,\"real\":0.1,\"minus zero\":0,\"huge\":1e+21,\"nan\":null,\
         \"infinite\":null,\"text\":\"a\\\"\\\\\\n\u{7f}é漢🦀\u{2028}\",\"lone\":\"\\ud800a\\udc00\",\
         \"nested\":{\"a\":[1,null,{}],\"b\":[]},\"bigint\":9007199254740991,\"more\":\"9007199254740993\",\
         \"date\":\"2026-05-26T08:14:22.281Z\",\"invalid\":null,\"bytes\":\"AP8H\",\"\":\"\"}"
    );
}

#[test]
fn nan_and_bigints_follow_the_options() {
    let record = given(&[
        ("nan", n(f64::NAN)),
        ("inf", n(f64::INFINITY)),
        ("big", V::BigInt("-9223372036854775808")),
    ]);
    let line = record.line(&options(|options| {
        options.non_finite = NonFinite::Text;
        options.bigint = BigInt::Number;
    }));
    assert_eq!(
        line,
        format!("{HEAD},\"nan\":\"NaN\",\"inf\":\"Infinity\",\"big\":-9223372036854775808}}")
    );
}

#[test]
fn reserved_keys_win_and_the_callers_are_kept_under_another_name() {
    assert_eq!(
        pairs(&[
            ("level", t("fatal")),
            ("ts", n(0.0)),
            ("msg", V::Bool(true)),
            ("logger_", n(1.0)),
            ("logger", n(2.0)),
            ("truncated", V::Bool(true)),
        ]),
        ",\"level_\":\"fatal\",\"ts_\":0,\"msg_\":true,\"logger_\":1,\"logger__\":2,\"truncated_\":true}"
    );
    assert_eq!(
        pairs(&[
            ("level", n(1.0)),
            ("level_", n(2.0)),
            ("level", n(3.0)),
            ("level__", n(4.0))
        ]),
        ",\"level___\":3,\"level_\":2,\"level__\":4}"
    );
}

#[test]
fn a_key_is_the_callers_where_the_line_does_not_say_it_itself() {
    let mut record = given(&[("trace_id", t("mine")), ("msg", t("own")), ("logger", t("own"))]);
    record.message = V::Null;
    record.logger = "";
    assert_eq!(
        record.json(),
        "{\"ts\":\"2026-05-26T08:14:22.281Z\",\"level\":\"info\",\"trace_id\":\"mine\",\"msg\":\"own\",\"logger\":\"own\"}"
    );
    record.trace = Some(TRACE);
    assert!(record.json().contains("\"trace_flags\":\"01\",\"trace_id_\":\"mine\""));
}

#[test]
fn no_key_comes_twice_and_the_last_value_stands_at_the_place_of_the_first() {
    assert_eq!(
        pairs(&[
            ("a", n(1.0)),
            ("b", n(2.0)),
            ("a", n(3.0)),
            ("c", n(4.0)),
            ("a", t("x"))
        ]),
        ",\"a\":\"x\",\"b\":2,\"c\":4}"
    );
    // Interned, Latin-1 and UTF-16 are three spellings of one key.
    let mut record = given(&[]);
    record.keys.insert(3, "é\"".to_owned());
    record.pairs = vec![
        (V::Id(3), n(1.0)),
        (t("é\""), n(2.0)),
        (V::Units("é\"".encode_utf16().collect()), n(3.0)),
        (t("z"), V::Null),
    ];
    assert_eq!(record.json(), format!("{HEAD},\"é\\\"\":3,\"z\":null}}"));
    let inner = object(&[("k", n(1.0)), ("level", n(2.0)), ("k", n(3.0))]);
    assert_eq!(
        pairs(&[("o", V::Array(vec![inner.clone(), inner]))]),
        ",\"o\":[{\"k\":3,\"level\":2},{\"k\":3,\"level\":2}]}"
    );
}

#[test]
fn a_thousand_keys_are_written_once_each() {
    let name = |index: usize| V::Units(format!("key{index}").encode_utf16().collect());
    for last in [999, 40, 31, 32, 33] {
        let mut record = given(&[]);
        record.pairs = (0..1_000).map(|index| (name(index), n(index as f64))).collect();
        record.pairs.push((name(last), t("again")));
        let line = record.json();
        assert_eq!(line.matches("\"key").count(), 1_000);
        assert!(line.contains(&format!("\"key{last}\":\"again\"")));
    }
}

#[test]
fn fields_can_be_in_a_key_of_their_own() {
    let nested = options(|options| options.nested_key = "data".to_owned());
    let record = given(&[("level", n(1.0)), ("a", n(2.0)), ("a", n(3.0))]);
    assert_eq!(
        record.line(&nested),
        format!("{HEAD},\"data\":{{\"level\":1,\"a\":3}}}}")
    );
    assert_eq!(given(&[]).line(&nested), format!("{HEAD}}}"));
}

#[test]
fn base_fields_win_over_the_callers_and_defaults_yield() {
    let options = options(|options| {
        options.base = vec![
            ("pid".to_owned(), Constant::Number(7.0)),
            ("service".to_owned(), Constant::Text("a\"b".to_owned())),
            ("context".to_owned(), Constant::Json("{\"x\":[1]}".to_owned())),
        ];
        options.defaults = vec![
            ("region".to_owned(), Constant::Text("eu".to_owned())),
            ("none".to_owned(), Constant::Null),
        ];
    });
    let base = "\"pid\":7,\"service\":\"a\\\"b\",\"context\":{\"x\":[1]}";
    assert_eq!(
        given(&[("pid", n(1.0))]).line(&options),
        format!("{HEAD},{base},\"pid_\":1,\"region\":\"eu\",\"none\":null}}")
    );
    assert_eq!(
        given(&[("region", t("us")), ("region", t("ap"))]).line(&options),
        format!("{HEAD},{base},\"region\":\"ap\",\"none\":null}}")
    );
    assert_eq!(
        given(&[("region", t("us"))]).line(&options),
        format!("{HEAD},{base},\"region\":\"us\",\"none\":null}}")
    );
}

#[test]
fn names_order_time_and_level_follow_the_options() {
    let options = options(|options| {
        options.names.time = "@\"time".to_owned();
        options.names.level = "lvl".to_owned();
        options.names.message = "message".to_owned();
        options.names.span_id = String::new();
        options.names.trace_flags = String::new();
        options.order = vec![Part::Level, Part::Time, Part::Fields, Part::Trace, Part::Message];
        options.time = TimeForm::EpochSeconds;
        options.level.case = LevelCase::Number;
        options.level.scale = LevelScale::Python;
        options.trace_id = IdForm::Ulid;
        options.trace_prefix = "t/".to_owned();
    });
    let mut record = given(&[("lvl", n(1.0)), ("logger", n(2.0))]);
    record.trace = Some(TRACE);
    record.level = 40;
    assert_eq!(
        record.line(&options),
        "{\"lvl\":30,\"@\\\"time\":1779783262.281,\"lvl_\":1,\"logger\":2,\"trace_id\":\"t/01J0B3V1MMEEDTX9CPDGKFHBCH\",\
         \"message\":\"routed\"}"
    );
}

#[test]
fn times_and_levels_that_are_none_still_make_a_line() {
    let mut record = given(&[]);
    record.time_ms = f64::NAN;
    record.level = 33;
    record.logger = "";
    assert_eq!(record.json(), "{\"ts\":null,\"level\":\"33\",\"msg\":\"routed\"}");
    let seconds = options(|options| options.time = TimeForm::EpochMs);
    assert_eq!(
        record.line(&seconds),
        "{\"ts\":null,\"level\":\"33\",\"msg\":\"routed\"}"
    );
}

#[test]
fn what_makes_no_sense_is_left_out_and_the_line_says_so() {
    let record = given(&[("a", n(1.0)), ("b", object(&[("c", t("xyz"))])), ("d", n(2.0))]);
    let whole = record.values();
    let before = truncated_lines();
    for end in 0..whole.len() {
        let mut out = Vec::new();
        Format::default().write(&record.record(&whole[..end]), &mut out);
        let line = String::from_utf8(out).expect("valid UTF-8");
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
        assert!(!line.contains("\"c\":\"x\""), "{line}");
        assert_eq!(
            line.contains("\"b\":"),
            line.contains("\"b\":{\"c\":\"xyz\"}"),
            "{line}"
        );
    }
    assert!(truncated_lines() > before);
    let mut cut = given(&[("a", n(1.0)), ("truncated", n(2.0))]);
    cut.cut = true;
    assert_eq!(
        cut.json(),
        format!("{HEAD},\"a\":1,\"truncated_\":2,\"truncated\":true}}")
    );
    let mut unknown = given(&[]);
    unknown.pairs = vec![(V::Id(9), V::Id(8))];
    assert_eq!(unknown.json(), format!("{HEAD},\"[unknown]\":\"[unknown]\"}}"));
}

#[test]
fn nesting_ends_at_a_depth() {
    let deep = |levels: u32| (0..levels).fold(n(1.0), |inside, _| V::Array(vec![inside]));
    assert_eq!(
        pairs(&[("a", deep(32))]),
        format!(",\"a\":{}1{}}}", "[".repeat(32), "]".repeat(32))
    );
    assert_eq!(
        pairs(&[("a", deep(300)), ("b", n(1.0))]),
        format!(
            ",\"a\":{}\"[...]\"{},\"b\":1,\"truncated\":true}}",
            "[".repeat(32),
            "]".repeat(32)
        )
    );
}

#[test]
fn a_finished_line_is_written_as_it_is() {
    let mut record = given(&[]);
    record.message = t("{\"a\": 1, \"a\": 2}\r\n");
    let values = record.values();
    let finished = LogRecord {
        is_line: true,
        ..record.record(&values)
    };
    let mut out = b"x".to_vec();
    Format::default().write(&finished, &mut out);
    assert_eq!(out, b"x{\"a\": 1, \"a\": 2}\r\n");
}

#[test]
fn keys_of_the_line_itself_that_are_the_same_are_told() {
    assert_eq!(FormatOptions::default().clash(), None);
    assert_eq!(
        options(|options| options.names.level = "ts".to_owned())
            .clash()
            .as_deref(),
        Some("ts")
    );
    assert_eq!(
        options(|options| options.nested_key = "err".to_owned())
            .clash()
            .as_deref(),
        Some("err")
    );
    let base = options(|options| options.base.push(("msg".to_owned(), Constant::Null)));
    assert_eq!(base.clash().as_deref(), Some("msg"));
}
