//! Errors in every form.
use super::*;

fn failure() -> V {
    let cause = error(&[("type", t("Error")), ("message", t("socket closed"))]);
    let member = |text| {
        error(&[
            ("type", t("RangeError")),
            ("message", t(text)),
            ("stack", t("RangeError: x\n    at c")),
        ])
    };
    error(&[
        ("type", t("AggregateError")),
        ("message", t("no\npeer")),
        ("stack", t("AggregateError: no\npeer\n    at a (b.js:1:2)")),
        ("code", t("ENOPEER")),
        ("cause", cause),
        (
            "errors",
            V::Array(vec![member("one"), t("two"), object(&[("k", n(1.0))])]),
        ),
        ("retries", n(3.0)),
    ])
}

const TEXT: &str = "AggregateError: no\\npeer\\n    at a (b.js:1:2)\\nCaused by: Error: socket closed\\n\
                    Error 1 of 3: RangeError: x\\n    at c\\nError 2 of 3: two\\nError 3 of 3: {\\\"k\\\":1}";

fn fields(form: ErrorForm, pairs: &[(&'static str, V)]) -> String {
    let mut record = given(pairs);
    record.logger = "";
    record.message = V::Null;
    let options = options(|options| {
        options.error = form;
        options.order = vec![Part::Fields];
    });
    record.line(&options)
}

#[test]
fn an_error_is_an_object_with_all_it_has() {
    assert_eq!(
        fields(
            ErrorForm::Object,
            &[
                ("err", failure()),
                ("nested", V::Array(vec![error(&[("type", t("E"))])]))
            ]
        ),
        "{\"err\":{\"type\":\"AggregateError\",\"message\":\"no\\npeer\",\
         \"stack\":\"AggregateError: no\\npeer\\n    at a (b.js:1:2)\",\"code\":\"ENOPEER\",\
         \"cause\":{\"type\":\"Error\",\"message\":\"socket closed\"},\
         \"errors\":[{\"type\":\"RangeError\",\"message\":\"one\",\"stack\":\"RangeError: x\\n    at c\"},\"two\",{\"k\":1}],\
         \"retries\":3},\"nested\":[{\"type\":\"E\"}]}"
    );
}

#[test]
fn an_error_is_one_text_with_stack_causes_and_members() {
    assert_eq!(
        fields(ErrorForm::Text, &[("a", n(1.0)), ("err", failure())]),
        format!("{{\"a\":1,\"exception\":\"{TEXT}\",\"err\":{{\"code\":\"ENOPEER\",\"retries\":3}}}}")
    );
    let bare = error(&[("type", t("TypeError")), ("message", t("x"))]);
    assert_eq!(
        fields(ErrorForm::Text, &[("err", bare)]),
        "{\"exception\":\"TypeError: x\"}"
    );
    assert_eq!(
        fields(ErrorForm::Text, &[("err", error(&[]))]),
        "{\"exception\":\"Error\"}"
    );
    assert_eq!(
        fields(ErrorForm::Text, &[("err", t("no error"))]),
        "{\"err\":\"no error\"}"
    );
}

#[test]
fn standards_have_their_own_names() {
    for (form, names) in [
        (
            ErrorForm::Otel,
            ["exception.type", "exception.message", "exception.stacktrace"],
        ),
        (ErrorForm::Ecs, ["error.type", "error.message", "error.stack_trace"]),
    ] {
        let [kind, message, stack] = names;
        assert_eq!(
            fields(form, &[("err", failure()), ("z", n(1.0))]),
            format!(
                "{{\"{kind}\":\"AggregateError\",\"{message}\":\"no\\npeer\",\"{stack}\":\"{TEXT}\",\
                 \"err\":{{\"code\":\"ENOPEER\",\"retries\":3}},\"z\":1}}"
            )
        );
    }
    assert_eq!(
        fields(ErrorForm::Gcp, &[("err", failure())]),
        format!("{{\"stack_trace\":\"{TEXT}\",\"err\":{{\"code\":\"ENOPEER\",\"retries\":3}}}}")
    );
}

#[test]
fn keys_of_the_error_are_reserved_where_there_is_one() {
    let bare = error(&[("message", t("x"))]);
    for pairs in [
        [("exception", n(1.0)), ("err", bare.clone())],
        [("err", bare.clone()), ("exception", n(1.0))],
    ] {
        let line = fields(ErrorForm::Text, &pairs);
        assert!(
            line.contains("\"exception\":\"Error: x\"") && line.contains("\"exception_\":1"),
            "{line}"
        );
    }
    assert_eq!(fields(ErrorForm::Text, &[("exception", n(1.0))]), "{\"exception\":1}");
    // A call's error takes the place of a parent's.
    assert_eq!(
        fields(
            ErrorForm::Text,
            &[("err", t("bound")), ("a", n(1.0)), ("err", bare.clone())]
        ),
        "{\"exception\":\"Error: x\",\"a\":1}"
    );
    assert_eq!(
        fields(ErrorForm::Text, &[("err", bare), ("err", t("text"))]),
        "{\"err\":\"text\"}"
    );
}

#[test]
fn the_key_of_errors_has_any_name() {
    let options = options(|options| {
        options.names.error = "error".to_owned();
        options.order = vec![Part::Fields];
    });
    let bare = error(&[("message", t("x"))]);
    let line = |pairs: &[(&'static str, V)]| given(pairs).line(&options);
    assert_eq!(line(&[("err", bare.clone())]), "{\"error\":{\"message\":\"x\"}}");
    assert_eq!(
        line(&[("error", n(1.0)), ("err", bare)]),
        "{\"error_\":1,\"error\":{\"message\":\"x\"}}"
    );
    assert_eq!(line(&[("err", n(1.0))]), "{\"err\":1}");
}

#[test]
fn causes_end_at_a_depth() {
    let endless = (0..300).fold(error(&[]), |cause, _| error(&[("cause", cause)]));
    let line = fields(ErrorForm::Text, &[("err", endless)]);
    assert!(
        line.matches("Caused by").count() == 17 && line.contains("[...]"),
        "{line}"
    );
    assert!(line.ends_with(",\"truncated\":true}"), "{line}");
}
