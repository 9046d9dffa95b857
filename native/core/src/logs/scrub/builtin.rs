//! The patterns that come with Kymo, by name. One table for both languages: JS asks for it.
use super::pattern::{Check, Pattern};

/// A row of the table: several sources may share a name.
pub struct Builtin {
    /// What users call it.
    pub name: &'static str,
    /// In the syntax of `pattern.rs`.
    pub source: &'static str,
    /// Letters in either case.
    pub ignore_case: bool,
    /// What is looked at beyond the source.
    pub check: Check,
}

/// Name of the search for card numbers, which is no pattern, see `card.rs`.
pub const CARD_NUMBER: &str = "card-number";

const fn row(name: &'static str, source: &'static str) -> Builtin {
    Builtin {
        name,
        source,
        ignore_case: false,
        check: Check::None,
    }
}

const fn any_case(name: &'static str, source: &'static str) -> Builtin {
    Builtin {
        name,
        source,
        ignore_case: true,
        check: Check::None,
    }
}

const fn checked(row: Builtin, check: Check) -> Builtin {
    Builtin { check, ..row }
}

/// In order: of two that match at the same place, the first one decides.
pub const BUILTINS: &[Builtin] = &[
    // The first part of a JSON web token is always base64 of `{"`.
    row("jwt", r"eyJ[\w-]{5,}\.[\w.-]{4,}"),
    any_case("bearer", r"bearer[ \t]{1,8}([\w.~+/=-]{6,})"),
    any_case("bearer", r"bearer%20([\w.~+/=%-]{6,})"),
    any_case("bearer", r"bearer\+([\w.~+/=%-]{6,})"),
    checked(any_case("basic", r"basic[ \t]{1,8}([\w+/=-]{4,})"), Check::Basic),
    checked(any_case("basic", r"basic%20([\w+/=-]{4,})"), Check::Basic),
    // Access keys by their kind; the secret that belongs to one only where its name stands before it.
    row("aws-key", r"AKIA[0-9A-Z]{16,}"),
    row("aws-key", r"ASIA[0-9A-Z]{16,}"),
    row("aws-key", r"ABIA[0-9A-Z]{16,}"),
    row("aws-key", r"ACCA[0-9A-Z]{16,}"),
    any_case("aws-key", r"secret_access_key[^\w/+]{1,12}([\w/+]{40,})"),
    any_case("aws-key", r"secret-access-key[^\w/+]{1,12}([\w/+]{40,})"),
    any_case("aws-key", r"secretaccesskey[^\w/+]{1,12}([\w/+]{40,})"),
    row("aws-key", r"IQoJb3JpZ2lu[\w+/=%-]{40,}"),
    row("aws-key", r"FwoGZXIvYXdz[\w+/=%-]{40,}"),
    row("gcp-key", r"AIza[\w-]{35,}"),
    row("gcp-key", r"ya29\.[\w.-]{20,}"),
    row("gcp-key", r"GOCSPX-[\w-]{20,}"),
    row("github-token", r"ghp_[0-9A-Za-z]{30,}"),
    row("github-token", r"gho_[0-9A-Za-z]{30,}"),
    row("github-token", r"ghu_[0-9A-Za-z]{30,}"),
    row("github-token", r"ghs_[0-9A-Za-z]{30,}"),
    row("github-token", r"ghr_[0-9A-Za-z]{30,}"),
    row("github-token", r"github_pat_\w{22,}"),
    row("gitlab-token", r"glpat-[\w-]{20,}"),
    row("slack-token", r"xoxa-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xoxb-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xoxe-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xoxe\.[0-9A-Za-z.-]{10,}"),
    row("slack-token", r"xoxo-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xoxp-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xoxr-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xoxs-[0-9A-Za-z-]{10,}"),
    row("slack-token", r"xapp-[0-9A-Za-z-]{10,}"),
    any_case("slack-token", r"hooks\.slack\.com/services/([\w/]{20,})"),
    row("stripe-key", r"sk_live_[0-9A-Za-z]{10,}"),
    row("stripe-key", r"sk_test_[0-9A-Za-z]{10,}"),
    row("stripe-key", r"rk_live_[0-9A-Za-z]{10,}"),
    row("stripe-key", r"rk_test_[0-9A-Za-z]{10,}"),
    row("stripe-key", r"whsec_[\w+/=]{16,}"),
    row("api-key", r"sk-proj-[\w-]{20,}"),
    row("api-key", r"sk-ant-[\w-]{20,}"),
    row("api-key", r"sk-[0-9A-Za-z]{32,}"),
    row("api-key", r"npm_[0-9A-Za-z]{36,}"),
    row("api-key", r"pypi-AgE[\w-]{50,}"),
    row("api-key", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    row("api-key", r"dop_v1_[0-9a-f]{64,}"),
    row("api-key", r"shpat_[0-9a-fA-F]{32,}"),
    any_case("api-key", r"AccountKey=([\w+/=]{40,})"),
    any_case("api-key", r"SharedAccessKey=([\w+/=]{40,})"),
    checked(row("private-key", r"-----BEGIN "), Check::Pem),
    checked(row("url-userinfo", r#"://([^\s/?#"<>\\]{1,})"#), Check::LastAt),
    // As it stands in JSON whose writer escapes slashes.
    checked(row("url-userinfo", r#":\\/\\/([^\s/?#"<>\\]{1,})"#), Check::LastAt),
];

/// The patterns of a name; none for a name that is not known, and for [`CARD_NUMBER`].
pub fn builtin(name: &str) -> Vec<Pattern> {
    let rows = BUILTINS.iter().filter(|row| row.name == name);
    rows.filter_map(|row| {
        let pattern = Pattern::parse(row.name, row.source, row.ignore_case).ok()?;
        Some(Pattern {
            check: row.check,
            ..pattern
        })
    })
    .collect()
}

/// All names, in the order of the table.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for name in BUILTINS.iter().map(|row| row.name).chain([CARD_NUMBER]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_parses_and_every_name_has_one() {
        for row in BUILTINS {
            assert_eq!(
                Pattern::parse(row.name, row.source, row.ignore_case).err(),
                None,
                "{}",
                row.source
            );
        }
        for name in names() {
            assert_eq!(builtin(name).is_empty(), name == CARD_NUMBER, "{name}");
        }
    }
}
