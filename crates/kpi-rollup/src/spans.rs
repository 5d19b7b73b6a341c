//! Sorted, disjoint, half-open stretches of time.

/// A half-open stretch `[from, until)` in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First microsecond inside; `i64::MIN` is "since ever".
    pub from: i64,
    /// First microsecond outside; `i64::MAX` is "for ever".
    pub until: i64,
}

impl Span {
    /// Everything there is.
    pub const ALL: Span = Span {
        from: i64::MIN,
        until: i64::MAX,
    };

    /// `[from, until)`; empty when `until <= from`.
    pub fn new(from: i64, until: i64) -> Self {
        Self { from, until }
    }

    /// Whether no time is inside.
    pub fn is_empty(&self) -> bool {
        self.until <= self.from
    }
}

/// A set of times, as sorted disjoint spans that do not touch each other.
///
/// ```
/// use kpi_rollup::{Span, Spans};
/// let a: Spans = [Span::new(0, 10), Span::new(5, 20)].into_iter().collect();
/// assert_eq!(a.as_slice(), [Span::new(0, 20)]);
/// let b: Spans = [Span::new(3, 4)].into_iter().collect();
/// assert_eq!(a.minus(&b).as_slice(), [Span::new(0, 3), Span::new(4, 20)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut all: Vec<Span> = spans.into_iter().filter(|s| !s.is_empty()).collect();
        all.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(all.len());
        for span in all {
            match merged.last_mut() {
                Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
                _ => merged.push(span),
            }
        }
        Self(merged)
    }
}

impl Spans {
    /// One span, or none when it is empty.
    pub fn of(span: Span) -> Self {
        [span].into_iter().collect()
    }

    /// The spans in order.
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// Whether no time is inside.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Times that are in `self` and in `other`.
    pub fn intersect(&self, other: &Spans) -> Spans {
        let (mut i, mut j) = (0, 0);
        let mut both = Vec::new();
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            let span = Span::new(a.from.max(b.from), a.until.min(b.until));
            if !span.is_empty() {
                both.push(span);
            }
            if a.until <= b.until {
                i += 1;
            } else {
                j += 1;
            }
        }
        both.into_iter().collect()
    }

    /// Times that are in `self` but not in `other`.
    pub fn minus(&self, other: &Spans) -> Spans {
        let mut gaps = Vec::with_capacity(other.0.len() + 1);
        let mut from = i64::MIN;
        for span in &other.0 {
            gaps.push(Span::new(from, span.from));
            from = span.until;
        }
        gaps.push(Span::new(from, i64::MAX));
        self.intersect(&gaps.into_iter().collect())
    }

    /// Times in either.
    pub fn union(&self, other: &Spans) -> Spans {
        self.0.iter().chain(&other.0).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans() -> impl Strategy<Value = Spans> {
        prop::collection::vec((0i64..60, 0i64..12), 0..8)
            .prop_map(|v| v.into_iter().map(|(a, n)| Span::new(a, a + n)).collect())
    }

    fn has(spans: &Spans, t: i64) -> bool {
        spans.as_slice().iter().any(|s| s.from <= t && t < s.until)
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_membership(a in spans(), b in spans()) {
            for t in -1..80 {
                prop_assert_eq!(has(&a.intersect(&b), t), has(&a, t) && has(&b, t));
                prop_assert_eq!(has(&a.minus(&b), t), has(&a, t) && !has(&b, t));
                prop_assert_eq!(has(&a.union(&b), t), has(&a, t) || has(&b, t));
            }
        }

        #[test]
        fn spans_stay_sorted_and_apart(a in spans(), b in spans()) {
            for s in [a.intersect(&b), a.minus(&b), a.union(&b)] {
                prop_assert!(s.as_slice().windows(2).all(|w| w[0].until < w[1].from));
                prop_assert!(s.as_slice().iter().all(|x| !x.is_empty()));
            }
        }
    }

    #[test]
    fn everything_minus_everything_is_nothing() {
        let all = Spans::of(Span::ALL);
        assert!(all.minus(&all).is_empty());
        assert_eq!(all.minus(&Spans::default()), all);
    }
}
