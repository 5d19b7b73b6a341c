//! For every text: an answer or an error, never a crash; and what is accepted stays as it is when read again.
#![allow(clippy::unwrap_used)]

use kpi_catalog::{
    Context, Error, compile, compile_derived, dimension, filter, is_derived, period, rename_column,
};
use proptest::prelude::*;

fn columns() -> Vec<String> {
    ["x", "y", "status", "Order Date", "user"]
        .map(str::to_owned)
        .to_vec()
}

fn context(columns: &[String]) -> Context<'_> {
    Context {
        columns,
        is_aggregate: &|name| name == "my_agg",
        approximate: true,
    }
}

/// Numbers over one row.
fn row() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("x".to_owned()),
        Just("Y".to_owned()),
        Just("\"user\"".to_owned()),
        (0..1000_i32).prop_map(|n| n.to_string()),
        (0..1000_u32).prop_map(|n| format!("{}.5", n)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), "[-+*/%^]", inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("- {a}")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            inner.clone().prop_map(|a| format!("({a})::NUMERIC(10, 2)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a},{b})")),
            (condition(), inner.clone(), inner)
                .prop_map(|(c, a, b)| format!("case when {c} then {a} else {b} end")),
        ]
    })
}

/// Conditions on one row, with any string in them.
fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~éß\\\\']{0,12}".prop_map(|text| format!("status = '{}'", text.replace('\'', "''"))),
        Just("\"Order Date\" IS NOT NULL".to_owned()),
        Just("x between 1 and 2".to_owned()),
        Just("not (y IN (1,2,3) or status like 'a%')".to_owned()),
    ]
}

/// Formulas over aggregates.
fn formula() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "sum",
        "COUNT",
        "avg",
        "min",
        "Max",
        "stddev",
        "var_pop",
        "median",
        "kpi.stats_agg",
        "count(distinct ",
    ]);
    let leaf = (name, row(), prop::option::of(condition())).prop_map(|(name, argument, filter)| {
        let open = if name.ends_with(' ') { "" } else { "(" };
        let filter = filter
            .map(|filter| format!(" filter (where {filter})"))
            .unwrap_or_default();
        format!("{name}{open}{argument}){filter}")
    });
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), "[-+*/%]", inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("round({a}, 2)")),
            inner.prop_map(|a| format!("({a})::float8 * 100")),
        ]
    })
}

/// Every reader on one text.
fn read_all(text: &str) {
    let columns = columns();
    let _ = compile(text, &context(&columns));
    let _ = is_derived(text);
    let _ = compile_derived(text);
    let _ = dimension(text, &columns);
    let _ = filter(text, &columns);
    let _ = period(text);
    let _ = rename_column(text, "x", "z");
}

proptest! {
    #[test]
    fn formulas_compile_and_their_text_is_stable(formula in formula()) {
        let columns = columns();
        let compiled = compile(&formula, &context(&columns)).unwrap();
        let again = compile(&compiled.text, &context(&columns)).unwrap();
        prop_assert_eq!(&compiled, &again);
        // The states are used, and each is there once.
        let value = compiled.value.render(&|i| format!("<{i}>"));
        for (i, state) in compiled.states.iter().enumerate() {
            let mark = format!("(<{i}>)");
            prop_assert!(value.contains(&mark));
            prop_assert_eq!(compiled.states.iter().filter(|other| *other == state).count(), 1);
        }
    }

    #[test]
    fn strings_come_back_as_they_were(content in "[ -~éß\\\\']{0,20}") {
        let quoted = format!("'{}'", content.replace('\'', "''"));
        let sql = filter(&format!("status = {quoted}"), &columns()).unwrap().sql;
        let literal = sql.strip_prefix("\"status\" = ").unwrap();
        let read = match literal.strip_prefix('E') {
            Some(escaped) => escaped.trim_matches('\'').replace("\\\\", "\\"),
            None => literal.to_owned(),
        };
        let inner = match literal.starts_with('E') {
            true => literal[2..literal.len() - 1].replace("\\\\", "\\"),
            false => read[1..read.len() - 1].to_owned(),
        };
        prop_assert_eq!(inner.replace("''", "'"), content);
    }

    #[test]
    fn renaming_there_and_back_changes_nothing(formula in formula()) {
        let columns = columns();
        let before = compile(&formula, &context(&columns)).unwrap();
        let away = rename_column(&formula, "x", "Zed \"2\"").unwrap();
        let back = rename_column(&away, "Zed \"2\"", "x").unwrap();
        prop_assert_eq!(compile(&back, &context(&columns)).unwrap(), before);
    }

    #[test]
    fn references_come_back_in_the_text(codes in prop::collection::vec("[a-zA-Z0-9 .'\"é]{0,6}[a-z]", 1..6)) {
        let formula = codes.iter().map(|code| format!("{{{code}}}")).collect::<Vec<_>>().join(" + ");
        prop_assert!(is_derived(&formula));
        let derived = compile_derived(&formula).unwrap();
        let expected = codes.iter().map(|code| format!("{{{}}}", code.trim())).collect::<Vec<_>>().join(" + ");
        prop_assert_eq!(&derived.text, &expected);
        for code in &codes {
            prop_assert_eq!(derived.codes.iter().filter(|known| *known == code.trim()).count(), 1);
        }
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        read_all(&text);
    }

    #[test]
    fn any_mix_of_sql_words_is_answered(words in prop::collection::vec(prop::sample::select(vec![
        "sum(", "count(*)", "x", "y", "(", ")", "'", "''", "\"", "E'", "\\", "$$", "$a$", "{", "}", "{a}", "[", "]",
        "::", "int", "interval", "case", "when", "then", "else", "end", "and", "or", "not", "in", "between", "like",
        "is", "null", "distinct from", "filter (where", "over (", "within group (order by", "select", "from",
        "exists", "any", "array[", "row(", "+", "-", "*", "/", "%", "=", "<", "->>", "@", "--", "/*", "*/", ";", ",",
        ".", "1", "1e", "0x1", "$1", ":", ":=", "=>", "at time zone", "extract(", "cast(", "as", "date", "U&'",
        "substring(", "trim(", "for", "collate", "?", "#", "\n", "map{", "lambda", "struct<", "interval '1'",
    ]), 0..24)) {
        read_all(&words.join(" "));
        read_all(&words.concat());
    }
}

#[test]
fn deep_and_long_texts_are_refused_and_never_overflow() {
    // A small stack: a server's main thread has four times as much.
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(|| {
        let columns = columns();
        for n in [100, 1_000, 3_000, 100_000] {
            for text in [
                format!("{}sum(x){}", "(".repeat(n), ")".repeat(n)),
                format!("sum({}x{})", "abs(".repeat(n), ")".repeat(n)),
                format!("sum(x){}", " + 1".repeat(n)),
                format!("sum(x){}", "::int".repeat(n)),
                format!("sum(x){}", " is null".repeat(n)),
                format!("sum({}x)", "- ".repeat(n)),
                format!("sum({}x{})", "case when true then ".repeat(n), " end".repeat(n)),
                format!("sum(x::int{})", "[]".repeat(n)),
                format!("sum(x::{}int{})", "array<".repeat(n), ">".repeat(n)),
                format!("sum({}1{})", "array[".repeat(n), "]".repeat(n)),
                format!("{}true", "not ".repeat(n)),
                "(".repeat(n),
                "{".repeat(n),
                "exists(select ".repeat(n),
                vec!["x = 1"; n].join(" or "),
            ] {
                read_all(&text);
                if n >= 1_000 {
                    assert!(compile(&text, &context(&columns)).is_err());
                    assert!(filter(&text, &columns).is_err());
                }
            }
        }
        let error = compile(&format!("sum(x){}", " + 1".repeat(500)), &context(&columns)).unwrap_err();
        assert!(matches!(error, Error::TooComplex { .. }), "{error:?}");
        // What a person types is far from the bounds.
        let wide = format!(
            "sum(x) filter (where status in ({}))",
            vec!["'a'"; 1_500].join(", ")
        );
        assert!(compile(&wide, &context(&columns)).is_ok());
        let nested = format!("{}sum(x){}", "(".repeat(20), ")".repeat(20));
        assert!(compile(&nested, &context(&columns)).is_ok());
        let chain = vec!["status = 'a'"; 100].join(" or ");
        assert!(filter(&chain, &columns).is_ok());
    });
    thread.unwrap().join().unwrap();
}
