//! The different states of an aggregate, numbered in the order in which they came.

use std::collections::HashMap;

use crate::Error;
use crate::frame::{Reader, Writer};

/// Most different states of one aggregate.
pub(super) const MOST_STATES: usize = 1 << 16;

/// A state: a text (also the label of an enum) or an integer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateValue {
    /// A `bigint`.
    Integer(i64),
    /// A `text`.
    Text(String),
}

/// Numbers for states.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    states: Vec<StateValue>,
    integers: HashMap<i64, u32>,
    texts: HashMap<String, u32>,
    /// The number that was asked for last: states last.
    latest: u32,
}

impl Dictionary {
    pub fn len(&self) -> usize {
        self.states.len()
    }

    pub fn states(&self) -> &[StateValue] {
        &self.states
    }

    pub fn get(&self, number: u32) -> Option<&StateValue> {
        self.states.get(number as usize)
    }

    pub fn number_of(&self, state: &StateValue) -> Option<u32> {
        match state {
            StateValue::Integer(integer) => self.integers.get(integer).copied(),
            StateValue::Text(text) => self.texts.get(text).copied(),
        }
    }

    /// The number of a text, which is new where it was not there.
    #[inline]
    pub fn text(&mut self, text: &str) -> Result<u32, Error> {
        match self.states.get(self.latest as usize) {
            Some(StateValue::Text(latest)) if latest == text => Ok(self.latest),
            _ => self.find_text(text),
        }
    }

    fn find_text(&mut self, text: &str) -> Result<u32, Error> {
        let number = match self.texts.get(text) {
            Some(number) => *number,
            None => self.insert_checked(StateValue::Text(text.to_owned()))?,
        };
        self.latest = number;
        Ok(number)
    }

    /// The number of an integer, which is new where it was not there.
    #[inline]
    pub fn integer(&mut self, integer: i64) -> Result<u32, Error> {
        match self.states.get(self.latest as usize) {
            Some(StateValue::Integer(latest)) if *latest == integer => Ok(self.latest),
            _ => self.find_integer(integer),
        }
    }

    fn find_integer(&mut self, integer: i64) -> Result<u32, Error> {
        let number = match self.integers.get(&integer) {
            Some(number) => *number,
            None => self.insert_checked(StateValue::Integer(integer))?,
        };
        self.latest = number;
        Ok(number)
    }

    fn insert_checked(&mut self, state: StateValue) -> Result<u32, Error> {
        if self.len() >= MOST_STATES {
            return Err(Error::TooManyStates(MOST_STATES));
        }
        Ok(self.insert(state))
    }

    /// The number of a state, without a limit: what is merged was within it.
    pub fn insert(&mut self, state: StateValue) -> u32 {
        if let Some(number) = self.number_of(&state) {
            return number;
        }
        let number = self.states.len() as u32;
        match &state {
            StateValue::Integer(integer) => self.integers.insert(*integer, number),
            StateValue::Text(text) => self.texts.insert(text.clone(), number),
        };
        self.states.push(state);
        number
    }

    pub fn write(&self, writer: &mut Writer) {
        writer.varint(self.len() as u64);
        for state in &self.states {
            match state {
                StateValue::Integer(integer) => {
                    writer.u8(0);
                    writer.i64(*integer);
                }
                StateValue::Text(text) => {
                    writer.u8(1);
                    writer.varint(text.len() as u64);
                    writer.raw(text.as_bytes());
                }
            }
        }
    }

    pub fn read(reader: &mut Reader) -> Result<Self, Error> {
        let mut dictionary = Self::default();
        let count = reader.varint()?;
        for number in 0..count {
            let state = match reader.u8()? {
                0 => StateValue::Integer(reader.i64()?),
                1 => {
                    let length = reader.varint()?;
                    let text = std::str::from_utf8(reader.take(length)?)
                        .map_err(|_| reader.corrupt("A state in them is not UTF-8.".into()))?;
                    StateValue::Text(text.to_owned())
                }
                form => return Err(reader.corrupt(format!("They have a state of the unknown form {form}."))),
            };
            if u64::from(dictionary.insert(state)) != number || number > u64::from(u32::MAX) {
                return Err(reader.corrupt("They name a state twice.".into()));
            }
        }
        Ok(dictionary)
    }
}
