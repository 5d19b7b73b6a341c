//! Polynomials in the backshift operator.

/// Coefficients of a stationary autoregression from any numbers: their hyperbolic tangents are its partial
/// autocorrelations, which the Durbin-Levinson recursion turns into coefficients (Monahan 1984, *Biometrika* 71:403-404).
///
/// ```
/// use kpi_forecast::arima::polynomial::stationary;
/// let ar = stationary(&[0.5_f64.atanh(), -0.2_f64.atanh()]);
/// assert!((ar[0] - 0.6).abs() < 1e-12 && (ar[1] + 0.2).abs() < 1e-12);
/// ```
pub fn stationary(free: &[f64]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = Vec::with_capacity(free.len());
    for partial in free.iter().map(|u| u.tanh()) {
        let turned: Vec<f64> = coefficients
            .iter()
            .zip(coefficients.iter().rev())
            .map(|(c, mirrored)| c - partial * mirrored)
            .collect();
        coefficients = turned;
        coefficients.push(partial);
    }
    coefficients
}

/// Whether `1 - sum c_i z^i` has no root within `radius`, by the recursion of [`stationary`] backwards (Schur-Cohn).
///
/// ```
/// use kpi_forecast::arima::polynomial::roots_are_beyond;
/// assert!(roots_are_beyond(&[0.9], 1.1) && !roots_are_beyond(&[0.9], 1.12)); // the root is 1 / 0.9
/// ```
pub fn roots_are_beyond(coefficients: &[f64], radius: f64) -> bool {
    let mut power = 1.0;
    let mut left: Vec<f64> = coefficients
        .iter()
        .map(|c| {
            power *= radius;
            c * power
        })
        .collect();
    while let Some(partial) = left.pop() {
        if partial.is_nan() || partial.abs() >= 1.0 {
            return false;
        }
        let divisor = 1.0 - partial * partial;
        left = left
            .iter()
            .zip(left.iter().rev())
            .map(|(c, mirrored)| (c + partial * mirrored) / divisor)
            .collect();
    }
    true
}

/// The coefficients of `(1 + sum a_i B^i) (1 + sum b_i B^(m i))` less its 1.
///
/// ```
/// use kpi_forecast::arima::polynomial::product;
/// assert_eq!(product(&[0.5], &[0.2], 3), [0.5, 0.0, 0.2, 0.1]);
/// ```
pub fn product(plain: &[f64], seasonal: &[f64], m: usize) -> Vec<f64> {
    let mut whole = vec![0.0; plain.len() + m * seasonal.len()];
    whole[..plain.len()].copy_from_slice(plain);
    for (i, s) in seasonal.iter().enumerate() {
        let base = m * (i + 1);
        whole[base - 1] += s;
        for (j, p) in plain.iter().enumerate() {
            whole[base + j] += s * p;
        }
    }
    whole
}

/// The coefficients that are not 0, each with its lag. Of a season's product most are 0.
///
/// ```
/// use kpi_forecast::arima::polynomial::terms;
/// assert_eq!(terms(&[0.5, 0.0, 0.2]), [(1, 0.5), (3, 0.2)]);
/// ```
pub fn terms(coefficients: &[f64]) -> Vec<(usize, f64)> {
    let lags = coefficients.iter().enumerate().map(|(i, c)| (i + 1, *c));
    lags.filter(|(_, c)| *c != 0.0).collect()
}

/// The first `count` weights of the errors in `x_t = sum ar_i x_(t-i) + e_t + sum ma_j e_(t-j)`, that of `e_t` first.
///
/// ```
/// assert_eq!(kpi_forecast::arima::polynomial::weights(&[0.5], &[0.3], 3), [1.0, 0.8, 0.4]);
/// ```
pub fn weights(ar: &[f64], ma: &[f64], count: usize) -> Vec<f64> {
    let ar = terms(ar);
    let mut psi: Vec<f64> = Vec::with_capacity(count);
    for j in 0..count {
        let own = if j == 0 {
            1.0
        } else {
            ma.get(j - 1).copied().unwrap_or(0.0)
        };
        let earlier: f64 = ar
            .iter()
            .take_while(|(lag, _)| *lag <= j)
            .map(|(lag, a)| a * psi[j - lag])
            .sum();
        psi.push(own + earlier);
    }
    psi
}
