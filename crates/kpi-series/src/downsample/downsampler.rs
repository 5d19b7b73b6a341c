//! The state of the aggregates that downsample rows.

use crate::{Builder, Error, Series};

/// Bytes in front of the series: `n`, and the gap, below zero where there is none.
const SETTINGS: usize = 16;

/// A series in the making, and to how much it will be reduced.
///
/// ```
/// use kpi_series::Downsampler;
/// let mut rows = Downsampler::new(2, None)?;
/// for t in [3, 1, 2] {
///     rows.push(t, Some(t as f64))?;
/// }
/// assert_eq!(rows.lttb()?.points().collect::<Vec<_>>(), [(1, Some(1.0)), (3, Some(3.0))]);
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Downsampler {
    builder: Builder,
    n: i64,
    gap: Option<i64>,
}

impl Downsampler {
    /// No rows yet.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] when `n` is less than 2, and [`Error::GapNegative`].
    pub fn new(n: i64, gap: Option<i64>) -> Result<Self, Error> {
        super::resolution(n, i64::from(i32::MAX))?;
        match gap {
            Some(micros @ ..0) => Err(Error::GapNegative { micros }),
            _ => Ok(Self {
                builder: Builder::default(),
                n,
                gap,
            }),
        }
    }

    /// No rows yet, the same settings.
    ///
    /// ```
    /// use kpi_series::Downsampler;
    /// let mut rows = Downsampler::new(2, None)?;
    /// rows.push(1, None)?;
    /// assert!(rows.emptied().lttb()?.is_empty());
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn emptied(&self) -> Self {
        Self {
            builder: Builder::default(),
            ..*self
        }
    }

    /// Checks the settings that came with another row.
    ///
    /// # Errors
    /// [`Error::SettingsDiffer`].
    ///
    /// ```
    /// use kpi_series::Downsampler;
    /// assert!(Downsampler::new(2, None)?.expect(3, None).is_err());
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    #[inline]
    pub fn expect(&self, n: i64, gap: Option<i64>) -> Result<(), Error> {
        if (n, gap) == (self.n, self.gap) {
            return Ok(());
        }
        Err(Error::SettingsDiffer {
            one: (self.n, self.gap),
            other: (n, gap),
        })
    }

    /// Takes one row, as [`Builder::push`].
    ///
    /// # Errors
    /// As [`Builder::push`].
    #[inline]
    pub fn push(&mut self, time: i64, value: Option<f64>) -> Result<(), Error> {
        self.builder.push(time, value)
    }

    /// Takes the rows of another state after its own.
    ///
    /// # Errors
    /// [`Error::SettingsDiffer`], and as [`Builder::merge`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.expect(other.n, other.gap)?;
        self.builder.merge(&other.builder)
    }

    /// [`Series::lttb`] of the rows so far.
    ///
    /// # Errors
    /// As that.
    pub fn lttb(&mut self) -> Result<Series, Error> {
        let n = self.n;
        self.builder.settle()?.lttb(n)
    }

    /// [`Series::gp_lttb`] of the rows so far.
    ///
    /// # Errors
    /// As that.
    pub fn gp_lttb(&mut self) -> Result<Series, Error> {
        let (n, gap) = (self.n, self.gap);
        self.builder.settle()?.gp_lttb(n, gap)
    }

    /// [`Series::asap_smooth`] of the rows so far.
    ///
    /// # Errors
    /// As that.
    pub fn asap_smooth(&mut self) -> Result<Series, Error> {
        let n = self.n;
        self.builder.settle()?.asap_smooth(n)
    }

    /// The state as bytes for another process.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn encode(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.n.to_le_bytes());
        bytes.extend_from_slice(&self.gap.unwrap_or(-1).to_le_bytes());
        bytes.extend_from_slice(&self.builder.settle()?.encode());
        Ok(bytes)
    }

    /// The state that [`Downsampler::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::BadBytes`], and those of [`Downsampler::new`].
    ///
    /// ```
    /// use kpi_series::Downsampler;
    /// let mut rows = Downsampler::new(2, Some(60))?;
    /// rows.push(1, Some(4.5))?;
    /// let mut read = Downsampler::decode(&rows.encode()?)?;
    /// assert_eq!(read.gp_lttb()?, rows.gp_lttb()?);
    /// assert!(Downsampler::decode(&[1, 2, 3]).is_err());
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let Some((settings, series)) = bytes.split_at_checked(SETTINGS) else {
            return Err(Error::BadBytes {
                offset: bytes.len(),
                reason: "the settings are cut off",
            });
        };
        let (n, gap) = settings.split_at(SETTINGS / 2);
        let number = |bytes: &[u8]| {
            let mut copy = [0; SETTINGS / 2];
            copy.copy_from_slice(bytes);
            i64::from_le_bytes(copy)
        };
        let state = Self::new(number(n), Some(number(gap)).filter(|&gap| gap >= 0))?;
        Ok(Self {
            builder: Builder::from(Series::decode(series)?),
            ..state
        })
    }
}
