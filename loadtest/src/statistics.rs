//! What many values come to.

use rand::RngExt;

use crate::random::{Stream, random};

/// Draws with replacement that an interval is made of.
const DRAWS: usize = 2_000;

/// Of an even number, what is between the two in the middle.
///
/// # Panics
/// If there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let lower = if values.len().is_multiple_of(2) { upper - 1 } else { upper };
    f64::midpoint(values[lower], values[upper])
}

/// The 95 % interval of what is said of many independent things, by a bootstrap over them: the same for the same seed.
/// None if there are too few, or nothing is said of most of the draws.
pub fn interval<T: Clone>(things: &[T], seed: u64, said: impl Fn(&[T]) -> Option<f64>) -> Option<[f64; 2]> {
    const LEAST: usize = 3;
    if things.len() < LEAST {
        return None;
    }
    let mut random = random(seed, Stream::Trials);
    let mut draw =
        || (0..things.len()).map(|_| things[random.random_range(0..things.len())].clone()).collect::<Vec<_>>();
    let mut values: Vec<f64> = (0..DRAWS).filter_map(|_| said(&draw())).collect();
    if values.len() < DRAWS / 2 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

/// The 95 % interval of a share, by Wilson: it holds for few cases too.
pub fn share_interval(cases: u64, of: u64) -> Option<[f64; 2]> {
    const Z: f64 = 1.96;
    if of == 0 {
        return None;
    }
    let (count, share) = (of as f64, cases as f64 / of as f64);
    let (middle, scale) = (share + Z * Z / (2.0 * count), 1.0 + Z * Z / count);
    let half = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    Some([(middle - half) / scale, (middle + half) / scale])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_or_between_the_two_there() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
        assert_eq!(median(vec![5.0]), 5.0);
    }

    #[test]
    fn an_interval_holds_the_median_and_is_the_same_for_the_same_seed() {
        let values: Vec<f64> = (1..=21).map(f64::from).collect();
        let of = |seed| interval(&values, seed, |drawn| Some(median(drawn.to_vec()))).unwrap();
        assert_eq!(of(1), of(1));
        let [low, high] = of(1);
        assert!(low < 11.0 && 11.0 < high && low >= 1.0 && high <= 21.0, "{low} {high}");
        assert_eq!(interval(&values[..2], 1, |drawn| Some(drawn[0])), None);
        assert_eq!(interval(&values, 1, |_| None), None);
    }

    #[test]
    fn a_share_of_few_is_not_certain() {
        let [low, high] = share_interval(0, 10).unwrap();
        assert!(low.abs() < 1e-9 && (0.27..0.29).contains(&high), "{low} {high}");
        assert_eq!(share_interval(0, 0), None);
    }
}
