//! How the scale of a model is written and read.

use super::codec::{read_choice, read_numbers, write_numbers};
use crate::bounds::Bounds;
use crate::box_cox::BoxCox;
use crate::prepared::Scale;
use kpi_stats::frame::{Reader, Writer};

impl Scale {
    pub(super) fn write(&self, writer: &mut Writer) {
        let lambda = self.box_cox.map(|scale| scale.lambda());
        for number in [lambda, self.bounds.lower, self.bounds.upper] {
            write_numbers(writer, number.as_slice());
        }
        writer.u8(u8::from(self.bias_adjust));
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, kpi_stats::Error> {
        let mut number = || Ok::<_, kpi_stats::Error>(read_numbers(reader, 0)?.first().copied());
        let (lambda, lower, upper) = (number()?, number()?, number()?);
        let box_cox = lambda.map(BoxCox::new).transpose();
        Ok(Self {
            box_cox: box_cox.map_err(|_| reader.corrupt("They have an exponent that is none.".into()))?,
            bounds: Bounds { lower, upper },
            bias_adjust: read_choice(reader, &[false, true])?,
        })
    }
}
