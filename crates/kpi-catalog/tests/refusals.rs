//! What cannot be merged, trusted or understood is refused by name, with what to type instead.
#![allow(clippy::unwrap_used)]

use kpi_catalog::{Context, Error, Kind, compile, compile_derived, dimension};

fn refused(formula: &str) -> Error {
    let columns = ["amount", "status", "Region", "ts", "user"].map(str::to_owned);
    let context = Context {
        columns: &columns,
        is_aggregate: &|name| name == "public.my_agg",
        approximate: false,
    };
    compile(formula, &context).unwrap_err()
}

/// Kind, message, detail and hint.
fn told(error: &Error) -> (Kind, String, String, String) {
    (
        error.kind(),
        error.to_string(),
        error.detail().unwrap_or_default(),
        error.hint().unwrap_or_default(),
    )
}

#[test]
fn syntax_errors_name_the_place() {
    let (kind, message, detail, _) = told(&refused("sum(amount) + * 2"));
    assert_eq!(
        (kind, message.as_str()),
        (Kind::Syntax, "syntax error in the formula")
    );
    assert_eq!(
        detail,
        "Expected: an expression, found: *, at character 15 of: sum(amount) + * 2"
    );
    // Positions count characters, over lines.
    let (_, _, detail, _) = told(&refused("sum(amount)\n  + 'é' + * 2"));
    assert!(detail.contains("at character 23 of"), "{detail}");
    assert_eq!(refused("sum('open").kind(), Kind::Syntax);
    assert_eq!(refused("sum(").kind(), Kind::Syntax);
}

#[test]
fn nothing_may_be_empty_hidden_or_left_over() {
    for empty in ["", "  \n\t"] {
        assert_eq!(refused(empty), Error::Empty { what: "formula" });
    }
    for (text, rest, at) in [
        ("sum(amount); DROP TABLE orders", "; DROP TABLE orders", 12),
        ("sum(amount) AS total", "AS total", 13),
        ("sum(amount), count(*)", ", count(*)", 12),
        ("sum(amount))", ")", 12),
        ("sum(amount) FROM orders", "FROM orders", 13),
    ] {
        let expected = Error::Trailing {
            what: "formula",
            rest: rest.into(),
            position: Some(at),
        };
        assert_eq!(refused(text), expected);
        assert_eq!(expected.kind(), Kind::Syntax);
    }
    let hint = refused("sum(amount) WHERE status = 'a'").hint().unwrap();
    assert_eq!(
        hint,
        "put the condition after the aggregate: sum(x) FILTER (WHERE ...)"
    );
    for text in ["sum(amount) -- all", "sum(/* all */ amount)", "sum(amount) /*"] {
        assert!(
            matches!(refused(text), Error::Comment { .. } | Error::Syntax { .. }),
            "{text}"
        );
    }
}

#[test]
fn a_formula_must_aggregate_and_every_column_in_it() {
    let (kind, message, _, hint) = told(&refused("amount * 2"));
    assert_eq!(
        (kind, message.as_str()),
        (Kind::Grouping, "the formula contains no aggregate")
    );
    assert_eq!(hint, "wrap it in an aggregate, for example sum(amount)");
    assert!(matches!(
        refused("1 + 1"),
        Error::NoAggregate { column: None, .. }
    ));
    let (kind, message, _, hint) = told(&refused("sum(amount) / \"Region\""));
    assert_eq!(
        (kind, message.as_str()),
        (Kind::Grouping, "column \"Region\" must be inside an aggregate")
    );
    assert_eq!(
        hint,
        "wrap it in an aggregate, for example sum(\"Region\") or max(\"Region\")"
    );
}

#[test]
fn an_unknown_column_gets_the_nearest_and_the_list() {
    let (kind, message, detail, hint) = told(&refused("sum(amuont)"));
    assert_eq!(
        (kind, message.as_str()),
        (Kind::UndefinedColumn, "column \"amuont\" does not exist")
    );
    assert_eq!(
        detail,
        "the columns are: amount, status, \"Region\", ts, \"user\""
    );
    assert_eq!(hint, "perhaps you meant amount");
    assert_eq!(
        refused("sum(region)").hint().as_deref(),
        Some("perhaps you meant \"Region\"")
    );
    assert_eq!(refused("sum(ctid)").kind(), Kind::UndefinedColumn);
    let many: Vec<String> = (0..50).map(|i| format!("column_{i}")).collect();
    let detail = dimension("zebra", &many).unwrap_err().detail().unwrap();
    assert!(detail.ends_with("column_19 and 30 more"), "{detail}");
}

#[test]
fn subqueries_are_refused_wherever_they_hide() {
    for text in [
        "SELECT sum(amount) FROM orders",
        "(SELECT sum(amount) FROM orders)",
        "WITH t AS (SELECT 1) SELECT sum(amount) FROM t",
        "sum((SELECT 1))",
        "sum(amount) + (SELECT 1)",
        "sum(amount) FILTER (WHERE amount IN (SELECT 1))",
        "sum(amount) FILTER (WHERE EXISTS (SELECT 1))",
        "sum(amount) FILTER (WHERE amount = ANY (SELECT 1))",
        "sum(amount) FILTER (WHERE amount > ALL (SELECT 1))",
        "sum(cardinality(ARRAY(SELECT 1)))",
        "CASE WHEN EXISTS (SELECT 1) THEN sum(amount) END",
    ] {
        let error = refused(text);
        assert_eq!(error.kind(), Kind::FeatureNotSupported, "{text}: {error:?}");
        assert!(error.to_string().contains("subquery"), "{text}: {error}");
        assert!(error.detail().unwrap().contains(text), "{text}: {error:?}");
    }
}

#[test]
fn window_functions_and_nested_aggregates() {
    assert_eq!(
        refused("sum(amount) OVER ()"),
        Error::Window {
            what: "formula",
            function: "sum".into()
        }
    );
    assert!(matches!(
        refused("row_number() OVER (ORDER BY ts)"),
        Error::Window { .. }
    ));
    assert!(matches!(
        refused("lag(sum(amount)) OVER (ORDER BY 1)"),
        Error::Window { .. }
    ));
    let nested = refused("max(abs(sum(amount)))");
    assert_eq!(
        nested,
        Error::NestedAggregate {
            inner: "sum".into(),
            outer: "max".into()
        }
    );
    assert_eq!(nested.kind(), Kind::Grouping);
    assert!(matches!(
        refused("sum(amount) FILTER (WHERE count(*) > 1)"),
        Error::NestedAggregate { .. }
    ));
}

#[test]
fn what_does_not_merge_is_named() {
    for (text, name) in [
        ("string_agg(status, ',')", "string_agg"),
        ("array_agg(amount ORDER BY ts)", "array_agg"),
        ("mode() WITHIN GROUP (ORDER BY status)", "mode"),
        ("sum(DISTINCT amount)", "sum(DISTINCT ...)"),
        ("avg(DISTINCT amount)", "avg(DISTINCT ...)"),
        ("stddev(DISTINCT amount)", "stddev(DISTINCT ...)"),
        ("sum(amount ORDER BY ts)", "sum(... ORDER BY ...)"),
        ("sum(amount) WITHIN GROUP (ORDER BY ts)", "sum(...) WITHIN GROUP"),
        ("public.my_agg(amount)", "public.my_agg"),
    ] {
        let error = refused(text);
        assert_eq!(
            error,
            Error::NotMergeable {
                aggregate: name.into()
            },
            "{text}"
        );
        assert_eq!(error.kind(), Kind::FeatureNotSupported);
        assert!(error.detail().unwrap().contains(name));
        assert!(
            error
                .hint()
                .unwrap()
                .starts_with("aggregates that can be merged are sum, count")
        );
    }
    for text in [
        "count(DISTINCT status)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY amount)",
        "median(amount)",
    ] {
        let error = refused(text);
        assert!(
            matches!(error, Error::NeedsApproximate { .. }),
            "{text}: {error:?}"
        );
        assert!(error.hint().unwrap().contains("approximate => true"));
    }
}

#[test]
fn wrong_arguments_are_told() {
    for text in [
        "sum()",
        "sum(*)",
        "sum(amount, amount)",
        "count(DISTINCT status, ts)",
        "corr(amount)",
        "count()",
    ] {
        assert_eq!(refused(text).kind(), Kind::InvalidParameter, "{text}");
    }
    for text in [
        "percentile_cont(1.5) WITHIN GROUP (ORDER BY amount)",
        "percentile_cont(amount) WITHIN GROUP (ORDER BY amount)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY amount DESC)",
        "percentile_cont(0.5)",
    ] {
        let error = refused(text);
        assert!(matches!(error, Error::Arguments { .. }), "{text}: {error:?}");
    }
}

#[test]
fn nothing_may_depend_on_the_moment_or_the_session() {
    for text in [
        "sum(amount * random())",
        "sum(amount) * extract(epoch FROM now())",
        "count(*) FILTER (WHERE ts > CURRENT_TIMESTAMP)",
        "count(*) FILTER (WHERE ts > current_date - 1)",
        "count(*) FILTER (WHERE ts > localtimestamp)",
        "count(*) FILTER (WHERE ts > localtime(0))",
        "count(*) FILTER (WHERE status = current_user)",
        "count(*) FILTER (WHERE status = session_user)",
        "count(*) FILTER (WHERE status = user)",
        "count(*) FILTER (WHERE status = current_setting('x'))",
        "sum(nextval('s'))",
        "sum(setval('s', 1))",
        "sum(pg_catalog.pg_sleep(1))",
        "max(pg_read_file('/etc/passwd'))",
        "sum(\"random\"())",
        "sum(PG_CATALOG.\"clock_timestamp\"())",
        "max(gen_random_uuid())",
        "max(txid_current())",
        "max(query_to_xml('select 1', true, true, ''))",
        "max(age(ts))",
        "max(ts - 'now'::timestamptz)",
        "max(ts - TIMESTAMP 'today')",
        "max(ts - CAST(' Yesterday ' AS timestamptz))",
        "max(ts - ('now')::timestamptz)",
    ] {
        let error = refused(text);
        assert!(matches!(error, Error::Volatile { .. }), "{text}: {error:?}");
        assert_eq!(error.kind(), Kind::InvalidObjectDefinition);
    }
    assert!(matches!(
        refused("sum(generate_series(1, 3))"),
        Error::SetReturning { .. }
    ));
}

#[test]
fn other_constructs_are_refused_by_default() {
    for text in [
        "sum(amount * $1)",
        "sum(o.amount)",
        "sum(public.orders.amount)",
        "max(amount) OPERATOR(public.+) 1",
        "max((status).field)",
        "sum(amount) FILTER (WHERE status LIKE ANY (ARRAY['a']))",
        "abs(amount) FILTER (WHERE true)",
        "max(X'1F')",
        "max(N'a')",
        "max(B'1')",
        "sum(array(amount))",
        "sum(amount) / @ sum(amount)",
        "sum(amount) / - sum(amount) ^ @ 2",
        "sum(amount)||-1",
        "sum(amount) + kpi.value('revenue')",
        "sum(kpi.refresh('orders'))",
    ] {
        let error = refused(text);
        assert_eq!(error.kind(), Kind::FeatureNotSupported, "{text}: {error:?}");
        assert!(error.hint().is_some());
    }
    assert_eq!(
        refused("sum(o.amount)").hint().unwrap(),
        "a source has one relation, so leave the qualifier out: amount"
    );
    assert_eq!(refused("sum(\u{F0000})").kind(), Kind::Syntax);
    assert_eq!(refused("max(E'\\U000F0000')").kind(), Kind::FeatureNotSupported);
}

#[test]
fn what_does_not_read_one_value_from_a_state_is_named() {
    let (kind, message, detail, hint) = told(&refused("kpi.steps(kpi.funnel_agg(ts, user, 1, '1 day'))"));
    assert_eq!(
        (kind, message.as_str()),
        (Kind::FeatureNotSupported, "a formula cannot call kpi.steps")
    );
    assert_eq!(
        detail,
        "the function kpi.steps does not read one value from a state"
    );
    assert!(hint.starts_with("use one that does"), "{hint}");
    assert_eq!(
        refused("kpi.scor(kpi.nps_agg(amount))").hint().unwrap(),
        "perhaps you meant kpi.score"
    );
    assert_eq!(
        refused("kpi.vale(kpi.ratio_agg(amount, 1))").hint().unwrap(),
        "perhaps you meant kpi.value"
    );
    assert_eq!(
        refused("kpi.average(kpi.ewma(ts, amount, half_life => '1 h'))")
            .detail()
            .unwrap(),
        "it takes arguments in their order, without names"
    );
}

#[test]
fn references_do_not_mix_with_aggregates_or_columns() {
    for text in [
        "{a} + sum(amount)",
        "{a} + amount",
        "sum({a})",
        "{a} + \"b\"",
        "{a} + count(*)",
    ] {
        let error = compile_derived(text).unwrap_err();
        assert!(matches!(error, Error::Mixed { .. }), "{text}: {error:?}");
        assert_eq!(error.kind(), Kind::InvalidObjectDefinition);
        assert_eq!(refused(text), error, "compile says the same");
    }
    assert_eq!(
        compile_derived("{a} + { }"),
        Err(Error::EmptyReference { position: 7 })
    );
    assert_eq!(compile_derived("{a} + {b"), Err(Error::Brace { position: 7 }));
    assert_eq!(compile_derived("a}"), Err(Error::Brace { position: 2 }));
    assert_eq!(compile_derived("{a{b}}"), Err(Error::Brace { position: 1 }));
    assert!(matches!(compile_derived("1 + 1"), Err(Error::NoReference { .. })));
    assert!(matches!(
        compile_derived("{a} * now()"),
        Err(Error::Volatile { .. })
    ));
    assert!(matches!(
        compile_derived("{a} * (SELECT 1)"),
        Err(Error::Subquery { .. })
    ));
    let error = compile_derived("{revenue} + {orders} {returns}").unwrap_err();
    assert_eq!(error.detail().unwrap(), "at character 22 follows: {returns}");
}

#[test]
fn dimensions_need_a_name_and_one_row() {
    let columns = ["region".to_owned()];
    let refused = |text: &str| dimension(text, &columns).unwrap_err();
    assert_eq!(refused("lower(region)").kind(), Kind::InvalidParameter);
    assert_eq!(refused(" => region").kind(), Kind::InvalidParameter);
    assert_eq!(refused("\"\" => region").kind(), Kind::InvalidParameter);
    assert_eq!(
        refused(&format!("{} => region", "x".repeat(64))).kind(),
        Kind::InvalidParameter
    );
    assert!(dimension(&format!("{} => region", "x".repeat(63)), &columns).is_ok());
    assert_eq!(refused("n => count(*)").kind(), Kind::Grouping);
    assert_eq!(refused("n => (SELECT 1)").kind(), Kind::FeatureNotSupported);
    assert_eq!(refused("n => now()").kind(), Kind::InvalidObjectDefinition);
    assert_eq!(refused("n =>").kind(), Kind::Syntax);
    assert_eq!(refused("").kind(), Kind::Syntax);
    assert_eq!(
        refused("n => regoin").hint().as_deref(),
        Some("perhaps you meant region")
    );
}
