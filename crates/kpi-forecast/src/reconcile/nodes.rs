//! From the histories of a hierarchy to forecasts that add up.

use super::{Covariance, Hierarchy, HierarchyError, Method, Projection, past_errors, top_down};
use crate::options::Options;
use crate::{Error, Fan, Point, Request, fan, gaps};

/// One step of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reconciled {
    /// The reconciled forecast with its band, in the unit of the values.
    pub point: Point,
    /// The forecast of the node by itself.
    pub base: f64,
}

/// Forecasts each node by itself as [`fan`](crate::fan()) does, and makes the forecasts add up: for each node of the hierarchy one
/// [`Reconciled`] per step. Bounds hold for the forecast of a node by itself only; levels are not looked at.
///
/// `histories` has for each node that was given its values, one per step, all ending at the same step; a value that is not
/// finite is a gap. A sum without is the sum of its leaves, with their gaps filled, in which a leaf that has not begun counts
/// nothing. The covariance of the errors is that of [`past_errors`]. A band is that of the node's own forecast, made narrower or
/// wider by the root of the [ratio of variances](Projection::variance_ratios), as if errors grew from step to step alike in all
/// nodes.
///
/// # Errors
/// Those of [`fan`](crate::fan()) with the name of the node, and a [`HierarchyError`].
///
/// ```
/// use kpi_forecast::reconcile::{Hierarchy, Method, forecast_nodes};
/// use kpi_forecast::{Model, Request, options::Options};
/// let tree = Hierarchy::from_paths(&["all".into(), "all/a".into(), "all/b".into()]).unwrap();
/// let request = Request { horizon: 2, model: Model::Naive, level: 0.95, season: Some(1) };
/// let histories = [None, Some(vec![1.0, 3.0, 2.0, 4.0]), Some(vec![7.0, 5.0, 6.0])];
/// let options = Options::default();
/// let nodes = forecast_nodes(&tree, &histories, &request, &options, &[], Method::BottomUp, &mut || false).unwrap();
/// assert_eq!((nodes[0][1].point.value, nodes[0][1].base), (10.0, 10.0));
/// ```
pub fn forecast_nodes(
    hierarchy: &Hierarchy,
    histories: &[Option<Vec<f64>>],
    request: &Request,
    options: &Options,
    expected_seasons: &[usize],
    method: Method,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Vec<Reconciled>>, Error> {
    request.check()?;
    if method == Method::TopDown && hierarchy.root().is_none() {
        return Err(HierarchyError::Crossed.into());
    }
    let names = hierarchy.names();
    let mut all: Vec<Option<Vec<f64>>> = histories.to_vec();
    all.resize(names.len(), None);
    let mut base: Vec<Option<Base>> = Vec::with_capacity(names.len());
    for (name, history) in names.iter().zip(&all) {
        let made = |history: &Vec<f64>| {
            Base::new(history, request, options, expected_seasons, poll).map_err(|error| error.of_node(name))
        };
        base.push(history.as_ref().map(made).transpose()?);
    }
    let mut seasons = Vec::with_capacity(hierarchy.leaves().len());
    for leaf in hierarchy.leaves() {
        let Some(made) = &base[*leaf] else {
            return Err(HierarchyError::NoSeries {
                name: names[*leaf].clone(),
                what: "series",
            }
            .into());
        };
        seasons.push(made.season);
    }
    for node in 0..names.len() {
        if base[node].is_none() {
            let history = sum_of_leaves(hierarchy, node, &all, &seasons);
            let made = Base::new(&history, request, options, expected_seasons, poll);
            base[node] = Some(made.map_err(|error| error.of_node(&names[node]))?);
            all[node] = Some(history);
        }
    }
    let base: Vec<Base> = base.into_iter().flatten().collect();
    let values = |step: usize| -> Vec<f64> { base.iter().map(|base| base.points[step].value).collect() };
    let mut nodes: Vec<Vec<Reconciled>> = vec![Vec::new(); names.len()];
    let mut push = |step: usize, reconciled: Vec<f64>, reach: &dyn Fn(usize) -> f64| {
        for (node, (value, base)) in reconciled.into_iter().zip(&base).enumerate() {
            let reach = reach(node);
            let (lower, upper) = (value - reach, value + reach);
            nodes[node].push(Reconciled {
                point: Point { value, lower, upper },
                base: base.points[step].value,
            });
        }
    };
    let steps = base.first().map_or(0, |base| base.points.len());
    if method == Method::TopDown {
        let root = hierarchy.root().unwrap_or_default();
        for step in 0..steps {
            let reconciled = top_down(hierarchy, &values(step)).unwrap_or_default();
            let (whole, reach) = (reconciled[root], base[root].reach(step));
            let shares: Vec<f64> = reconciled.iter().map(|value| (value / whole).abs()).collect();
            push(step, reconciled, &|node| {
                if whole == 0.0 { reach } else { shares[node] * reach }
            });
        }
        return checked(nodes, histories);
    }
    let errors = errors_of(&all, &base, request, &options.seasons, poll)?;
    let truth = Covariance::shrunk(
        &errors,
        &base.iter().map(|base| base.reach(0)).collect::<Vec<f64>>(),
    );
    let weight = weight_of(method, hierarchy, &truth);
    let has_base: Vec<bool> = vec![method != Method::BottomUp; names.len()];
    let projection = Projection::new(hierarchy, &weight, &has_base, poll)?;
    let ratios = match method {
        Method::BottomUp => sum_ratios(hierarchy, &truth),
        _ => projection.variance_ratios(&truth, poll)?,
    };
    for step in 0..steps {
        crate::model::unless_canceled(poll)?;
        let reconciled = hierarchy.sums(&projection.leaves(&values(step)));
        push(step, reconciled, &|node| {
            ratios[node].sqrt() * base[node].reach(step)
        });
    }
    checked(nodes, histories)
}

/// The forecast of a node by itself.
struct Base {
    points: Vec<Point>,
    season: usize,
}

impl Base {
    fn new(
        history: &[f64],
        request: &Request,
        options: &Options,
        expected_seasons: &[usize],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let options = Options {
            levels: vec![request.level],
            ..options.clone()
        };
        let Fan {
            values,
            bands,
            season,
            ..
        } = fan(history, request, &options, expected_seasons, poll)?;
        let ends = bands.into_iter().flat_map(|band| band.ends);
        let points = values.into_iter().zip(ends);
        Ok(Self {
            points: points
                .map(|(value, (lower, upper))| Point { value, lower, upper })
                .collect(),
            season,
        })
    }

    /// Half the width of the band.
    fn reach(&self, step: usize) -> f64 {
        self.points.get(step).map_or(0.0, |p| (p.upper - p.lower) / 2.0)
    }
}

/// The sum of the leaves of a node at each step. From where a leaf has no value any more, neither has the sum.
fn sum_of_leaves(
    hierarchy: &Hierarchy,
    node: usize,
    histories: &[Option<Vec<f64>>],
    seasons: &[usize],
) -> Vec<f64> {
    let parts = || hierarchy.parts(node).iter();
    let of = |part: &usize| {
        histories[hierarchy.leaves()[*part]]
            .as_deref()
            .unwrap_or_default()
    };
    let length = parts().map(|part| of(part).len()).max().unwrap_or(0);
    let mut sum = vec![0.0; length];
    let mut begins = length;
    for part in parts() {
        let history = of(part);
        let (Some(first), Some(last)) = (
            history.iter().position(|v| v.is_finite()),
            history.iter().rposition(|v| v.is_finite()),
        ) else {
            continue;
        };
        let offset = length - history.len();
        begins = begins.min(offset + first);
        let filled = gaps::fill(&history[first..=last], seasons[*part]);
        for (into, value) in sum[offset + first..].iter_mut().zip(filled) {
            *into += value;
        }
        sum[offset + last + 1..].fill(f64::NAN);
    }
    sum.split_off(begins)
}

/// For each node the errors of forecasts of one step, the last at the end of all, in rows of the same length.
fn errors_of(
    histories: &[Option<Vec<f64>>],
    base: &[Base],
    request: &Request,
    asked: &[i64],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut several: Vec<usize> = asked.iter().filter_map(|m| usize::try_from(*m).ok()).collect();
    several.sort_unstable();
    several.dedup();
    let mut rows = Vec::with_capacity(base.len());
    for (history, base) in histories.iter().zip(base) {
        let history = history.as_deref().unwrap_or_default();
        let seasons = match several.len() {
            0 | 1 => &[base.season][..],
            _ => &several,
        };
        rows.push(past_errors(history, request.model, seasons, poll)?);
    }
    let known = |row: &Vec<f64>| {
        row.iter()
            .position(|e| e.is_finite())
            .map_or(0, |first| row.len() - first)
    };
    let length = rows.iter().map(known).max().unwrap_or(0);
    for row in &mut rows {
        let missing = length.saturating_sub(row.len());
        row.splice(..row.len().saturating_sub(length), vec![f64::NAN; missing]);
    }
    Ok(rows)
}

/// The matrix `W` of a method.
fn weight_of(method: Method, hierarchy: &Hierarchy, truth: &Covariance) -> Covariance {
    let nodes = 0..hierarchy.names().len();
    match method {
        Method::MintShrink => truth.clone(),
        Method::WlsVar => Covariance::diagonal(&nodes.map(|node| truth.variance(node)).collect::<Vec<f64>>()),
        Method::WlsStruct => {
            let leaves = nodes.map(|node| hierarchy.parts(node).len() as f64);
            Covariance::diagonal(&leaves.collect::<Vec<f64>>())
        }
        Method::Ols | Method::BottomUp | Method::TopDown => {
            Covariance::diagonal(&vec![1.0; hierarchy.names().len()])
        }
    }
}

/// For each node the variance of the sum of its leaves' errors over that of its own.
fn sum_ratios(hierarchy: &Hierarchy, truth: &Covariance) -> Vec<f64> {
    let leaves = hierarchy.leaves();
    let of_sum = |node: usize| {
        let mut shared = vec![0.0; truth.shared[node].len()];
        let mut variance = 0.0;
        for part in hierarchy.parts(node) {
            variance += truth.own[leaves[*part]];
            for (into, value) in shared.iter_mut().zip(&truth.shared[leaves[*part]]) {
                *into += value;
            }
        }
        variance + shared.iter().map(|x| x * x).sum::<f64>()
    };
    (0..hierarchy.names().len())
        .map(|node| of_sum(node) / truth.variance(node))
        .collect()
}

/// Refuses what has left the range of a double.
fn checked(
    nodes: Vec<Vec<Reconciled>>,
    histories: &[Option<Vec<f64>>],
) -> Result<Vec<Vec<Reconciled>>, Error> {
    let finite =
        |r: &Reconciled| r.point.value.is_finite() && r.point.lower.is_finite() && r.point.upper.is_finite();
    if nodes.iter().flatten().all(finite) {
        return Ok(nodes);
    }
    let values = histories.iter().flatten().flatten().filter(|v| v.is_finite());
    Err(Error::Overflow {
        largest: values.fold(0.0, |largest, v| v.abs().max(largest)),
    })
}
