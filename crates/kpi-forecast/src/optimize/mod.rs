//! Minimising a function of a few variables: with a gradient ([`gradient`]), without one
//! ([`simplex`]), and a sum of squares ([`squares`]).

pub mod bounds;
pub mod gradient;
pub mod simplex;
pub mod squares;

/// Where a search ended. A function that fails, as one does that was asked to stop, ends it with its error.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The variables.
    pub at: Vec<f64>,
    /// The function there; not finite when it was not finite at the start.
    pub value: f64,
    /// How often the function was asked.
    pub evaluations: usize,
}
