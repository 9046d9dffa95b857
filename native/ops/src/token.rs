//! The bearer token, compared without telling how far a guess was right. Pure; any thread.

use std::hint::black_box;

/// True if `authorization` is `Bearer <token>`. Its time depends on the length of what was sent, never on the token:
/// neither the place of the first difference nor a wrong length ends it early.
pub(crate) fn accepts(token: &[u8], authorization: Option<&[u8]>) -> bool {
    let sent = authorization.unwrap_or_default();
    let (scheme, credentials) = sent.split_at(sent.len().min(7));
    let mut difference =
        u8::from(!scheme.eq_ignore_ascii_case(b"Bearer ")) | u8::from(credentials.len() != token.len());
    for (i, byte) in credentials.iter().enumerate() {
        difference = black_box(difference | (byte ^ token[i % token.len()]));
    }
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::accepts;

    const TOKEN: &[u8] = b"0123456789abcdef";

    #[test]
    fn only_the_exact_token_is_accepted() {
        assert!(accepts(TOKEN, Some(b"Bearer 0123456789abcdef")));
        assert!(
            accepts(TOKEN, Some(b"bearer 0123456789abcdef")),
            "the scheme has no case (RFC 9110, 11.1)"
        );
        for wrong in [
            &b"Bearer 0123456789abcdeF"[..],
            b"Bearer 0123456789abcde",
            b"Bearer 0123456789abcdef0",
            b"Bearer 0123456789abcdef0123456789abcdef",
            b"Basic 0123456789abcdef",
            b"Bearer ",
            b"Bear",
            b"",
        ] {
            assert!(!accepts(TOKEN, Some(wrong)), "{}", String::from_utf8_lossy(wrong));
        }
        assert!(!accepts(TOKEN, None));
    }
}
