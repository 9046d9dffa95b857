//! Buckets as the formats write them: spans of consecutive indexes, with absolute counts or with deltas. Any thread;
//! allocates nothing.

/// Consecutive buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Index of the first bucket in the first span; in the others, the indexes left out since the span before.
    pub offset: i32,
    /// Buckets.
    pub length: u32,
}

/// The spans of buckets in ascending order. Empty for no buckets: whether a format then wants one of length 0 is its matter.
pub fn spans(buckets: &[(i32, u64)]) -> impl Iterator<Item = Span> + '_ {
    let mut rest = buckets;
    let mut expected = 0;
    std::iter::from_fn(move || {
        let (first, _) = *rest.first()?;
        let gap = rest.windows(2).position(|pair| pair[1].0 != pair[0].0 + 1);
        let length = gap.map_or(rest.len(), |at| at + 1);
        let span = Span {
            offset: first - expected,
            length: length as u32,
        };
        expected = first + length as i32;
        rest = &rest[length..];
        Some(span)
    })
}

/// Each bucket's count less that of the bucket before, as protobuf wants it.
pub fn deltas(buckets: &[(i32, u64)]) -> impl Iterator<Item = i64> + '_ {
    let mut before = 0_u64;
    buckets.iter().map(move |(_, count)| {
        let delta = count.wrapping_sub(before) as i64;
        before = *count;
        delta
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(buckets: &[(i32, u64)]) -> (Vec<(i32, u32)>, Vec<i64>) {
        let spans = spans(buckets).map(|span| (span.offset, span.length)).collect();
        (spans, deltas(buckets).collect())
    }

    /// (rule 20) the example of the specification, and the ends.
    #[test]
    fn spans_say_where_buckets_are_and_deltas_what_they_hold() {
        assert_eq!(written(&[]), (vec![], vec![]));
        assert_eq!(written(&[(0, 4)]), (vec![(0, 1)], vec![4]));
        assert_eq!(
            written(&[(-2, 3), (-1, 1), (3, 1), (4, 9), (5, 9), (7, 1)]),
            (vec![(-2, 2), (3, 3), (1, 1)], vec![3, -2, 0, 8, 0, -8])
        );
        let last = 1024 << 8;
        assert_eq!(
            written(&[(-274_944, u64::MAX), (last, 1)]),
            (vec![(-274_944, 1), (last + 274_943, 1)], vec![-1, 2])
        );
    }
}
