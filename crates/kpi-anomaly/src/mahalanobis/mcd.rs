//! The half of the rows that lies closest together: FastMCD.

use super::matrix::{Root, Symmetric};
use crate::FeatureError;
use crate::robust::median;
use kpi_forecast::random::Random;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// From so many rows on, the search starts in parts of them.
const NESTED: usize = 600;
const PART: usize = 300;
const PARTS: usize = 5;
/// Random starts, in all.
const STARTS: usize = 500;
/// The best of them go on.
const KEPT: usize = 10;
/// Steps before the best are chosen.
const FIRST_STEPS: usize = 2;
/// A bound on the steps to the end; it takes a handful.
const MOST_STEPS: usize = 100;
/// Share of normal rows that are within the distance up to which rows count in the end.
const WITHIN: f64 = 0.975;
/// Less of a feature's variance of its own than this is rounding.
pub(super) const DEPENDENT: f64 = 1e-10;

/// Rows of `width` values, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub values: &'a [f64],
    pub width: usize,
}

impl<'a> Rows<'a> {
    pub fn count(&self) -> usize {
        self.values.len() / self.width
    }

    fn row(&self, at: usize) -> &'a [f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    fn moments(&self, chosen: &[usize]) -> (Vec<f64>, Symmetric) {
        Symmetric::moments(self.width, chosen.iter().map(|at| self.row(*at)))
    }

    /// The squared distance of every row.
    fn distances(&self, at: &Shape) -> Vec<f64> {
        let mut off = vec![0.0; self.width];
        let squared = |row: &[f64]| {
            for (off, (value, centre)) in off.iter_mut().zip(row.iter().zip(&at.centre)) {
                *off = value - centre;
            }
            at.root.forward(&mut off);
            off.iter().map(|part| part * part).sum()
        };
        self.values.chunks_exact(self.width).map(squared).collect()
    }
}

/// A centre and the root of a covariance.
#[derive(Clone)]
struct Shape {
    centre: Vec<f64>,
    root: Root,
}

impl Shape {
    fn of(rows: &Rows, chosen: &[usize]) -> Result<Self, FeatureError> {
        let (centre, covariance) = rows.moments(chosen);
        let root = covariance
            .root(DEPENDENT)
            .map_err(|row| FeatureError::Dependent { feature: row + 1 })?;
        Ok(Self { centre, root })
    }

    /// A C-step: the shape of the `half` rows that are nearest to this one. Its determinant is never greater.
    fn step(&self, rows: &Rows, half: usize) -> Result<Self, FeatureError> {
        let distances = rows.distances(self);
        let mut order: Vec<usize> = (0..rows.count()).collect();
        order.select_nth_unstable_by(half - 1, |a, b| distances[*a].total_cmp(&distances[*b]));
        order.truncate(half);
        // Sums in the order of the rows: the same rows make the same bits.
        order.sort_unstable();
        Self::of(rows, &order)
    }
}

/// Location and scatter of the rows, none of whose values is missing: of the half with the smallest determinant of its
/// covariance, then of all rows that are within reach of that (Rousseeuw & Van Driessen 1999, *A Fast Algorithm for the
/// Minimum Covariance Determinant Estimator*), made consistent for normal rows. Returns also how many rows these were.
pub(super) fn search(
    rows: Rows,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Symmetric, usize), FeatureError> {
    let (count, width) = (rows.count(), rows.width);
    let half = half_of(count, width);
    let best = best(rows, poll)?;
    let mut distances = rows.distances(&best);
    // The median of all rows, not of that half, is that of a chi-squared.
    let chi = chi_squared(width)?;
    let middle = median(&mut distances.clone()).unwrap_or(0.0);
    let factor = middle / chi.inverse_cdf(0.5);
    let reach = chi.inverse_cdf(WITHIN);
    distances.iter_mut().for_each(|squared| *squared /= factor);
    let mut within: Vec<usize> = (0..count).filter(|at| distances[*at] <= reach).collect();
    if within.len() < half {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        within = order.into_iter().take(half).collect();
    }
    let (centre, covariance) = rows.moments(&within);
    // What was cut off makes the rest narrower (Croux & Haesbroeck 1999).
    let kept = chi_squared(width + 2)?.cdf(reach);
    Ok((centre, covariance.scaled(WITHIN / kept), within.len()))
}

/// Rows of which the determinant is to be the least: as many outliers as can be are among the others.
fn half_of(count: usize, width: usize) -> usize {
    (count + width).div_ceil(2).min(count)
}

fn chi_squared(freedom: usize) -> Result<ChiSquared, FeatureError> {
    // The number of features is from 1 on, for which there is one.
    ChiSquared::new(freedom as f64).map_err(|_| FeatureError::Features {
        given: freedom,
        most: super::MOST_FEATURES,
    })
}

fn best(rows: Rows, poll: &mut dyn FnMut() -> bool) -> Result<Shape, FeatureError> {
    let mut random = Random::new(0);
    let count = rows.count();
    let half = half_of(count, rows.width);
    let mut all: Vec<usize> = (0..count).collect();
    // Whatever half is chosen, all rows together must span the space.
    Shape::of(&rows, &all)?;
    if count <= NESTED {
        let kept = starts(rows, STARTS, &mut random, poll)?;
        return finish(rows, half, kept, poll);
    }
    let parts = (count / PART).min(PARTS);
    for place in 0..parts * PART {
        let other = place + ((random.uniform() * (count - place) as f64) as usize).min(count - place - 1);
        all.swap(place, other);
    }
    let merged: Vec<f64> = all
        .iter()
        .take(parts * PART)
        .flat_map(|at| rows.row(*at))
        .copied()
        .collect();
    let mut found = Vec::new();
    for part in merged.chunks(PART * rows.width) {
        let part = Rows {
            values: part,
            width: rows.width,
        };
        found.extend(starts(part, STARTS / parts, &mut random, poll)?);
    }
    let merged = Rows {
        values: &merged,
        width: rows.width,
    };
    let kept = better(merged, found, poll)?;
    let kept = better(rows, kept, poll)?;
    finish(rows, half, kept, poll)
}

/// The best of random starts after a few steps.
fn starts(
    rows: Rows,
    starts: usize,
    random: &mut Random,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Shape>, FeatureError> {
    let count = rows.count();
    let mut order: Vec<usize> = (0..count).collect();
    let mut shapes = Vec::with_capacity(starts);
    for _ in 0..starts {
        if poll() {
            return Err(FeatureError::Canceled);
        }
        // As few rows as span the space: the fewer, the likelier it is that no outlier is among them.
        let mut chosen = 0;
        let mut shape = None;
        while shape.is_none() && chosen < count {
            let wanted = (rows.width + 1).max(chosen + 1).min(count);
            for place in chosen..wanted {
                let other =
                    place + ((random.uniform() * (count - place) as f64) as usize).min(count - place - 1);
                order.swap(place, other);
            }
            chosen = wanted;
            shape = Shape::of(&rows, &order[..chosen]).ok();
        }
        shapes.extend(shape);
    }
    better(rows, shapes, poll)
}

/// The [`KEPT`] shapes of the smallest determinants after a few steps.
fn better(
    rows: Rows,
    shapes: Vec<Shape>,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Shape>, FeatureError> {
    let half = half_of(rows.count(), rows.width);
    let mut stepped: Vec<(f64, Shape)> = Vec::with_capacity(shapes.len());
    for mut shape in shapes {
        if poll() {
            return Err(FeatureError::Canceled);
        }
        for _ in 0..FIRST_STEPS {
            match shape.step(&rows, half) {
                Ok(next) => shape = next,
                Err(_) => break,
            }
        }
        stepped.push((shape.root.log(), shape));
    }
    stepped.sort_by(|a, b| a.0.total_cmp(&b.0));
    stepped.truncate(KEPT);
    Ok(stepped.into_iter().map(|(_, shape)| shape).collect())
}

/// The best after as many steps as it takes.
fn finish(
    rows: Rows,
    half: usize,
    shapes: Vec<Shape>,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Shape, FeatureError> {
    let mut best: Option<(f64, Shape)> = None;
    for mut shape in shapes {
        let mut log = f64::INFINITY;
        for _ in 0..MOST_STEPS {
            if poll() {
                return Err(FeatureError::Canceled);
            }
            shape = shape.step(&rows, half)?;
            let next = shape.root.log();
            if next >= log {
                break;
            }
            log = next;
        }
        if best.as_ref().is_none_or(|(least, _)| log < *least) {
            best = Some((log, shape));
        }
    }
    best.map(|(_, shape)| shape)
        .ok_or(FeatureError::Dependent { feature: 1 })
}

/// Half the logarithm of the determinant that the search ends at.
#[cfg(test)]
pub(super) fn least_determinant(rows: Rows) -> f64 {
    best(rows, &mut || false).map_or(f64::NAN, |shape| shape.root.log())
}
