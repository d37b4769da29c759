use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, expected: Result<u64, AmountError>) {
    assert_eq!(Amount::parse(text).map(Amount::minor_units), expected, "{text}");
}

#[test]
fn exact_amounts_are_read_digit_by_digit() {
    check("100.01", Ok(10_001));
    check("1", Ok(100));
    check("0.01", Ok(1));
    check("1.5", Ok(150));
    check("1.50000", Ok(150));
    check("1e2", Ok(10_000));
    check("1.0001E4", Ok(1_000_100));
    check("12345e-2", Ok(12_345));
    check("9007199254740.99", Ok(900_719_925_474_099));
    check("9999999999999.99", Ok(999_999_999_999_999));
}

#[test]
fn a_double_next_to_an_amount_is_that_amount() {
    check("100.07000000000001", Ok(10_007));
    check("100.06999999999999", Ok(10_007));
    check("0.30000000000000004", Ok(30));
    check("100.0699999999999931787897367030382156372070312500", Ok(10_007));
}

#[test]
fn anything_else_is_refused_with_its_reason() {
    check("100.001", Err(AmountError::TooPrecise));
    check("100.0700000001", Err(AmountError::TooPrecise));
    check("0.001", Err(AmountError::TooPrecise));
    check("1e-400", Err(AmountError::TooPrecise));
    check("1e-99999999999", Err(AmountError::TooPrecise));
    check("0", Err(AmountError::NotPositive));
    check("0.00", Err(AmountError::NotPositive));
    check("-0", Err(AmountError::NotPositive));
    check("-1", Err(AmountError::NotPositive));
    check("0e999999999999", Err(AmountError::NotPositive));
    check("1e400", Err(AmountError::TooLarge));
    check("1e99999999999", Err(AmountError::TooLarge));
    check("9007199254740992", Err(AmountError::TooLarge));
    check("10000000000000", Err(AmountError::TooLarge));
    check("9999999999999.999", Err(AmountError::TooLarge));
    check(&"9".repeat(200), Err(AmountError::TooLarge));
    check(&format!("1.{}", "9".repeat(200)), Err(AmountError::TooPrecise));
    for text in ["", "NaN", "inf", "0x1F", "\"100\"", "1.", ".5", "1e", "+1", "1 ", "1,5", "null"] {
        check(text, Err(AmountError::NotANumber));
    }
}

#[test]
fn it_is_written_with_two_decimals_and_no_float() {
    for (minor_units, text) in [(0, "0.00"), (1, "0.01"), (10_010, "100.10"), (999_999_999_999_999, "9999999999999.99")]
    {
        let amount = Amount::from_minor_units(minor_units).unwrap();
        assert_eq!(serde_json::to_string(&amount).unwrap(), text);
        assert_eq!(serde_json::from_str::<Amount>(text).unwrap(), amount);
    }
}

proptest! {
    #[test]
    fn every_amount_survives_its_text_and_a_clients_double(minor_units in 1..=Amount::MAX.minor_units()) {
        let amount = Amount::from_minor_units(minor_units).unwrap();
        let text = amount.to_string();
        prop_assert_eq!(Amount::parse(&text), Ok(amount));
        // What JavaScript and Python print for the double next to it.
        let double: f64 = text.parse().unwrap();
        prop_assert_eq!(Amount::parse(&format!("{double}")), Ok(amount));
        prop_assert_eq!(Amount::parse(&format!("{}", f64::from_bits(double.to_bits() + 1))), Ok(amount));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-+0-9.eE]{0,40}") {
        let _ = Amount::parse(&text);
    }
}
