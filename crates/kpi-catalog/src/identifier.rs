//! Names as PostgreSQL reads and writes them: case folding, quoting, and the nearest of several.

use sqlparser::ast::Ident;

/// Words that PostgreSQL 15 to 18 never reads as a name unless they are quoted.
const RESERVED: &str = " all analyse analyze and any array as asc asymmetric both case cast check collate column \
    constraint create current_catalog current_date current_role current_time current_timestamp current_user default \
    deferrable desc distinct do else end except false fetch for foreign from grant group having in initially \
    intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary \
    references returning select session_user some symmetric system_user table then to trailing true union unique \
    user using variadic when where window with ";

/// Words that PostgreSQL reads as a name only in some places; `quote_ident` quotes these too.
const RESTRICTED: &str = " authorization between bigint binary bit boolean char character coalesce collation \
    concurrently cross current_schema dec decimal exists extract float freeze full greatest grouping ilike inner \
    inout int integer interval is isnull join json json_array json_arrayagg json_exists json_object json_objectagg \
    json_query json_scalar json_serialize json_table json_value least left like merge_action national natural nchar \
    none normalize notnull nullif numeric out outer overlaps overlay position precision real right row setof similar \
    smallint substring tablesample time timestamp treat trim values varchar verbose xmlattributes xmlconcat \
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable ";

/// Is this one of the words, which stand between spaces?
pub(crate) fn contains(words: &str, word: &str) -> bool {
    !word.is_empty() && !word.contains(' ') && words.contains(&format!(" {word} "))
}

/// Is this folded word one that cannot be a name without quotes?
pub(crate) fn is_reserved(word: &str) -> bool {
    contains(RESERVED, word)
}

/// The name that PostgreSQL reads: folded to lower case unless it is quoted.
///
/// PostgreSQL folds only ASCII letters in a multi-byte encoding, so nothing else is folded here.
pub(crate) fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The name as it must be typed: in double quotes if it would be folded or misread without them.
pub(crate) fn quote(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !contains(RESERVED, name)
        && !contains(RESTRICTED, name);
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// The candidate most like `name`: equal but for case, or at most a third of it away in edit distance.
pub(crate) fn nearest(name: &str, candidates: &[String]) -> Option<String> {
    let lower = name.to_lowercase();
    let reach = (name.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.clone())
}

/// Damerau's edit distance in its restricted form (optimal string alignment): the least number of insertions,
/// deletions, replacements and swaps of neighbours. Damerau, "A technique for computer detection and correction of
/// spelling errors", 1964.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(x != *y))
                .min(at(&row, j + 1) + 1)
                .min(left + 1);
            let swapped = j > 0 && last == Some(*y) && b.get(j - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
            left = best;
        }
        before = std::mem::replace(&mut row, next);
        last = Some(x);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(quote("amount"), "amount");
        assert_eq!(quote("value"), "value");
        assert_eq!(quote("Amount"), "\"Amount\"");
        assert_eq!(quote("user"), "\"user\"");
        assert_eq!(quote("interval"), "\"interval\"");
        assert_eq!(quote("a b"), "\"a b\"");
        assert_eq!(quote("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(quote("2nd"), "\"2nd\"");
        assert_eq!(quote(""), "\"\"");
    }

    #[test]
    fn edit_distance_counts_swaps_once() {
        assert_eq!(distance("amuont", "amount"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn nearest_ignores_case_and_gives_up_on_strangers() {
        let columns = ["Amount".to_owned(), "status".to_owned()];
        assert_eq!(nearest("amount", &columns).as_deref(), Some("Amount"));
        assert_eq!(nearest("sttaus", &columns).as_deref(), Some("status"));
        assert_eq!(nearest("zebra", &columns), None);
    }
}
