//! `candlestick_agg`: the course of a price within a period.

use crate::frame::{Kind, Reader, Writer};
use crate::ordered::check_time;
use crate::summation::CompensatedSum;
use crate::{Error, State};

/// The first, highest, lowest and last price with their times, the volume, and what the volume-weighted price needs.
///
/// It is the same for any order and any split of the prices. Of several prices at the first or the last time the greatest
/// counts; the high and the low have the first time at which they occurred. NaN is greater than any price, as in PostgreSQL.
///
/// ```
/// use kpi_stats::Candlestick;
/// let mut day = Candlestick::default();
/// for (time, price, volume) in [(20, 11.0, 2.0), (10, 10.0, 1.0), (40, 10.5, 1.0), (30, 9.0, 1.0)] {
///     day.add(time, price, Some(volume))?;
/// }
/// assert_eq!(day.open(), Some((10, 10.0)));
/// assert_eq!(day.high(), Some((20, 11.0)));
/// assert_eq!(day.low(), Some((30, 9.0)));
/// assert_eq!(day.close(), Some((40, 10.5)));
/// assert_eq!((day.volume(), day.vwap()), (Some(5.0), Some(51.5 / 5.0)));
/// # Ok::<(), kpi_stats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candlestick {
    prices: Option<Prices>,
    /// `None` as long as no price came with a volume.
    volume: Option<Volume>,
}

type Price = (i64, f64);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Prices {
    open: Price,
    high: Price,
    low: Price,
    close: Price,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Volume {
    total: CompensatedSum,
    /// The sum of price times volume.
    turnover: CompensatedSum,
}

/// Whether a price is greater, NaN being the greatest, and zeros of either sign in the order of their bits.
fn is_greater(price: f64, than: f64) -> bool {
    match (price.is_nan(), than.is_nan()) {
        (true, nan) => !nan,
        (false, true) => false,
        (false, false) => price.total_cmp(&than).is_gt(),
    }
}

impl Candlestick {
    /// Adds a price; without a volume it counts for the prices only.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`].
    #[inline]
    pub fn add(&mut self, time: i64, price: f64, volume: Option<f64>) -> Result<(), Error> {
        check_time(time)?;
        let tick = (time, price);
        match &mut self.prices {
            // Most prices are later than all before and between the low and the high.
            Some(prices) if time > prices.close.0 && price < prices.high.1 && price > prices.low.1 => {
                prices.close = tick;
            }
            _ => self.add_prices(Prices {
                open: tick,
                high: tick,
                low: tick,
                close: tick,
            }),
        }
        if let Some(volume) = volume {
            self.add_volume(price, volume);
        }
        Ok(())
    }

    /// A candlestick of prices that were aggregated elsewhere, all at one time: its volume-weighted price is the typical one,
    /// the mean of high, low and close.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`].
    ///
    /// ```
    /// use kpi_stats::Candlestick;
    /// let day = Candlestick::of(10, 4.0, 9.0, 3.0, 6.0, Some(100.0))?;
    /// assert_eq!(day.high(), Some((10, 9.0)));
    /// assert_eq!(day.vwap(), Some(6.0));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn of(
        time: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: Option<f64>,
    ) -> Result<Self, Error> {
        check_time(time)?;
        let mut candlestick = Self {
            prices: Some(Prices {
                open: (time, open),
                high: (time, high),
                low: (time, low),
                close: (time, close),
            }),
            volume: None,
        };
        if let Some(volume) = volume {
            candlestick.add_volume((high + low + close) / 3.0, volume);
        }
        Ok(candlestick)
    }

    #[inline]
    fn add_volume(&mut self, price: f64, volume: f64) {
        let sums = self.volume.get_or_insert_default();
        sums.total.add_any(volume);
        sums.turnover.add_any(price * volume);
    }

    fn add_prices(&mut self, other: Prices) {
        let Some(prices) = &mut self.prices else {
            self.prices = Some(other);
            return;
        };
        let (open, close) = (other.open, other.close);
        if open.0 < prices.open.0 || (open.0 == prices.open.0 && is_greater(open.1, prices.open.1)) {
            prices.open = open;
        }
        if close.0 > prices.close.0 || (close.0 == prices.close.0 && is_greater(close.1, prices.close.1)) {
            prices.close = close;
        }
        let earlier = |a: Price, b: Price| a.0 < b.0 && !is_greater(a.1, b.1) && !is_greater(b.1, a.1);
        if is_greater(other.high.1, prices.high.1) || earlier(other.high, prices.high) {
            prices.high = other.high;
        }
        if is_greater(prices.low.1, other.low.1) || earlier(other.low, prices.low) {
            prices.low = other.low;
        }
    }

    /// The first price with its time in microseconds since 2000-01-01 UTC.
    pub fn open(&self) -> Option<(i64, f64)> {
        self.prices.map(|prices| prices.open)
    }

    /// The highest price, and when it occurred first.
    pub fn high(&self) -> Option<(i64, f64)> {
        self.prices.map(|prices| prices.high)
    }

    /// The lowest price, and when it occurred first.
    pub fn low(&self) -> Option<(i64, f64)> {
        self.prices.map(|prices| prices.low)
    }

    /// The last price with its time.
    pub fn close(&self) -> Option<(i64, f64)> {
        self.prices.map(|prices| prices.close)
    }

    /// The total volume; `None` where no price had one.
    pub fn volume(&self) -> Option<f64> {
        self.volume.map(|volume| volume.total.total())
    }

    /// The mean price weighted by volume; `None` without any volume.
    pub fn vwap(&self) -> Option<f64> {
        let volume = self.volume?;
        let total = volume.total.total();
        (total != 0.0).then(|| volume.turnover.total() / total)
    }
}

const HAS_PRICES: u8 = 1;
const HAS_VOLUME: u8 = 2;

impl State for Candlestick {
    const TYPE_NAME: &'static str = "kpi.candlestick";

    fn merge(&mut self, other: &Self) {
        if let Some(prices) = other.prices {
            self.add_prices(prices);
        }
        if let Some(theirs) = &other.volume {
            let ours = self.volume.get_or_insert_default();
            ours.total.merge_any(&theirs.total);
            ours.turnover.merge_any(&theirs.turnover);
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Candlestick);
        let prices = self.prices.map_or(0, |_| HAS_PRICES);
        writer.u8(prices | self.volume.map_or(0, |_| HAS_VOLUME));
        if let Some(prices) = &self.prices {
            for (time, price) in [prices.open, prices.high, prices.low, prices.close] {
                writer.i64(time);
                writer.f64(price);
            }
        }
        if let Some(volume) = &self.volume {
            for sum in [&volume.total, &volume.turnover] {
                writer.f64(sum.hi);
                writer.f64(sum.lo);
            }
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Candlestick, bytes)?;
        let marks = reader.u8()?;
        if ![0, HAS_PRICES, HAS_PRICES | HAS_VOLUME].contains(&marks) {
            return Err(reader.corrupt(format!("They have the unknown mark {marks}.")));
        }
        let mut candlestick = Self::default();
        if marks & HAS_PRICES != 0 {
            let mut price = || -> Result<Price, Error> { Ok((reader.i64()?, reader.f64()?)) };
            candlestick.prices = Some(Prices {
                open: price()?,
                high: price()?,
                low: price()?,
                close: price()?,
            });
        }
        if marks & HAS_VOLUME != 0 {
            let mut sum = || -> Result<CompensatedSum, Error> {
                Ok(CompensatedSum {
                    hi: reader.f64()?,
                    lo: reader.f64()?,
                })
            };
            candlestick.volume = Some(Volume {
                total: sum()?,
                turnover: sum()?,
            });
        }
        reader.finish()?;
        Ok(candlestick)
    }
}
