//! Texts, logfmt and OTLP.
use super::*;

fn shaped(shape: Shape, change: impl FnOnce(&mut FormatOptions)) -> FormatOptions {
    options(|options| {
        options.shape = shape;
        options.error = ErrorForm::Text;
        change(options);
    })
}

fn full() -> Given {
    let mut record = given(&[
        ("ms", n(12.5)),
        ("to", t("peer 1")),
        ("nested", object(&[("a", V::Array(vec![t("x\x1b[31m")]))])),
        ("empty", t("")),
        ("bytes", V::Bytes(vec![1])),
        ("date", V::Time(TIME)),
        ("nan", n(f64::NAN)),
        ("big", V::BigInt("9007199254740993")),
        ("bad key=", V::Null),
    ]);
    record.trace = Some(TRACE);
    record
}

#[test]
fn a_text_is_time_logger_level_message_and_pairs() {
    let upper = shaped(Shape::Text, |options| options.level.case = LevelCase::Upper);
    assert_eq!(
        full().line(&upper),
        "2026-05-26T08:14:22.281Z - db.pool - INFO - routed ms=12.5 to=\"peer 1\" nested={\"a\":[\"x\\u001b[31m\"]} empty=\"\" \
         bytes=\"AQ==\" date=2026-05-26T08:14:22.281Z nan=NaN big=9007199254740993 bad_key_=null \
         trace_id=0190163d8694739baea5966c26f8ad91 span_id=1122334455667788 trace_flags=01"
    );
    let mut record = given(&[("level", n(1.0))]);
    record.logger = "";
    record.message = V::Null;
    assert_eq!(record.line(&upper), "2026-05-26T08:14:22.281Z - root - INFO - level=1");
}

#[test]
fn logfmt_quotes_what_needs_quotes() {
    assert_eq!(
        full().line(&shaped(Shape::Logfmt, |_| {})),
        "ts=2026-05-26T08:14:22.281Z level=info logger=db.pool msg=routed trace_id=0190163d8694739baea5966c26f8ad91 \
         span_id=1122334455667788 trace_flags=01 ms=12.5 to=\"peer 1\" nested=\"{\\\"a\\\":[\\\"x\\\\u001b[31m\\\"]}\" empty=\"\" \
         bytes=\"AQ==\" date=2026-05-26T08:14:22.281Z nan=NaN big=9007199254740993 bad_key_=null"
    );
    let base = shaped(Shape::Logfmt, |options| {
        options.base = vec![
            ("host".to_owned(), Constant::Text("a b".to_owned())),
            ("pid".to_owned(), Constant::Number(1.0)),
        ];
        options.time = TimeForm::Pattern(TimePattern::parse("%F %T").expect("a pattern"));
    });
    let mut record = given(&[("level", n(1.0)), ("a b", n(1.0)), ("a=b", n(2.0))]);
    record.message = object(&[]);
    assert_eq!(
        record.line(&base),
        "ts=\"2026-05-26 08:14:22\" level=info logger=db.pool msg={} host=\"a b\" pid=1 level_=1 a_b=2"
    );
}

#[test]
fn nothing_in_a_text_is_obeyed_by_a_terminal_or_ends_the_line() {
    let hostile = "a\x1b]0;title\x07\r\n\u{9b}2J\u{202e}\u{2028}\0";
    for shape in [Shape::Text, Shape::Color, Shape::Logfmt] {
        let mut record = given(&[
            ("k", t(hostile)),
            (hostile, t(hostile)),
            ("o", object(&[(hostile, t(hostile))])),
        ]);
        record.message = t(hostile);
        record.logger = hostile;
        record
            .pairs
            .push((t("err"), error(&[("message", t(hostile)), ("stack", t(hostile))])));
        let line = record.line(&shaped(shape, |_| {}));
        let mut rest = line.as_str();
        // Only the colours are left.
        let mut plain = String::new();
        while let Some((before, behind)) = rest.split_once("\x1b[") {
            assert_eq!(shape, Shape::Color);
            let (code, behind) = behind.split_once('m').expect("a colour");
            assert!(
                ["0", "2", "1;31", "90", "31", "32", "33", "34", "36", "1"].contains(&code),
                "{code}"
            );
            plain.push_str(before);
            rest = behind;
        }
        plain.push_str(rest);
        assert!(!plain.chars().any(char::is_control), "{plain:?}");
        assert!(!plain.contains(['\u{202e}', '\u{2028}']), "{plain:?}");
    }
}

#[test]
fn colours_are_around_time_level_logger_and_keys() {
    let mut record = given(&[("ms", n(12.0))]);
    record.level = 50;
    let color = shaped(Shape::Color, |options| options.level.case = LevelCase::Upper);
    assert_eq!(
        record.line(&color),
        "\x1b[2m2026-05-26T08:14:22.281Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[36mdb.pool\x1b[0m: \x1b[1mrouted\x1b[0m \x1b[36mms\x1b[0m=12"
    );
    record.level = 30;
    record.logger = "";
    assert_eq!(
        record.line(&color),
        "\x1b[2m2026-05-26T08:14:22.281Z\x1b[0m \x1b[32mINFO \x1b[0m routed \x1b[36mms\x1b[0m=12"
    );
}

#[test]
fn stacks_are_on_lines_of_their_own_where_asked_for() {
    let stack = "Error: x\n    at a\r\n2026-05-26T08:14:22.281Z - forged - INFO - \x1b[2J";
    let record = given(&[
        (
            "err",
            error(&[("message", t("x")), ("stack", t(stack)), ("code", n(7.0))]),
        ),
        ("k", n(1.0)),
    ]);
    let below = shaped(Shape::Text, |options| options.multiline = true);
    assert_eq!(
        record.line(&below),
        "2026-05-26T08:14:22.281Z - db.pool - info - routed err={\"code\":7} k=1\n    Error: x\n        at a\n    \
         2026-05-26T08:14:22.281Z - forged - INFO - \\u001b[2J"
    );
    let one = shaped(Shape::Text, |_| {});
    assert!(!record.line(&one).contains('\n') && record.line(&one).contains("exception=\"Error: x\\n    at a\\r\\n"));
}

#[test]
fn templates_say_what_is_before_the_fields_and_what_the_message_is() {
    let level = LevelForm::default();
    let template = Template::new(
        vec![
            Piece::Literal("[".to_owned()),
            Piece::Part(Slot::Level, -7),
            Piece::Literal("|".to_owned()),
            Piece::Part(Slot::LevelNumber, 4),
            Piece::Literal("] ".to_owned()),
            Piece::Part(Slot::Logger, 0),
            Piece::Literal(" \"".to_owned()),
            Piece::Part(Slot::Message, 0),
            Piece::Literal("\" ".to_owned()),
            Piece::Part(Slot::Field("user".to_owned()), 0),
            Piece::Part(Slot::Field("none".to_owned()), 2),
        ],
        TimeForm::Iso,
        level,
    );
    let mut record = given(&[("user", t("a")), ("user", t("bé\n"))]);
    record.message = object(&[("x", n(1.0))]);
    let text = shaped(Shape::Text, |options| options.template = Some(template.clone()));
    assert_eq!(
        record.line(&text),
        "[info   |  30] db.pool \"{\"x\":1}\" bé\\n   user=\"bé\\n\""
    );
    let json = options(|options| options.template = Some(template));
    assert_eq!(
        record.line(&json),
        "{\"ts\":\"2026-05-26T08:14:22.281Z\",\"level\":\"info\",\"logger\":\"db.pool\",\
         \"msg\":\"[info   |  30] db.pool \\\"{\\\"x\\\":1}\\\" bé\\n  \",\"user\":\"bé\\n\"}"
    );
}

#[test]
fn an_otlp_line_is_a_whole_message() {
    let otlp = options(|options| {
        options.shape = Shape::Otlp;
        options.error = ErrorForm::Otel;
        options.base = vec![("service.name".to_owned(), Constant::Text("shop".to_owned()))];
    });
    let mut record = given(&[
        ("int", n(3.0)),
        ("real", n(0.5)),
        ("zero", n(-0.0)),
        ("nan", n(f64::NAN)),
        ("yes", V::Bool(true)),
        ("big", V::BigInt("-9223372036854775808")),
        ("list", V::Array(vec![t("x"), V::Null])),
        ("map", object(&[("k", V::Bytes(vec![255])), ("k", V::Time(TIME))])),
        ("lone", V::Units(vec![0xd800])),
        ("int", n(4.0)),
        ("err", error(&[("type", t("E")), ("message", t("m"))])),
    ]);
    record.trace = Some(TRACE);
    let attribute = |key: &str, value: &str| format!("{{\"key\":\"{key}\",\"value\":{{{value}}}}}");
    let attributes = [
        attribute("int", "\"intValue\":\"4\""),
        attribute("real", "\"doubleValue\":0.5"),
        attribute("zero", "\"doubleValue\":-0.0"),
        attribute("nan", "\"doubleValue\":\"NaN\""),
        attribute("yes", "\"boolValue\":true"),
        attribute("big", "\"intValue\":\"-9223372036854775808\""),
        attribute("list", "\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"},{}]}"),
        attribute(
            "map",
            "\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"2026-05-26T08:14:22.281Z\"}}]}",
        ),
        attribute("lone", "\"stringValue\":\"\u{fffd}\""),
        attribute("exception.type", "\"stringValue\":\"E\""),
        attribute("exception.message", "\"stringValue\":\"m\""),
        attribute("exception.stacktrace", "\"stringValue\":\"E: m\""),
    ]
    .join(",");
    assert_eq!(
        record.line(&otlp),
        format!(
            "{{\"resourceLogs\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"shop\"}}}}]}},\
             \"scopeLogs\":[{{\"scope\":{{\"name\":\"db.pool\"}},\"logRecords\":[{{\"timeUnixNano\":\"1779783262281000000\",\
             \"severityNumber\":9,\"severityText\":\"info\",\"body\":{{\"stringValue\":\"routed\"}},\"attributes\":[{attributes}],\
             \"flags\":1,\"traceId\":\"0190163d8694739baea5966c26f8ad91\",\"spanId\":\"1122334455667788\"}}]}}]}}]}}"
        )
    );
    let mut least = given(&[]);
    least.logger = "";
    least.message = V::Null;
    least.time_ms = -5.0;
    least.cut = true;
    assert!(least.line(&otlp).ends_with(
        "\"scope\":{},\"logRecords\":[{\"timeUnixNano\":\"0\",\"severityNumber\":9,\"severityText\":\"info\",\"attributes\":[],\
         \"droppedAttributesCount\":1}]}]}]}"
    ));
}
