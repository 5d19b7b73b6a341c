//! Each aggregate is kept as the states that merge, and read from them.
#![allow(clippy::unwrap_used)]

use kpi_catalog::{Context, Formula, Merge, compile, compile_derived};

fn compiled(formula: &str, approximate: bool) -> Formula {
    let columns = ["x", "y", "ok", "status", "Region"].map(str::to_owned);
    let context = Context {
        columns: &columns,
        is_aggregate: &|_| false,
        approximate,
    };
    compile(formula, &context).unwrap()
}

/// The states as `merge partial` and the value with `s0`, `s1`, ... for them.
fn parts(formula: &str, approximate: bool) -> (Vec<String>, String) {
    let formula = compiled(formula, approximate);
    let states = formula
        .states
        .iter()
        .map(|state| format!("{:?} {}", state.merge, state.partial))
        .collect();
    (states, formula.value.render(&|i| format!("s{i}")))
}

fn assert_parts(formula: &str, approximate: bool, states: &[&str], value: &str) {
    let (found, rendered) = parts(formula, approximate);
    assert_eq!(found, states, "states of {formula}");
    assert_eq!(rendered, value, "value of {formula}");
}

#[test]
fn plain_aggregates_merge_with_themselves() {
    assert_parts("SUM(x)", false, &["Sum sum(x)"], "(s0)");
    assert_parts("count(*)", false, &["Count count(*)"], "(s0)");
    assert_parts("count(ALL x)", false, &["Count count(x)"], "(s0)");
    assert_parts("min(x)", false, &["Min min(x)"], "(s0)");
    assert_parts("pg_catalog.max(x)", false, &["Max max(x)"], "(s0)");
    assert_parts("every(ok)", false, &["BoolAnd bool_and(ok)"], "(s0)");
    assert_parts("bool_or(x > 1)", false, &["BoolOr bool_or(x > 1)"], "(s0)");
}

#[test]
fn distinct_changes_nothing_for_extremes_and_truth() {
    assert_parts("min(DISTINCT x)", false, &["Min min(x)"], "(s0)");
    assert_parts("bool_and(DISTINCT ok)", false, &["BoolAnd bool_and(ok)"], "(s0)");
}

#[test]
fn a_mean_is_a_sum_and_a_count() {
    assert_parts(
        "avg(x)",
        false,
        &["Sum sum(x)", "Count count(x)"],
        "((s0) * 1.0 / nullif((s1), 0))",
    );
}

#[test]
fn equal_states_are_shared_however_they_are_typed() {
    assert_parts(
        "avg(X) + SUM( x ) / count(\"x\") + sum(x) FILTER (WHERE STATUS='a') - sum(x) filter(where status = 'a')",
        false,
        &[
            "Sum sum(x)",
            "Count count(x)",
            "Sum sum(x) FILTER (WHERE status = 'a')",
        ],
        "((s0) * 1.0 / nullif((s1), 0)) + (s0) / nullif((s1), 0) + (s2) - (s2)",
    );
}

#[test]
fn moments_share_one_state() {
    assert_parts(
        "stddev(x) + stddev_pop(x) + variance(x) + var_samp(x) + var_pop(x)",
        false,
        &["Rollup kpi.stats_agg((x)::float8)"],
        "kpi.stddev((s0), 'sample') + kpi.stddev((s0), 'population') + kpi.variance((s0), 'sample') \
         + kpi.variance((s0), 'sample') + kpi.variance((s0), 'population')",
    );
}

#[test]
fn regression_shares_one_state_over_pairs() {
    let state = "Rollup kpi.stats_agg((y)::float8, (x)::float8)";
    for (formula, value) in [
        ("corr(y, x)", "kpi.corr((s0))"),
        ("covar_samp(y, x)", "kpi.covariance((s0), 'sample')"),
        ("covar_pop(y, x)", "kpi.covariance((s0), 'population')"),
        ("regr_slope(y, x)", "kpi.slope((s0))"),
        ("regr_intercept(y, x)", "kpi.intercept((s0))"),
        ("regr_r2(y, x)", "kpi.determination_coeff((s0))"),
        ("regr_avgx(y, x)", "kpi.average_x((s0))"),
        ("regr_avgy(y, x)", "kpi.average_y((s0))"),
        ("regr_count(y, x)", "coalesce(kpi.num_vals((s0)), 0)"),
        (
            "regr_sxx(y, x)",
            "(kpi.num_vals((s0)) * kpi.variance_x((s0), 'population'))",
        ),
        (
            "regr_syy(y, x)",
            "(kpi.num_vals((s0)) * kpi.variance_y((s0), 'population'))",
        ),
        (
            "regr_sxy(y, x)",
            "(kpi.num_vals((s0)) * kpi.covariance((s0), 'population'))",
        ),
    ] {
        assert_parts(formula, false, &[state], value);
    }
}

#[test]
fn our_own_aggregates_are_their_state() {
    for name in [
        "stats_agg",
        "percentile_agg",
        "approx_count_distinct",
        "uddsketch",
        "tdigest",
        "nps_agg",
        "gini_agg",
    ] {
        assert_parts(
            &format!("{name}(x)"),
            false,
            &[&format!("Rollup kpi.{name}(x)")],
            "(s0)",
        );
        assert_parts(
            &format!("kpi.{name}(x)"),
            false,
            &[&format!("Rollup kpi.{name}(x)")],
            "(s0)",
        );
    }
    assert_parts(
        "kpi.hyperloglog(64, x)",
        false,
        &["Rollup kpi.hyperloglog(64, x)"],
        "(s0)",
    );
    assert_parts("kpi.rollup(x)", false, &["Rollup kpi.rollup(x)"], "(s0)");
}

#[test]
fn accessors_read_the_merged_state() {
    assert_parts(
        "approx_percentile(0.95, percentile_agg(x) FILTER (WHERE ok))",
        false,
        &["Rollup kpi.percentile_agg(x) FILTER (WHERE ok)"],
        "kpi.approx_percentile(0.95, (s0))",
    );
    // Only the exact name is ours: in quotes a name can be anything.
    assert_parts(
        "\"average average_x\"(stats_agg(x))",
        false,
        &["Rollup kpi.stats_agg(x)"],
        "\"average average_x\"((s0))",
    );
    // The name is an aggregate of PostgreSQL, the argument says that the accessor is meant.
    assert_parts(
        "stddev(stats_agg(x))",
        false,
        &["Rollup kpi.stats_agg(x)"],
        "kpi.stddev((s0))",
    );
}

#[test]
fn value_is_an_accessor_only_around_a_state() {
    for formula in ["value(ratio_agg(x, y))", "kpi.value(kpi.ratio_agg(x, y))"] {
        assert_parts(formula, false, &["Rollup kpi.ratio_agg(x, y)"], "kpi.value((s0))");
    }
    assert_parts(
        "kpi.margin(kpi.nps_agg(x), level => 0.9)",
        false,
        &["Rollup kpi.nps_agg(x)"],
        "kpi.margin((s0), level => 0.9)",
    );
}

#[test]
fn growth_is_of_two_values_and_reliability_of_a_state() {
    assert_parts(
        "kpi.growth(sum(x), sum(y))",
        false,
        &["Sum sum(x)", "Sum sum(y)"],
        "kpi.growth((s0), (s1))",
    );
    assert_parts(
        "mttr(state_agg(x, y), 'down')",
        false,
        &["Rollup kpi.state_agg(x, y)"],
        "kpi.mttr((s0), 'down')",
    );
}

#[test]
fn sketches_stand_in_where_an_approximation_will_do() {
    assert_parts(
        "count(DISTINCT x)",
        true,
        &["Rollup kpi.approx_count_distinct(x)"],
        "coalesce(kpi.distinct_count((s0)), 0)",
    );
    let state = "Rollup kpi.percentile_agg((x)::float8)";
    assert_parts(
        "percentile_cont(0.9) WITHIN GROUP (ORDER BY x)",
        true,
        &[state],
        "kpi.approx_percentile(0.9, (s0))",
    );
    assert_parts(
        "percentile_disc(.25) WITHIN GROUP (ORDER BY x ASC)",
        true,
        &[state],
        "kpi.approx_percentile(.25, (s0))",
    );
    assert_parts("median(x)", true, &[state], "kpi.approx_percentile(0.5, (s0))");
}

#[test]
fn a_filter_stays_with_the_state() {
    assert_parts(
        "avg(x) FILTER (WHERE ok AND status <> 'b')",
        false,
        &[
            "Sum sum(x) FILTER (WHERE ok AND status <> 'b')",
            "Count count(x) FILTER (WHERE ok AND status <> 'b')",
        ],
        "((s0) * 1.0 / nullif((s1), 0))",
    );
    assert_parts(
        "corr(y, x) FILTER (WHERE ok)",
        false,
        &["Rollup kpi.stats_agg((y)::float8, (x)::float8) FILTER (WHERE ok)"],
        "kpi.corr((s0))",
    );
}

#[test]
fn division_gives_null_for_zero_outside_of_aggregates_only() {
    let value = |formula| parts(formula, false).1;
    assert_eq!(value("sum(x) / count(*)"), "(s0) / nullif((s1), 0)");
    assert_eq!(value("sum(x) % (count(*) + 1)"), "(s0) % nullif((s1) + 1, 0)");
    assert_eq!(
        value("sum(x) / -count(*) ^ 2 * 3"),
        "(s0) / nullif(-(s1) ^ 2, 0) * 3"
    );
    assert_eq!(value("sum(x) / 7"), "(s0) / 7");
    assert_eq!(value("sum(x) / 0.00"), "(s0) / nullif(0.00, 0)");
    assert_eq!(value("sum(x) / nullif(count(*), 0)"), "(s0) / nullif((s1), 0)");
    assert_eq!(
        value("sum(x) / nullif(count(*), 5)"),
        "(s0) / nullif(nullif((s1), 5), 0)"
    );
    assert_eq!(parts("sum(x / y)", false).0, ["Sum sum(x / y)"]);
    let derived = compile_derived("{a} / ({b} - {c} / 2)").unwrap();
    assert_eq!(
        derived.value.render(&|i| format!("v{i}")),
        "(v0) / nullif((v1) - (v2) / 2, 0)"
    );
}

#[test]
fn columns_are_listed_once_in_order() {
    let formula = compiled("sum(y) FILTER (WHERE ok) / max(\"Region\") + sum(Y)", false);
    assert_eq!(formula.columns, ["y", "ok", "Region"]);
    assert_eq!(
        formula.text,
        "sum(y) FILTER (WHERE ok) / max(\"Region\") + sum(y)"
    );
}

#[test]
fn the_text_is_the_formula_and_not_its_states() {
    assert_eq!(compiled("AVG(x)*2", false).text, "avg(x) * 2");
    assert_eq!(
        compiled(
            "percentile_cont(0.9) within group(order by x) filter(where ok)",
            true
        )
        .text,
        "percentile_cont(0.9) WITHIN GROUP (ORDER BY x) FILTER (WHERE ok)"
    );
    assert_eq!(compiled("tdigest(x)", false).text, "kpi.tdigest(x)");
    assert_eq!(compiled("tdigest(x)", false).states[0].merge, Merge::Rollup);
}
