//! Trace and span ids in the text forms of `src/context/id-text.ts`, of which this is the twin. Any thread; allocates nothing.
use crate::encode::json::push_hex;

/// A text form of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdForm {
    /// 32 or 16 hexadecimal digits.
    #[default]
    Hex,
    /// The 26 characters of a ULID; spans are hexadecimal.
    Ulid,
    /// With dashes; a span's begins with 64 zero bits.
    Uuid,
    /// `trace-` and 16 digits, `span-` and 12; all digits of an id that has more.
    Prefixed,
}

/// Crockford's base 32: no I, L, O, U.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Appends a trace id.
pub(super) fn push_trace_id(id: &[u8; 16], form: IdForm, out: &mut Vec<u8>) {
    match form {
        IdForm::Hex => push_hex(id, out),
        IdForm::Uuid => push_uuid(id, out),
        IdForm::Ulid => {
            let value = u128::from_be_bytes(*id);
            out.extend((0..26).rev().map(|digit| BASE32[(value >> (5 * digit)) as usize & 31]));
        }
        IdForm::Prefixed => {
            out.extend_from_slice(b"trace-");
            push_hex(if id[..8] == [0; 8] { &id[8..] } else { id }, out);
        }
    }
}

/// Appends a span id.
pub(super) fn push_span_id(id: &[u8; 8], form: IdForm, out: &mut Vec<u8>) {
    match form {
        IdForm::Hex | IdForm::Ulid => push_hex(id, out),
        IdForm::Uuid => {
            let mut wide = [0; 16];
            wide[8..].copy_from_slice(id);
            push_uuid(&wide, out);
        }
        IdForm::Prefixed => {
            out.extend_from_slice(b"span-");
            push_hex(if id[..2] == [0; 2] { &id[2..] } else { id }, out);
        }
    }
}

fn push_uuid(id: &[u8; 16], out: &mut Vec<u8>) {
    for (at, part) in [&id[..4], &id[4..6], &id[6..8], &id[8..10], &id[10..]]
        .iter()
        .enumerate()
    {
        if at > 0 {
            out.push(b'-');
        }
        push_hex(part, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn trace_ids_have_four_forms() {
        let id = 0x0190_163d_8694_739b_aea5_966c_26f8_ad91_u128.to_be_bytes();
        let low = 0x1122_3344_5566_7788_u128.to_be_bytes();
        for (form, text, short) in [
            (
                IdForm::Hex,
                "0190163d8694739baea5966c26f8ad91",
                "00000000000000001122334455667788",
            ),
            (
                IdForm::Uuid,
                "0190163d-8694-739b-aea5-966c26f8ad91",
                "00000000-0000-0000-1122-334455667788",
            ),
            (IdForm::Ulid, "01J0B3V1MMEEDTX9CPDGKFHBCH", "0000000000000128HK8HAPCXW8"),
            (
                IdForm::Prefixed,
                "trace-0190163d8694739baea5966c26f8ad91",
                "trace-1122334455667788",
            ),
        ] {
            assert_eq!(written(|out| push_trace_id(&id, form, out)), text);
            assert_eq!(written(|out| push_trace_id(&low, form, out)), short);
        }
    }

    #[test]
    fn span_ids_have_three_forms() {
        let (id, short) = (0x1122_3344_5566_7788_u64.to_be_bytes(), 0xab_u64.to_be_bytes());
        for (form, text, low) in [
            (IdForm::Hex, "1122334455667788", "00000000000000ab"),
            (IdForm::Ulid, "1122334455667788", "00000000000000ab"),
            (
                IdForm::Uuid,
                "00000000-0000-0000-1122-334455667788",
                "00000000-0000-0000-0000-0000000000ab",
            ),
            (IdForm::Prefixed, "span-1122334455667788", "span-0000000000ab"),
        ] {
            assert_eq!(written(|out| push_span_id(&id, form, out)), text);
            assert_eq!(written(|out| push_span_id(&short, form, out)), low);
        }
    }
}
