//! The order with the least corrected Akaike criterion.

use super::estimate::{Estimate, Order, estimate_with, refined, rough, without};
use super::unit_root::{difference, differences, is_constant};
use crate::Error;
use crate::linear::least_squares;

const MOST: usize = 5;
const MOST_SEASONAL: usize = 2;
/// All four together.
const MOST_TOGETHER: usize = 7;
/// The longest season with coefficients of its own, a year of days: time and memory of the filter grow with the square of
/// its lags. Differences are taken of longer ones too.
const LONGEST_SEASON: usize = 366;
/// Orders that are tried.
const TRIED: usize = 60;

/// The stepwise search of Hyndman & Khandakar (2008, *Journal of Statistical Software* 27(3)): differences by tests, four
/// first orders, then the best one's neighbours until none is better. `None` when not even white noise can be estimated.
pub fn search(
    values: &[f64],
    season: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    search_with(values, &[], season, poll)
}

/// [`search`] for the errors of a regression on columns. The tests are of what least squares leaves; there are fewer differences when
/// a column would vanish in them, such as one that repeats with the season.
pub fn search_with(
    values: &[f64],
    columns: &[Vec<f64>],
    season: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    let (mut seasonal_d, mut d) = differences(&residuals(values, columns), season);
    let mut moved = differences_of(columns, season, seasonal_d, d);
    while d + seasonal_d > 0 && !is_independent(&moved) {
        if seasonal_d > 0 {
            seasonal_d -= 1;
        } else {
            d -= 1;
        }
        moved = differences_of(columns, season, seasonal_d, d);
    }
    let columns = &moved[..];
    let mut with_constant = columns.to_vec();
    with_constant.push(vec![1.0; columns.first().map_or(0, Vec::len)]);
    let differenced = apply(values, season, seasonal_d, d);
    let n = differenced.len();
    let plain = Order {
        p: 0,
        d,
        q: 0,
        seasonal_p: 0,
        seasonal_d,
        seasonal_q: 0,
        season,
        constant: d + seasonal_d < 2 && (columns.is_empty() || is_independent(&with_constant)),
    };
    if is_constant(&differenced) {
        return match estimate_with(plain, &differenced, columns, poll)? {
            None => estimate_with(
                Order {
                    constant: false,
                    ..plain
                },
                &differenced,
                columns,
                poll,
            ),
            found => Ok(found),
        };
    }
    let most = MOST.min(n / 3);
    let most_seasonal = if (2..=LONGEST_SEASON).contains(&season) {
        MOST_SEASONAL.min(n / 3 / season)
    } else {
        0
    };
    let allowed = |o: &Order| {
        o.p <= most
            && o.q <= most
            && o.seasonal_p <= most_seasonal
            && o.seasonal_q <= most_seasonal
            && o.coefficients() <= MOST_TOGETHER
            && (!o.constant || plain.constant)
    };
    let one = usize::from(most_seasonal > 0);
    let mut queue = vec![
        Order {
            p: 2.min(most),
            q: 2.min(most),
            seasonal_p: one,
            seasonal_q: one,
            ..plain
        },
        plain,
        Order {
            p: 1.min(most),
            seasonal_p: one,
            ..plain
        },
        Order {
            q: 1.min(most),
            seasonal_q: one,
            ..plain
        },
        Order {
            constant: false,
            ..plain
        },
    ];
    let mut tried: Vec<Order> = Vec::new();
    let mut best: Option<Estimate> = None;
    loop {
        let mut better = false;
        for order in std::mem::take(&mut queue) {
            if tried.contains(&order) || !allowed(&order) || tried.len() >= TRIED {
                continue;
            }
            let first = tried.len() < 5;
            tried.push(order);
            let Some(found) = rough(order, &differenced, columns, poll)? else {
                continue;
            };
            if best.as_ref().is_none_or(|b| found.aicc < b.aicc) {
                best = Some(found);
                better = true;
                if !first {
                    break;
                }
            }
        }
        match &best {
            Some(best) if better => queue = neighbours(best.order),
            _ => {
                return best
                    .map(|best| refined(best, &differenced, columns, poll))
                    .transpose();
            }
        }
    }
}

/// What a regression on the columns and a constant leaves of the values.
fn residuals(values: &[f64], columns: &[Vec<f64>]) -> Vec<f64> {
    let mut all = columns.to_vec();
    all.push(vec![1.0; values.len()]);
    match least_squares(&all, values) {
        Some((coefficients, _)) if !columns.is_empty() => without(values, columns, &coefficients),
        _ => values.to_vec(),
    }
}

fn differences_of(columns: &[Vec<f64>], season: usize, seasonal_d: usize, d: usize) -> Vec<Vec<f64>> {
    columns
        .iter()
        .map(|column| apply(column, season, seasonal_d, d))
        .collect()
}

/// Whether no column is a combination of others. One that differences have left nothing but rounding of is.
fn is_independent(columns: &[Vec<f64>]) -> bool {
    const VANISHED: f64 = 1e-9;
    let Some(first) = columns.first() else { return true };
    columns
        .iter()
        .all(|column| column.iter().any(|x| x.abs() > VANISHED))
        && least_squares(columns, &vec![0.0; first.len()]).is_some()
}

/// The values after the differences.
pub fn apply(values: &[f64], season: usize, seasonal_d: usize, d: usize) -> Vec<f64> {
    let mut left = values.to_vec();
    for _ in 0..seasonal_d {
        left = difference(&left, season);
    }
    for _ in 0..d {
        left = difference(&left, 1);
    }
    left
}

/// One coefficient more or less in one part, or in both parts of a kind; with and without the constant.
fn neighbours(order: Order) -> Vec<Order> {
    let by = |p: i8, q: i8, sp: i8, sq: i8| -> Option<Order> {
        Some(Order {
            p: order.p.checked_add_signed(p.into())?,
            q: order.q.checked_add_signed(q.into())?,
            seasonal_p: order.seasonal_p.checked_add_signed(sp.into())?,
            seasonal_q: order.seasonal_q.checked_add_signed(sq.into())?,
            ..order
        })
    };
    const MOVES: [(i8, i8); 8] = [
        (-1, 0),
        (0, -1),
        (1, 0),
        (0, 1),
        (-1, -1),
        (-1, 1),
        (1, -1),
        (1, 1),
    ];
    let seasonal = MOVES
        .iter()
        .filter_map(|(a, b)| by(0, 0, *a, *b))
        .filter(|_| order.season > 1);
    let plain = MOVES.iter().filter_map(|(a, b)| by(*a, *b, 0, 0));
    seasonal
        .chain(plain)
        .chain([Order {
            constant: !order.constant,
            ..order
        }])
        .collect()
}
