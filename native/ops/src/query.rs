//! Which metrics a scrape asks for: `name[]=` in its query, as client_golang's and client_java's handlers read it. Pure; any
//! thread.

/// Names that one scrape may list; beyond, 400.
pub const MAX_NAMES: usize = 256;

/// The names that a scrape asks for, sorted, each once; empty for all metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<Box<str>>);

/// A query lists more than [`MAX_NAMES`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyNames;

impl Names {
    /// Reads `query`, the part of a target behind `?`. Other parameters do not matter, so that a cache buster is no scrape of
    /// another kind. What is no percent-encoding stands for itself and what is no UTF-8 for U+FFFD, as in WHATWG's URL: such
    /// a name asks for a metric that nobody has, never for all of them.
    ///
    /// Linear in the query's length; allocates per name.
    ///
    /// # Errors
    /// [`TooManyNames`] beyond [`MAX_NAMES`], equal ones counted.
    pub fn of_query(query: &[u8]) -> Result<Names, TooManyNames> {
        let mut names = Vec::new();
        for parameter in query.split(|byte| *byte == b'&') {
            let mut parts = parameter.splitn(2, |byte| *byte == b'=');
            let key = parts.next().unwrap_or_default();
            if decoded(key) != "name[]" {
                continue;
            }
            if names.len() == MAX_NAMES {
                return Err(TooManyNames);
            }
            names.push(decoded(parts.next().unwrap_or_default()).into_boxed_str());
        }
        names.sort_unstable();
        names.dedup();
        Ok(Names(names))
    }

    /// In ascending order; empty for all metrics.
    pub fn as_slice(&self) -> &[Box<str>] {
        &self.0
    }
}

/// `application/x-www-form-urlencoded`: `+` is a space, `%hh` a byte.
pub(crate) fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        let (plain, next) = match (byte, behind) {
            (b'%', [high, low, next @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, next),
                _ => (b'%', behind),
            },
            (b'+', _) => (b' ', behind),
            _ => (*byte, behind),
        };
        bytes.push(plain);
        rest = next;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(query: &str) -> Vec<String> {
        let names = Names::of_query(query.as_bytes()).unwrap();
        names.as_slice().iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn names_are_decoded_sorted_and_unique_and_other_parameters_do_not_matter() {
        assert_eq!(names("name[]=b&name%5B%5D=a&x=1&name[]=b"), ["a", "b"]);
        assert_eq!(names("name[]=a%2Eb%2fc"), ["a.b/c"]);
        assert_eq!(names("name[]=caf%C3%A9+au%20lait"), ["café au lait"]);
        for all in ["", "&&", "x", "name=a", "names[]=a", "_=17", "name[=a", "Name[]=a"] {
            assert!(names(all).is_empty(), "{all}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_a_name_that_nobody_has_and_never_all() {
        assert_eq!(names("name[]"), [""]);
        assert_eq!(names("name[]="), [""]);
        assert_eq!(names("name[]=100%"), ["100%"]);
        assert_eq!(names("name[]=%4"), ["%4"]);
        assert_eq!(names("name[]=%zz%41"), ["%zzA"]);
        assert_eq!(names("name[]=%ff"), ["\u{fffd}"]);
        assert_eq!(names("name[]=a=b"), ["a=b"]);
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let query = |n: usize| vec!["name[]=a"; n].join("&");
        assert_eq!(names(&query(MAX_NAMES)), ["a"]);
        assert_eq!(Names::of_query(query(MAX_NAMES + 1).as_bytes()), Err(TooManyNames));
    }

    #[test]
    fn any_bytes_are_read() {
        let mut state = 11_u64;
        let words: [&[u8]; 8] = [b"name[]=", b"%", b"5B", b"+", b"&", b"=", b"\xff", b"a"];
        for _ in 0..20_000 {
            let mut query = Vec::new();
            for _ in 0..10 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                query.extend_from_slice(words[(state >> 61) as usize]);
            }
            assert!(Names::of_query(&query).unwrap().as_slice().len() <= 10);
        }
    }
}
