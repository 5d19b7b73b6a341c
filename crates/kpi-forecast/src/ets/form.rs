//! The forms of exponential smoothing.

use std::fmt;
use std::str::FromStr;

/// How a part is put on the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Not at all.
    None,
    /// Added.
    Additive,
    /// Multiplied.
    Multiplicative,
}

impl Part {
    fn letter(self) -> char {
        match self {
            Self::None => 'N',
            Self::Additive => 'A',
            Self::Multiplicative => 'M',
        }
    }
}

/// One of the 30 forms of exponential smoothing, by the letters of Hyndman, Koehler, Ord & Snyder (2008,
/// *Forecasting with Exponential Smoothing*, table 2.1): error, trend (`d` when damped), season.
///
/// ```
/// use kpi_forecast::ets::Form;
/// let holt_winters: Form = "MAdM".parse().unwrap();
/// assert!(holt_winters.damped);
/// assert_eq!(holt_winters.to_string(), "ETS(M,Ad,M)");
/// assert_eq!(Form::all().len(), 30);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Errors added to the mean, or in proportion to it.
    pub multiplicative_error: bool,
    /// The trend.
    pub trend: Part,
    /// Whether the trend dies away.
    pub damped: bool,
    /// The season.
    pub season: Part,
}

impl Form {
    /// All 30.
    pub fn all() -> Vec<Self> {
        let parts = [Part::None, Part::Additive, Part::Multiplicative];
        let mut forms = Vec::with_capacity(30);
        for multiplicative_error in [false, true] {
            for trend in parts {
                for damped in [true, false] {
                    if damped && trend == Part::None {
                        continue;
                    }
                    forms.extend(parts.map(|season| Self {
                        multiplicative_error,
                        trend,
                        damped,
                        season,
                    }));
                }
            }
        }
        forms
    }

    /// Whether the form has a finite forecast variance and a numerically stable fit: additive errors go with additive
    /// parts only, and a multiplicative trend not with an additive season (same book, sections 4.2.2 and 15.1).
    pub fn is_stable(self) -> bool {
        let multiplicative = self.trend == Part::Multiplicative || self.season == Part::Multiplicative;
        if self.multiplicative_error {
            !(self.trend == Part::Multiplicative && self.season == Part::Additive)
        } else {
            !multiplicative
        }
    }

    /// Whether all values must be above 0.
    pub fn needs_positive(self) -> bool {
        self.multiplicative_error || self.trend == Part::Multiplicative || self.season == Part::Multiplicative
    }

    /// Smoothing parameters: alpha, and beta, gamma and phi where they are.
    pub fn weights(self) -> usize {
        1 + usize::from(self.trend != Part::None)
            + usize::from(self.season != Part::None)
            + usize::from(self.damped)
    }

    /// Parameters that are estimated with a season of `m` steps: the weights, the first states (the seasonal ones but
    /// one, for they are normalised) and the variance.
    pub fn parameters(self, m: usize) -> usize {
        let season = if self.season == Part::None {
            0
        } else {
            m.saturating_sub(1)
        };
        self.weights() + 1 + usize::from(self.trend != Part::None) + season + 1
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = if self.multiplicative_error { 'M' } else { 'A' };
        let damped = if self.damped { "d" } else { "" };
        write!(
            f,
            "ETS({error},{}{damped},{})",
            self.trend.letter(),
            self.season.letter()
        )
    }
}

impl FromStr for Form {
    type Err = UnknownForm;

    fn from_str(name: &str) -> Result<Self, UnknownForm> {
        let letters: String = name.chars().filter(|c| c.is_ascii_alphabetic()).collect();
        Self::all()
            .into_iter()
            .find(|form| {
                let full: String = form
                    .to_string()
                    .chars()
                    .skip(3)
                    .filter(|c| c.is_ascii_alphabetic())
                    .collect();
                letters == full || letters == format!("ETS{full}")
            })
            .ok_or(UnknownForm)
    }
}

/// The letters name none of the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown form of exponential smoothing")]
pub struct UnknownForm;
