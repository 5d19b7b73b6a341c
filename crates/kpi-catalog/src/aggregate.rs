//! Which aggregates have a state that merges, and how the value is read from it.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, OrderBySort, Value};

use crate::error::Error;
use crate::formula::{Compiler, Merge};
use crate::function::{self, Name};
use crate::identifier;
use crate::write::{self, Rules, unnest};

/// What can be merged, for hints.
pub(crate) const MERGEABLE: &str = "sum, count, min, max, avg, bool_and, bool_or, every, variance, var_pop, \
    var_samp, stddev, stddev_pop, stddev_samp, corr, covar_pop, covar_samp, regr_slope and its family, and the \
    two-step aggregates of kpi: stats_agg, percentile_agg, approx_count_distinct, ratio_agg, counter_agg, time_weight, \
    rollup and the others of docs/aggregates.md; \
    with approximate => true also count(DISTINCT x), percentile_cont, percentile_disc and median";

/// An aggregate with a mergeable state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    /// The value itself merges.
    Plain(&'static str, Merge),
    /// Sum and count.
    Avg,
    /// `stats_agg(x)`, read by this SQL with `$` for the state.
    Moments(&'static str),
    /// `stats_agg(y, x)`, read by this SQL with `$` for the state.
    Pairs(&'static str),
    /// One of this extension, whose state is its value.
    Own(&'static str),
    /// A percentile, exact only over raw rows.
    Percentile,
    /// `median(x)`.
    Median,
}

impl Aggregate {
    /// The aggregate of this name, if it can be merged.
    pub(crate) fn of(name: &Name) -> Option<Self> {
        use Aggregate::{Avg, Median, Moments, Own, Pairs, Percentile, Plain};
        let own = match name.schema.as_deref() {
            None => own(&name.name),
            Some("kpi") => own(&name.name).or((name.name == "rollup").then_some("kpi.rollup")),
            Some(_) => None,
        };
        if let Some(own) = own {
            return Some(Own(own));
        }
        Some(match name.built_in()? {
            "sum" => Plain("sum", Merge::Sum),
            "count" => Plain("count", Merge::Count),
            "min" => Plain("min", Merge::Min),
            "max" => Plain("max", Merge::Max),
            "bool_and" | "every" => Plain("bool_and", Merge::BoolAnd),
            "bool_or" => Plain("bool_or", Merge::BoolOr),
            "avg" => Avg,
            "variance" | "var_samp" => Moments("kpi.variance($, 'sample')"),
            "var_pop" => Moments("kpi.variance($, 'population')"),
            "stddev" | "stddev_samp" => Moments("kpi.stddev($, 'sample')"),
            "stddev_pop" => Moments("kpi.stddev($, 'population')"),
            "corr" => Pairs("kpi.corr($)"),
            "covar_samp" => Pairs("kpi.covariance($, 'sample')"),
            "covar_pop" => Pairs("kpi.covariance($, 'population')"),
            "regr_slope" => Pairs("kpi.slope($)"),
            "regr_intercept" => Pairs("kpi.intercept($)"),
            "regr_r2" => Pairs("kpi.determination_coeff($)"),
            "regr_avgx" => Pairs("kpi.average_x($)"),
            "regr_avgy" => Pairs("kpi.average_y($)"),
            "regr_sxx" => Pairs("(kpi.num_vals($) * kpi.variance_x($, 'population'))"),
            "regr_syy" => Pairs("(kpi.num_vals($) * kpi.variance_y($, 'population'))"),
            "regr_sxy" => Pairs("(kpi.num_vals($) * kpi.covariance($, 'population'))"),
            // Without pairs there is no state, and the count of none is 0.
            "regr_count" => Pairs("coalesce(kpi.num_vals($), 0)"),
            "percentile_cont" | "percentile_disc" => Percentile,
            "median" => Median,
            _ => return None,
        })
    }
}

/// The aggregates of ours whose states merge by `rollup`.
const OWN: [&str; 29] = [
    "kpi.stats_agg",
    "kpi.percentile_agg",
    "kpi.hyperloglog",
    "kpi.approx_count_distinct",
    "kpi.uddsketch",
    "kpi.tdigest",
    "kpi.freq_agg",
    "kpi.mcv_agg",
    "kpi.min_n",
    "kpi.max_n",
    "kpi.min_n_by",
    "kpi.max_n_by",
    "kpi.ratio_agg",
    "kpi.apdex_agg",
    "kpi.nps_agg",
    "kpi.forecast_error_agg",
    "kpi.gini_agg",
    "kpi.trend_agg",
    "kpi.ewma",
    "kpi.slo_agg",
    "kpi.funnel_agg",
    "kpi.retention_agg",
    "kpi.counter_agg",
    "kpi.gauge_agg",
    "kpi.time_weight",
    "kpi.candlestick_agg",
    "kpi.state_agg",
    "kpi.compact_state_agg",
    "kpi.heartbeat_agg",
];

fn own(name: &str) -> Option<&'static str> {
    OWN.iter()
        .find(|own| own.strip_prefix("kpi.") == Some(name))
        .copied()
}

/// Is this one of PostgreSQL's own aggregates or window functions without a mergeable state?
pub(crate) fn is_known_unmergeable(name: &Name) -> bool {
    const NAMES: &str = " array_agg string_agg json_agg jsonb_agg json_agg_strict jsonb_agg_strict json_object_agg \
        jsonb_object_agg json_object_agg_strict jsonb_object_agg_strict json_object_agg_unique \
        jsonb_object_agg_unique json_object_agg_unique_strict jsonb_object_agg_unique_strict json_arrayagg \
        json_objectagg xmlagg mode any_value bit_and bit_or bit_xor range_agg range_intersect_agg grouping rank dense_rank percent_rank cume_dist row_number ntile lag lead first_value last_value \
        nth_value ";
    name.built_in()
        .is_some_and(|name| identifier::contains(NAMES, name))
}

/// The functions of ours that read one value from a state, and `growth`, which is of two values.
const ACCESSORS: &str = " approx_percentile approx_percentile_array approx_percentile_rank average average_x average_y \
    bias bucket_width burn_rate close close_time coefficient conversion corr counter_zero_time \
    covariance delta denominator determination_coeff detractors distinct_count downtime duration_in \
    end_time error error_budget_left extrapolated_delta extrapolated_rate first_time first_val \
    frustrated gauge_zero_time good_events growth half_life high high_time idelta_left idelta_right \
    integral intercept into_array irate_left irate_right kurtosis kurtosis_x kurtosis_y last_time \
    last_val live_at low low_time mae mape margin mase max_error max_frequency max_val mean \
    min_frequency min_val mtbf mttr num_actors num_changes num_elements num_gaps num_live_ranges \
    num_resets num_skipped num_steps num_vals num_zeros numerator objective open open_time passives \
    promoters rate rating retention_rate rmse sample_size sampled satisfied score severity skewness \
    skewness_x skewness_y sli slope smape state_at state_at_int stddev stddev_x stddev_y stderror \
    sum sum_x sum_y threshold time_delta tolerating total_events tracking_signal uptime value_at \
    variance variance_x variance_y volume vwap wape weight with_bounds x_intercept ";

/// Is this the name of a function of ours that may stand in a formula?
pub(crate) fn is_accessor(name: &str) -> bool {
    identifier::contains(ACCESSORS, name)
}

/// The function of ours that a misspelt name may mean.
pub(crate) fn nearest_accessor(name: &str) -> Option<String> {
    let accessors: Vec<String> = ACCESSORS
        .split_whitespace()
        .chain(["value"])
        .map(str::to_owned)
        .collect();
    identifier::nearest(name, &accessors)
}

/// The name with our schema if the call is an accessor of ours around one of our aggregates, as in
/// `average(stats_agg(x))`. Names such as `stddev` are aggregates otherwise.
pub(crate) fn accessor(what: &'static str, name: &Name, call: &Function) -> Option<String> {
    if !matches!(name.schema.as_deref(), None | Some("kpi")) {
        return None;
    }
    // kpi.value is also what reads a KPI: only its argument tells.
    if !is_accessor(&name.name) && name.name != "value" {
        return None;
    }
    reads_state(what, call).then(|| format!("kpi.{}", name.name))
}

/// Is an argument of the call one of our aggregates?
pub(crate) fn reads_state(what: &'static str, call: &Function) -> bool {
    let Ok(arguments) = function::arguments(what, call) else {
        return false;
    };
    arguments.args.iter().any(|argument| {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
            return false;
        };
        let Expr::Function(inner) = unnest(expr) else {
            return false;
        };
        Name::of(what, inner).is_ok_and(|name| matches!(Aggregate::of(&name), Some(Aggregate::Own(_))))
    })
}

/// Writes an aggregate call: as it stands, or as what reads its merged states.
pub(crate) fn call(
    compiler: &mut Compiler,
    aggregate: Aggregate,
    name: &Name,
    call: &Function,
    depth: usize,
) -> Result<String, Error> {
    let what = compiler.what();
    function::refuse_over(what, name, call)?;
    let parts = function::arguments(what, call)?;
    if parts.clauses {
        return Err(Error::NotMergeable {
            aggregate: format!("{}(... ORDER BY ...)", name.name),
        });
    }
    if !call.within_group.is_empty() && aggregate != Aggregate::Percentile {
        return Err(Error::NotMergeable {
            aggregate: format!("{}(...) WITHIN GROUP", name.name),
        });
    }
    let star = matches!(parts.args, [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    let mut args = Vec::new();
    if !star {
        for argument in parts.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
                return Err(wrong(name, "arguments in their order, without names"));
            };
            args.push(write::expression(compiler, expr, depth)?);
        }
    }
    let filter = match &call.filter {
        Some(filter) => format!(" FILTER (WHERE {})", write::expression(compiler, filter, depth)?),
        None => String::new(),
    };
    let written = Written {
        name,
        args: &args,
        star,
        distinct: parts.distinct,
        filter: &filter,
    };
    match aggregate {
        Aggregate::Plain(plain, merge) => written.plain(compiler, plain, merge),
        Aggregate::Avg => {
            let x = written.exactly_one()?;
            written.refuse_distinct()?;
            written.value(compiler, |compiler| {
                let sum = compiler.state(format!("sum({x}){filter}"), Merge::Sum)?;
                let count = compiler.state(format!("count({x}){filter}"), Merge::Count)?;
                // The constant makes integers numeric and leaves every other type as avg has it.
                Ok(format!("({sum} * 1.0 / nullif({count}, 0))"))
            })
        }
        Aggregate::Moments(read) => {
            let x = written.exactly_one()?;
            written.refuse_distinct()?;
            written.sketch(compiler, format!("kpi.stats_agg(({x})::float8)"), read)
        }
        Aggregate::Pairs(read) => {
            let [y, x] = args.as_slice() else {
                return Err(wrong(name, "two arguments (y, x)"));
            };
            written.refuse_distinct()?;
            written.sketch(
                compiler,
                format!("kpi.stats_agg(({y})::float8, ({x})::float8)"),
                read,
            )
        }
        Aggregate::Own(own) => {
            if args.is_empty() {
                return Err(wrong(name, "at least one argument"));
            }
            written.refuse_distinct()?;
            let partial = format!("{own}({})", args.join(", "));
            if compiler.keeps_text() {
                return Ok(format!("{partial}{filter}"));
            }
            compiler.state(format!("{partial}{filter}"), Merge::Rollup)
        }
        Aggregate::Median => {
            let x = written.exactly_one()?;
            written.refuse_distinct()?;
            written.percentile(compiler, "0.5", x)
        }
        Aggregate::Percentile => percentile(compiler, &written, call, parts.args, depth),
    }
}

/// An aggregate call whose arguments are already written.
struct Written<'a> {
    name: &'a Name,
    args: &'a [String],
    star: bool,
    distinct: bool,
    filter: &'a str,
}

impl Written<'_> {
    fn exactly_one(&self) -> Result<&str, Error> {
        match self.args {
            [one] => Ok(one),
            _ => Err(wrong(self.name, "one argument")),
        }
    }

    fn refuse_distinct(&self) -> Result<(), Error> {
        if self.distinct {
            return Err(Error::NotMergeable {
                aggregate: format!("{}(DISTINCT ...)", self.name.name),
            });
        }
        Ok(())
    }

    /// The call as it stands where that is asked for, else what `build` makes of it.
    fn value(
        &self,
        compiler: &mut Compiler,
        build: impl FnOnce(&mut Compiler) -> Result<String, Error>,
    ) -> Result<String, Error> {
        if compiler.keeps_text() {
            let distinct = if self.distinct { "DISTINCT " } else { "" };
            let args = if self.star {
                "*".to_owned()
            } else {
                self.args.join(", ")
            };
            return Ok(format!("{}({distinct}{args}){}", self.name.name, self.filter));
        }
        build(compiler)
    }

    fn plain(&self, compiler: &mut Compiler, plain: &str, merge: Merge) -> Result<String, Error> {
        let filter = self.filter;
        if self.star && merge == Merge::Count && !self.distinct {
            return self.value(compiler, |compiler| {
                compiler.state(format!("count(*){filter}"), merge)
            });
        }
        let x = self.exactly_one()?;
        match merge {
            Merge::Count if self.distinct => {
                if !compiler.approximate() {
                    return Err(Error::NeedsApproximate {
                        aggregate: "count(DISTINCT ...)".into(),
                    });
                }
                self.value(compiler, |compiler| {
                    let partial = format!("kpi.approx_count_distinct({x}){filter}");
                    let state = compiler.state(partial, Merge::Rollup)?;
                    // Without rows there is no state, and the count of none is 0.
                    Ok(format!("coalesce(kpi.distinct_count({state}), 0)"))
                })
            }
            Merge::Sum => {
                self.refuse_distinct()?;
                self.value(compiler, |compiler| {
                    compiler.state(format!("{plain}({x}){filter}"), merge)
                })
            }
            // DISTINCT makes no difference to the least, the greatest, all and any.
            _ => self.value(compiler, |compiler| {
                compiler.state(format!("{plain}({x}){filter}"), merge)
            }),
        }
    }

    /// A sketch as the state, read by SQL with `$` for it.
    fn sketch(&self, compiler: &mut Compiler, partial: String, read: &str) -> Result<String, Error> {
        self.value(compiler, |compiler| {
            let state = compiler.state(format!("{partial}{}", self.filter), Merge::Rollup)?;
            Ok(read.replace('$', &state))
        })
    }

    fn percentile(&self, compiler: &mut Compiler, p: &str, x: &str) -> Result<String, Error> {
        if !compiler.approximate() {
            return Err(Error::NeedsApproximate {
                aggregate: self.name.name.clone(),
            });
        }
        self.sketch(
            compiler,
            format!("kpi.percentile_agg(({x})::float8)"),
            &format!("kpi.approx_percentile({p}, $)"),
        )
    }
}

/// `percentile_cont(0.9) WITHIN GROUP (ORDER BY x)`.
fn percentile(
    compiler: &mut Compiler,
    written: &Written,
    call: &Function,
    args: &[FunctionArg],
    depth: usize,
) -> Result<String, Error> {
    let name = written.name;
    let form = "a constant from 0 to 1 and WITHIN GROUP (ORDER BY x), ascending";
    written.refuse_distinct()?;
    let fraction = match args {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))] => match unnest(expr) {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => digits.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let [p] = written.args else {
        return Err(wrong(name, form));
    };
    if fraction.is_none() {
        return Err(wrong(name, form));
    }
    let [order] = call.within_group.as_slice() else {
        return Err(wrong(name, form));
    };
    let ascending = matches!(order.options.sort, None | Some(OrderBySort::Asc));
    if !ascending || order.options.nulls_first.is_some() || order.with_fill.is_some() {
        return Err(wrong(name, form));
    }
    let x = write::expression(compiler, &order.expr, depth)?;
    if compiler.keeps_text() && compiler.approximate() {
        return Ok(format!(
            "{}({p}) WITHIN GROUP (ORDER BY {x}){}",
            name.name, written.filter
        ));
    }
    written.percentile(compiler, p, &x)
}

fn wrong(name: &Name, expected: &str) -> Error {
    Error::Arguments {
        function: name.key(),
        expected: expected.to_owned(),
    }
}
