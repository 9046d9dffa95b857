//! Errors in a line: the forms that standards and systems give them, and one text with stack, causes and members. Runs on the thread that
//! encodes.
use super::fields::{Entries, Style};
use super::keys::Reserved;
use super::value::{Env, Json};
use crate::layout::{VALUE_ERROR, VALUE_OBJECT};
use crate::ring::any::Text;
use crate::ring::record::BadRecord;
use crate::ring::value::{Value, Values};

/// Causes of causes, and members of members, that a text goes down to.
const DEEPEST: u32 = 16;

/// How the error of a call is written. Errors elsewhere in a record are objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorForm {
    /// `"err":{"type":...,"message":...,"stack":...}` with all that the error has.
    #[default]
    Object,
    /// `"exception"`: the text.
    Text,
    /// `exception.type`, `exception.message`, `exception.stacktrace` (OpenTelemetry, "Semantic conventions for exceptions in logs").
    Otel,
    /// `error.type`, `error.message`, `error.stack_trace` (Elastic Common Schema, "Error Fields").
    Ecs,
    /// In texts: behind the line, indented; see `multiline` of the options.
    Below,
    /// `stack_trace`, where Google Cloud's Error Reporting looks for it.
    Gcp,
}

impl ErrorForm {
    /// The keys that the form writes. The last one has what is left of the error, but for [`ErrorForm::Object`].
    pub(super) fn keys(self, name: &str) -> Vec<&str> {
        match self {
            ErrorForm::Object | ErrorForm::Below => vec![name],
            ErrorForm::Text => vec!["exception", name],
            ErrorForm::Otel => vec!["exception.type", "exception.message", "exception.stacktrace", name],
            ErrorForm::Ecs => vec!["error.type", "error.message", "error.stack_trace", name],
            ErrorForm::Gcp => vec!["stack_trace", name],
        }
    }

    /// True when type and message have keys of their own.
    pub(super) fn is_split(self) -> bool {
        matches!(self, ErrorForm::Otel | ErrorForm::Ecs)
    }
}

/// What an error is made of; a part that came twice is the last one.
pub(super) struct ErrorParts<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) message: Option<Text<'a>>,
    stack: Option<Text<'a>>,
    /// Before the value.
    cause: Option<Values<'a>>,
    /// Before the array.
    errors: Option<Values<'a>>,
    /// Entries with other keys, as they lie in the record.
    others: Vec<&'a [u8]>,
}

impl<'a> ErrorParts<'a> {
    /// Reads the `count` entries of an error, to their end.
    pub(super) fn read(values: &mut Values<'a>, count: u32, env: &Env<'a>) -> Result<ErrorParts<'a>, BadRecord> {
        let mut parts = ErrorParts {
            kind: None,
            message: None,
            stack: None,
            cause: None,
            errors: None,
            others: Vec::new(),
        };
        for _ in 0..count {
            let whole = values.rest();
            let key = env.key(values)?;
            let mut value = values.clone();
            values.skip()?;
            let entry = &whole[..whole.len() - values.rest().len()];
            let place = match () {
                () if key.is("type") => &mut parts.kind,
                () if key.is("message") => &mut parts.message,
                () if key.is("stack") => &mut parts.stack,
                () if key.is("cause") => {
                    parts.cause = Some(value);
                    continue;
                }
                () if key.is("errors") => {
                    parts.errors = Some(value);
                    continue;
                }
                () => {
                    parts.others.push(entry);
                    continue;
                }
            };
            match value.read().ok().and_then(|value| env.text(value)) {
                Some(text) => *place = Some(text),
                None => parts.others.push(entry),
            }
        }
        Ok(parts)
    }

    /// The other entries as one object; `None` without any.
    pub(super) fn others(&self) -> Option<Vec<u8>> {
        if self.others.is_empty() {
            return None;
        }
        let mut object = vec![VALUE_OBJECT];
        object.extend((self.others.len() as u32).to_le_bytes());
        self.others.iter().for_each(|entry| object.extend_from_slice(entry));
        Some(object)
    }

    /// Hands out the text in pieces: the stack, or type and message without one, then causes and members with their own.
    pub(super) fn push_text(&self, env: &Env<'a>, push: &mut dyn FnMut(Text<'_>)) {
        self.push_text_at(env, 0, push);
    }

    fn push_text_at(&self, env: &Env<'a>, depth: u32, push: &mut dyn FnMut(Text<'_>)) {
        match self.stack.filter(|stack| !stack.is_empty()) {
            Some(stack) => push(stack),
            None => {
                push(self.kind.unwrap_or(Text::Utf8("Error")));
                if let Some(message) = self.message.filter(|message| !message.is_empty()) {
                    push(Text::Utf8(": "));
                    push(message);
                }
            }
        }
        if let Some(cause) = &self.cause {
            push(Text::Utf8("\nCaused by: "));
            push_any(&mut cause.clone(), env, depth + 1, push);
        }
        let Some(mut members) = self.errors.clone() else { return };
        let Ok(Value::Array(count)) = members.read() else {
            return;
        };
        for member in 1..=count {
            push(Text::Utf8(&format!("\nError {member} of {count}: ")));
            if !push_any(&mut members, env, depth + 1, push) {
                return;
            }
        }
    }
}

/// Hands out any value as text, an error as such. False when it makes no sense.
fn push_any<'a>(values: &mut Values<'a>, env: &Env<'a>, depth: u32, push: &mut dyn FnMut(Text<'_>)) -> bool {
    if values.rest().first() == Some(&VALUE_ERROR) {
        if depth > DEEPEST {
            env.cut.set(true);
            push(Text::Utf8("[...]"));
            return values.skip().is_ok();
        }
        let Ok(Value::Error(count)) = values.read() else {
            return false;
        };
        let Ok(parts) = ErrorParts::read(values, count, env) else {
            return false;
        };
        parts.push_text_at(env, depth, push);
        return true;
    }
    let text = values.clone().read().ok().and_then(|value| env.text(value));
    if let Some(text) = text {
        push(text);
        return values.skip().is_ok();
    }
    let mut json = Vec::new();
    if Json::<false>::push_value(values, env, depth, &mut json).is_err() {
        return false;
    }
    push(Text::Utf8(&String::from_utf8_lossy(&json)));
    true
}

/// Appends the error of a call, before which `values` is, in the form that was asked for, under `keys` as [`ErrorForm::keys`] has them.
///
/// # Errors
/// It makes no sense; what was written of it is the caller's to take back.
pub(super) fn push_error<'a, S: Style>(
    entries: &Entries<'_, 'a, S>,
    form: ErrorForm,
    keys: &[Reserved],
    values: &mut Values<'a>,
    out: &mut Vec<u8>,
) -> Result<(), BadRecord> {
    let Entries { style, env, depth, .. } = *entries;
    let mut keys = keys.iter();
    let mut push_key = |out: &mut Vec<u8>| {
        style.open(out);
        keys.next().iter().for_each(|key| out.extend_from_slice(&key.key));
        style.between(out);
    };
    if form == ErrorForm::Object {
        push_key(out);
        style.value(values, env, depth, out)?;
        style.close(out);
        return Ok(());
    }
    let Value::Error(count) = values.read()? else {
        return Ok(());
    };
    let parts = ErrorParts::read(values, count, env)?;
    let mut open_text = |out: &mut Vec<u8>| {
        push_key(out);
        out.extend_from_slice(S::TEXT[0].as_bytes());
    };
    let close_text = |out: &mut Vec<u8>| {
        out.extend_from_slice(S::TEXT[1].as_bytes());
        style.close(out);
    };
    if form.is_split() {
        for part in [parts.kind, parts.message] {
            open_text(out);
            style.inside(part.unwrap_or(Text::EMPTY), out);
            close_text(out);
        }
    }
    if form != ErrorForm::Below {
        open_text(out);
        parts.push_text(env, &mut |piece| style.inside(piece, out));
        close_text(out);
    }
    if let Some(others) = parts.others() {
        push_key(out);
        style.value(&mut Values::new(&others), env, depth, out)?;
        style.close(out);
    }
    Ok(())
}
