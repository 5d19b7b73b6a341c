//! Least squares of values on times, in coordinates relative to the first point of a stretch.

use crate::Error;
use crate::frame::{Reader, Writer};

/// Means and central moments of n points; the count is kept by the owner.
///
/// Times are microseconds since the first point and values are relative to its value, so that neither the calendar nor a
/// large count costs digits. Stretches are joined with the pairwise formulas of Chan, Golub and LeVeque (1979). All
/// that depends on the values is NaN once one of them is not finite.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Line {
    pub mean_x: f64,
    pub mean_y: f64,
    pub sxx: f64,
    pub sxy: f64,
    pub syy: f64,
}

/// Sums of one block, from which its moments are taken: blocks are short, and start at the origin.
#[derive(Default)]
pub(super) struct Sums {
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums {
    #[inline]
    pub fn add(&mut self, x: f64, y: f64) {
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    pub fn line(&self, n: f64) -> Line {
        let (mean_x, mean_y) = (self.x / n, self.y / n);
        Line {
            mean_x,
            mean_y,
            sxx: (self.xx - self.x * mean_x).max(0.0),
            sxy: self.xy - self.x * mean_y,
            // Not max(), which would turn NaN into a number.
            syy: clamp(self.yy - self.y * mean_y),
        }
        .checked()
    }
}

fn clamp(square: f64) -> f64 {
    if square < 0.0 { 0.0 } else { square }
}

impl Line {
    /// Appends `nb` points whose origin is at (x, y) of this one's.
    pub fn join(&mut self, na: f64, other: &Self, nb: f64, (x, y): (f64, f64)) {
        if nb == 0.0 {
            return;
        }
        let n = na + nb;
        let (dx, dy) = (other.mean_x + x - self.mean_x, other.mean_y + y - self.mean_y);
        let weight = na * (nb / n);
        self.sxx += other.sxx + dx * dx * weight;
        self.sxy += other.sxy + dx * dy * weight;
        self.syy += other.syy + dy * dy * weight;
        self.mean_x += dx * (nb / n);
        self.mean_y += dy * (nb / n);
        *self = self.checked();
    }

    /// The n - 1 points that are left of n without the one at the origin.
    pub fn without_origin(&self, n: f64) -> Self {
        if n <= 1.0 {
            return Self::default();
        }
        let growth = n / (n - 1.0);
        Self {
            mean_x: self.mean_x * growth,
            mean_y: self.mean_y * growth,
            sxx: clamp(self.sxx - self.mean_x * self.mean_x * growth),
            sxy: self.sxy - self.mean_x * self.mean_y * growth,
            syy: clamp(self.syy - self.mean_y * self.mean_y * growth),
        }
        .checked()
    }

    /// One mark for all that is not finite, so that it does not depend on the order.
    fn checked(self) -> Self {
        if self.mean_y.is_finite() && self.sxy.is_finite() && self.syy.is_finite() {
            self
        } else {
            Self {
                mean_y: f64::NAN,
                sxy: f64::NAN,
                syy: f64::NAN,
                ..self
            }
        }
    }

    /// Change of value per microsecond; `None` where all points are at one time.
    pub fn slope(&self) -> Option<f64> {
        (self.sxx > 0.0).then(|| self.sxy / self.sxx)
    }

    /// Pearson's correlation; `None` where times or values are constant.
    pub fn corr(&self) -> Option<f64> {
        if self.sxx <= 0.0 || self.syy == 0.0 {
            return None;
        }
        Some((self.sxy / self.sxx.sqrt() / self.syy.sqrt()).clamp(-1.0, 1.0))
    }

    pub fn write(&self, writer: &mut Writer) {
        for value in [self.mean_x, self.mean_y, self.sxx, self.sxy, self.syy] {
            writer.f64(value);
        }
    }

    pub fn read(reader: &mut Reader) -> Result<Self, Error> {
        Ok(Self {
            mean_x: reader.f64()?,
            mean_y: reader.f64()?,
            sxx: reader.f64()?,
            sxy: reader.f64()?,
            syy: reader.f64()?,
        })
    }
}
