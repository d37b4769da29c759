//! The Universal Scalability Law: `X(N) = λN / (1 + σ(N−1) + κN(N−1))`, with σ for what must be done one after another and
//! κ for what must be agreed on. It is a model, and not every system keeps to it: so it comes with its residuals.

/// A fit, and how far it is from what was measured.
#[derive(Clone, Debug)]
pub struct Fit {
    pub lambda: f64,
    pub sigma: f64,
    pub kappa: f64,
    /// Of each point: measured, less what the model says, to what it says.
    pub residuals: Vec<f64>,
}

/// Above it the model is wrong here, and so would be its peak.
pub const RESIDUAL_MAX: f64 = 0.15;

impl Fit {
    /// Of (N, rate) pairs, at least four: by least squares of relative errors. None if they have no such curve.
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < 4 || points.iter().any(|(users, rate)| *users < 1.0 || *rate <= 0.0) {
            return None;
        }
        // N/X = (1 + σ(N−1) + κN(N−1)) / λ is linear in 1/λ, σ/λ and κ/λ.
        let rows = |columns: usize| {
            let row = move |(users, rate): &(f64, f64)| {
                let terms = [1.0, users - 1.0, users * (users - 1.0)];
                (terms[..columns].iter().map(|term| term * rate / users).collect::<Vec<_>>(), 1.0)
            };
            points.iter().map(row).collect::<Vec<_>>()
        };
        let mut found = least_squares(&rows(3), 3)?;
        if found[2] < 0.0 {
            found = least_squares(&rows(2), 2)?;
            found.push(0.0);
        }
        let [inverse, sigma, kappa] = found[..] else { return None };
        if inverse <= 0.0 {
            return None;
        }
        let mut fit =
            Self { lambda: 1.0 / inverse, sigma: sigma / inverse, kappa: kappa / inverse, residuals: Vec::new() };
        fit.residuals = points.iter().map(|(users, rate)| rate / fit.rate(*users) - 1.0).collect();
        Some(fit)
    }

    pub fn rate(&self, users: f64) -> f64 {
        self.lambda * users / (1.0 + self.sigma * (users - 1.0) + self.kappa * users * (users - 1.0))
    }

    pub fn largest_residual(&self) -> f64 {
        self.residuals.iter().map(|residual| residual.abs()).fold(0.0, f64::max)
    }

    /// With how many users the rate is highest: only where the model holds, and has such a place.
    pub fn peak(&self) -> Option<f64> {
        let has_peak = self.largest_residual() <= RESIDUAL_MAX && self.kappa > 0.0 && self.sigma < 1.0;
        has_peak.then(|| ((1.0 - self.sigma) / self.kappa).sqrt())
    }
}

/// The coefficients that bring the sums of each row's terms closest to its value, by the normal equations.
fn least_squares(rows: &[(Vec<f64>, f64)], columns: usize) -> Option<Vec<f64>> {
    let mut matrix = vec![vec![0.0; columns + 1]; columns];
    for (terms, value) in rows {
        for line in 0..columns {
            for column in 0..columns {
                matrix[line][column] += terms[line] * terms[column];
            }
            matrix[line][columns] += terms[line] * value;
        }
    }
    for pivot in 0..columns {
        let largest = (pivot..columns).max_by(|&a, &b| matrix[a][pivot].abs().total_cmp(&matrix[b][pivot].abs()))?;
        matrix.swap(pivot, largest);
        if matrix[pivot][pivot].abs() < f64::MIN_POSITIVE {
            return None;
        }
        let row = matrix[pivot].clone();
        for (_, other) in matrix.iter_mut().enumerate().filter(|(line, _)| *line != pivot) {
            let factor = other[pivot] / row[pivot];
            other.iter_mut().zip(&row).for_each(|(value, of_row)| *value -= factor * of_row);
        }
    }
    Some((0..columns).map(|line| matrix[line][columns] / matrix[line][line]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

    #[test]
    fn what_follows_the_law_gets_its_parameters_and_its_peak_back() {
        let law = Fit { lambda: 1_000.0, sigma: 0.05, kappa: 0.001, residuals: Vec::new() };
        let fit = Fit::of(&USERS.map(|users| (users, law.rate(users)))).unwrap();
        assert!((fit.lambda - 1_000.0).abs() < 0.1 && (fit.sigma - 0.05).abs() < 1e-4, "{fit:?}");
        assert!((fit.peak().unwrap() - (0.95_f64 / 0.001).sqrt()).abs() < 0.1, "{fit:?}");
    }

    #[test]
    fn what_does_not_follow_it_has_residuals_and_no_peak() {
        // Two to four users are more than twice as fast: no such curve is.
        let rates = [13.0, 29.0, 91.0, 110.0, 110.0, 111.0, 106.0, 82.0];
        let fit = Fit::of(&std::array::from_fn::<_, 8, _>(|index| (USERS[index], rates[index]))).unwrap();
        assert!(fit.largest_residual() > RESIDUAL_MAX && fit.peak().is_none(), "{fit:?}");
        assert!(Fit::of(&[(1.0, 1.0); 3]).is_none());
    }
}
