//! The states of complex exponential smoothing through a history.

/// Which seasonal part there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// None.
    None,
    /// The level itself is one of each place in the season.
    Simple,
    /// A real seasonal state beside the level.
    Partial,
    /// A complex seasonal state beside the level.
    Full,
}

impl Season {
    /// State components: real and imaginary level, and season.
    pub fn components(self) -> usize {
        match self {
            Self::None | Self::Simple => 2,
            Self::Partial => 3,
            Self::Full => 4,
        }
    }

    /// Smoothing parameters.
    pub fn weights(self) -> usize {
        self.components()
    }
}

/// Real and imaginary smoothing parameters: of the level, then of the season.
pub type Weights = [f64; 4];

/// One row of states: level, its potential, season, its potential.
pub type Row = [f64; 4];

/// The rows of states: `lag` first ones, then one per value, then `lag` of what comes.
#[derive(Debug, Clone, Default)]
pub struct States {
    rows: Vec<Row>,
    reversed: Vec<f64>,
}

/// Rows back at which the level is found.
fn level_lag(season: Season, lag: usize) -> usize {
    if season == Season::Simple { lag } else { 1 }
}

/// The forecast of row `i`, and the row that follows an error.
#[inline(always)]
fn mean(season: Season, level: &Row, place: &Row) -> f64 {
    match season {
        Season::None | Season::Simple => level[0],
        Season::Partial | Season::Full => level[0] + place[2],
    }
}

#[inline(always)]
fn update(season: Season, w: &Weights, level: &Row, place: &Row, error: f64) -> Row {
    let [a0, a1, b0, b1] = *w;
    let mut row = [
        level[0] - (1.0 - a1) * level[1] + (a0 - a1) * error,
        level[0] + (1.0 - a0) * level[1] + (a0 + a1) * error,
        0.0,
        0.0,
    ];
    match season {
        Season::None | Season::Simple => {}
        Season::Partial => row[2] = place[2] + b0 * error,
        Season::Full => {
            row[2] = place[2] - (1.0 - b1) * place[3] + (b0 - b1) * error;
            row[3] = place[2] + (1.0 - b0) * place[3] + (b0 + b1) * error;
        }
    }
    row
}

impl States {
    /// Runs the recursion forwards, backwards from where that ends, and forwards again from where that ends, so that the
    /// first states come from the values (backcasting). Returns the sum of squared errors of the last run.
    pub fn backcast(&mut self, season: Season, w: &Weights, values: &[f64], first: &[Row]) -> f64 {
        let (n, lag) = (values.len(), first.len());
        if self.reversed.len() != n {
            self.reversed = values.iter().rev().copied().collect();
        }
        self.rows.resize(n + 2 * lag, Row::default());
        self.rows[..lag].copy_from_slice(first);
        self.pass(season, w, values, lag);
        self.rows.reverse();
        let reversed = std::mem::take(&mut self.reversed);
        self.pass(season, w, &reversed, lag);
        self.reversed = reversed;
        self.rows.reverse();
        self.pass(season, w, values, lag)
    }

    fn pass(&mut self, season: Season, w: &Weights, values: &[f64], lag: usize) -> f64 {
        let back = level_lag(season, lag);
        let mut squares = 0.0;
        for (i, y) in (lag..).zip(values) {
            let (level, place) = (self.rows[i - back], self.rows[i - lag]);
            let error = y - mean(season, &level, &place);
            squares += error * error;
            self.rows[i] = update(season, w, &level, &place, error);
        }
        for i in lag + values.len()..self.rows.len() {
            let (level, place) = (self.rows[i - back], self.rows[i - lag]);
            self.rows[i] = update(season, w, &level, &place, 0.0);
        }
        squares
    }

    /// The `lag` rows before the first value.
    pub fn first(&self, lag: usize) -> Vec<Row> {
        self.rows.get(..lag).map_or(Vec::new(), <[Row]>::to_vec)
    }

    /// The newest `lag` rows of the values.
    pub fn last(&self, lag: usize) -> Vec<Row> {
        let end = self.rows.len().saturating_sub(lag);
        self.rows
            .get(end.saturating_sub(lag)..end)
            .map_or(Vec::new(), <[Row]>::to_vec)
    }
}

/// Carries the newest rows on by a value, and returns what was expected of it.
pub fn observe(season: Season, w: &Weights, rows: &mut [Row], y: f64) -> f64 {
    let lag = rows.len();
    let newest = rows.get(lag.saturating_sub(level_lag(season, lag))).copied();
    let (Some(level), Some(place)) = (newest, rows.first().copied()) else {
        return f64::NAN;
    };
    let expected = mean(season, &level, &place);
    rows.rotate_left(1);
    if let Some(last) = rows.last_mut() {
        *last = update(season, w, &level, &place, y - expected);
    }
    expected
}

/// Point forecasts after the given rows.
pub fn means(season: Season, w: &Weights, last: &[Row], horizon: usize) -> Vec<f64> {
    let lag = last.len();
    let back = level_lag(season, lag);
    let mut rows = last.to_vec();
    (0..horizon)
        .map(|h| {
            let (level, place) = (rows[(h + lag - back) % lag], rows[h % lag]);
            rows[h % lag] = update(season, w, &level, &place, 0.0);
            mean(season, &level, &place)
        })
        .collect()
}

/// How much of an error is in the forecast 1, 2, ... steps later.
pub fn response(season: Season, w: &Weights, lag: usize, steps: usize) -> Vec<f64> {
    let mut rows = vec![Row::default(); lag];
    if let Some(newest) = rows.last_mut() {
        *newest = update(season, w, &Row::default(), &Row::default(), 1.0);
    }
    means(season, w, &rows, steps)
}

/// The first rows and the rows of all values.
#[cfg(test)]
pub fn rows(season: Season, w: &Weights, values: &[f64], first: &[Row]) -> Vec<Row> {
    let mut states = States {
        rows: first.to_vec(),
        reversed: Vec::new(),
    };
    states.rows.resize(first.len() + values.len(), Row::default());
    states.pass(season, w, values, first.len());
    states.rows
}
