//! SQL text with open places, into which the merged states go.

/// Marks for the open places, in a private plane of Unicode; texts that contain one are refused before parsing.
const FIRST_MARK: u32 = 0xF_0000;
const LAST_MARK: u32 = 0xF_FFFD;

/// Is this one of the characters that stand for an open place?
pub(crate) fn is_mark(c: char) -> bool {
    (FIRST_MARK..=LAST_MARK).contains(&u32::from(c))
}

/// The character that stands for the open place `index`, while there are marks left.
pub(crate) fn mark(index: usize) -> Option<char> {
    let code = u32::try_from(index).ok()?.checked_add(FIRST_MARK)?;
    char::from_u32(code).filter(|c| is_mark(*c))
}

/// The open place that a mark stands for.
pub(crate) fn place(mark: char) -> Option<usize> {
    is_mark(mark).then(|| usize::try_from(u32::from(mark) - FIRST_MARK).ok())?
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(usize),
}

/// SQL text of a value with an open place for each merged state or each KPI that it refers to.
///
/// ```
/// let derived = kpi_catalog::compile_derived("{orders} - {returns}").unwrap();
/// assert_eq!(derived.value.render(&|i| format!("v{i}")), "(v0) - (v1)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Splits a text at its marks.
    pub(crate) fn from_marked(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        for c in text.chars() {
            match place(c) {
                Some(place) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Place(place));
                }
                None => plain.push(c),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self(pieces)
    }

    /// The SQL text, with `merged(i)` in parentheses wherever place `i` is open.
    pub fn render(&self, merged: &dyn Fn(usize) -> String) -> String {
        self.fill(&|place| format!("({})", merged(place)))
    }

    /// The text with exactly what `value` gives in the open places.
    pub(crate) fn fill(&self, value: &dyn Fn(usize) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Place(place) => value(*place),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_places_are_inverse() {
        for index in [0, 1, 7, 0xFFFD] {
            assert_eq!(mark(index).and_then(place), Some(index));
        }
        assert_eq!(mark(0xFFFE), None);
        assert_eq!(mark(usize::MAX), None);
        assert_eq!(place('a'), None);
    }

    #[test]
    fn a_place_can_be_used_twice() {
        let m = mark(0).unwrap();
        let template = Template::from_marked(&format!("{m} / nullif({m}, 0)"));
        assert_eq!(
            template.render(&|_| "a + b".into()),
            "(a + b) / nullif((a + b), 0)"
        );
    }
}
