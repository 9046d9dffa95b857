//! The lines that stand before a family's samples, and the last one of OpenMetrics. Any thread.

use super::super::labels::escape_value;
use super::escape::{is_legacy_metric_name, push_help, push_quoted};
use super::format::{Names, Style, Type};
use super::source::Source;

/// The last line of an OpenMetrics exposition.
pub(super) const END: &[u8] = b"# EOF\n";

/// Text: HELP and TYPE, in the order all clients write them. OpenMetrics: TYPE, UNIT and HELP, in the order the
/// specification asks for. What is empty has no line.
pub(super) fn push_head(style: Style, names: &Names, r#type: Type, source: &Source<'_>, out: &mut Vec<u8>) {
    let name = &names.family;
    if style == Style::Text {
        if !source.help.is_empty() {
            push_word("HELP", name, out);
            push_help(source.help, out);
            out.push(b'\n');
        }
        push_line("TYPE", name, r#type.word(style), out);
        return;
    }
    push_line("TYPE", name, r#type.word(style), out);
    if has_unit(style, name, r#type, source.unit) {
        push_line("UNIT", name, source.unit, out);
    }
    if !source.help.is_empty() {
        push_word("HELP", name, out);
        escape_value(source.help, out);
        out.push(b'\n');
    }
}

/// True where a UNIT line may stand. OpenMetrics 1 wants the name to end in the unit, and neither version has units of states
/// and infos.
fn has_unit(style: Style, name: &str, r#type: Type, unit: &str) -> bool {
    let ends = |name: &str| name.strip_suffix(unit).is_some_and(|base| base.ends_with('_'));
    // The line has no escapes: a unit is a part of a name.
    !unit.is_empty()
        && is_legacy_metric_name(&format!("_{unit}"))
        && !matches!(r#type, Type::Info | Type::StateSet)
        && (style == Style::OpenMetrics2 || ends(name))
}

fn push_word(word: &str, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# ");
    out.extend_from_slice(word.as_bytes());
    out.push(b' ');
    if is_legacy_metric_name(name) {
        out.extend_from_slice(name.as_bytes());
    } else {
        push_quoted(name, out);
    }
    out.push(b' ');
}

fn push_line(word: &str, name: &str, text: &str, out: &mut Vec<u8>) {
    push_word(word, name, out);
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}
