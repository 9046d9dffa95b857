//! The request target (RFC 9112, 3.2), taken apart. Pure; any thread.

/// What a target asks for; the query is no part of routing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Path {
        path: &'a [u8],
        authority: Option<&'a [u8]>,
    },
    /// `OPTIONS *`
    Server,
    Malformed,
}

impl<'a> Target<'a> {
    /// Accepts origin-form, absolute-form with `http` or `https`, and `*`.
    pub fn parse(target: &'a [u8]) -> Self {
        if target == b"*" {
            return Target::Server;
        }
        if target.first() == Some(&b'/') {
            return Target::Path {
                path: path_of(target),
                authority: None,
            };
        }
        let Some(rest) = strip_scheme(target) else {
            return Target::Malformed;
        };
        let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let path = if rest.first() == Some(&b'/') {
            path_of(rest)
        } else {
            b"/"
        };
        Target::Path {
            path,
            authority: Some(authority),
        }
    }
}

/// The query of a target that [`Target::parse`] takes for a path; empty without one.
pub(crate) fn query_of(target: &[u8]) -> &[u8] {
    let end = target.iter().position(|b| *b == b'#').unwrap_or(target.len());
    let start = target[..end].iter().position(|b| *b == b'?').map_or(end, |at| at + 1);
    &target[start..end]
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

fn path_of(target: &[u8]) -> &[u8] {
    let end = target
        .iter()
        .position(|b| matches!(b, b'?' | b'#'))
        .unwrap_or(target.len());
    &target[..end]
}

#[cfg(test)]
mod tests {
    use super::{Target, query_of};

    #[test]
    fn the_query_stands_between_the_question_mark_and_the_fragment() {
        assert_eq!(query_of(b"/metrics?name[]=a?b&x"), b"name[]=a?b&x");
        assert_eq!(query_of(b"http://x?a"), b"a");
        for none in [&b"/metrics"[..], b"/metrics?", b"/metrics#?a", b"/?#a", b"*"] {
            assert_eq!(query_of(none), b"", "{}", String::from_utf8_lossy(none));
        }
    }

    #[test]
    fn the_query_is_cut_off_and_absolute_targets_name_their_authority() {
        let path = |path, authority| Target::Path { path, authority };
        assert_eq!(Target::parse(b"/live?verbose"), path(b"/live", None));
        assert_eq!(Target::parse(b"/"), path(b"/", None));
        assert_eq!(Target::parse(b"HTTP://x:80/live?a"), path(b"/live", Some(b"x:80")));
        assert_eq!(Target::parse(b"https://x"), path(b"/", Some(b"x")));
        assert_eq!(Target::parse(b"http://x?a"), path(b"/", Some(b"x")));
        assert_eq!(Target::parse(b"*"), Target::Server);
        assert_eq!(Target::parse(b"x:443"), Target::Malformed);
        assert_eq!(Target::parse(b"ftp://x/"), Target::Malformed);
    }
}
