//! The states of a decomposition with a model of the rest: the courses of the seasons stay, the rest goes on.

use super::State;
use super::codec::{Stored, read_numbers, write_numbers};
use crate::Error;
use crate::model::Observe;
use crate::mstl::Fitted;
use kpi_stats::frame::{Reader, Writer};

impl Observe for Fitted {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let season: f64 = self.courses.iter().filter_map(|course| course.first()).sum();
        self.rest.observe(value - season)?;
        self.courses.iter_mut().for_each(|course| course.rotate_left(1));
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.rest.skip()?;
        self.courses.iter_mut().for_each(|course| course.rotate_left(1));
        Ok(())
    }
}

impl Stored for Fitted {
    fn write(&self, writer: &mut Writer) {
        self.rest.write(writer);
        writer.varint(self.courses.len() as u64);
        self.courses
            .iter()
            .for_each(|course| write_numbers(writer, course));
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        let rest = State::read(reader, depth + 1)?;
        let count = reader.items(9, 16)?;
        let courses = (0..count)
            .map(|_| read_numbers(reader, 1))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rest,
            courses,
            adjusted: Vec::new(),
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        if self.adjusted.len() != history.len() {
            return vec![f64::NAN; history.len()];
        }
        let rest = self.rest.fitted(&self.adjusted);
        let seasons = history.iter().zip(&self.adjusted).map(|(y, rest)| y - rest);
        rest.iter()
            .zip(seasons)
            .map(|(rest, season)| rest + season)
            .collect()
    }

    fn family(&self) -> &'static str {
        "mstl"
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        let courses = self.courses.iter();
        courses.map(|course| ("season", course.clone())).collect()
    }
}
