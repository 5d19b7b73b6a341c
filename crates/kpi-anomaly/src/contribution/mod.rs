//! Which parts a change is made of, adding up exactly.

mod change;
mod settle;

pub use change::{Change, ChangeError, Effect, Rank, Side, difference, ratio};
pub use settle::settle;

#[cfg(test)]
mod tests;
