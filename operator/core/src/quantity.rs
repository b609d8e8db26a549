//! Kubernetes quantities as exact thousandths, to compare, share and add them.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use thiserror::Error;

/// A quantity that does not follow the Kubernetes grammar.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a quantity: write 500m, 8 or 32Gi")]
pub struct QuantityError(String);

const SUFFIXES: [(&str, i128); 12] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

/// Thousandths of the unit, rounded up.
///
/// # Errors
/// When the text is not a non-negative quantity of the grammar the CRDs accept.
pub fn milli(quantity: &Quantity) -> Result<i128, QuantityError> {
    let text = quantity.0.as_str();
    let fail = || QuantityError(text.to_owned());
    let (number, factor) = if let Some(number) = text.strip_suffix('m') {
        (number, 1)
    } else if let Some((suffix, factor)) = SUFFIXES.iter().find(|(s, _)| text.ends_with(s)) {
        (&text[..text.len() - suffix.len()], factor * 1000)
    } else {
        (text, 1000)
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty()
        || fraction.len() > 9
        || !whole
            .chars()
            .chain(fraction.chars())
            .all(|c| c.is_ascii_digit())
    {
        return Err(fail());
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).map_err(|_| fail())?);
    let digits: i128 = format!("{whole}{fraction}").parse().map_err(|_| fail())?;
    let scaled = digits.checked_mul(factor).ok_or_else(fail)?;
    Ok(scaled / scale + i128::from(scaled % scale != 0))
}

/// The canonical quantity of so many thousandths.
pub fn from_milli(milli: i128) -> Quantity {
    if milli % 1000 == 0 {
        Quantity((milli / 1000).to_string())
    } else {
        Quantity(format!("{milli}m"))
    }
}

/// The canonical quantity of a share, rounded down to whole units.
pub fn share(quantity: &Quantity, parts: i64) -> Result<Quantity, QuantityError> {
    Ok(Quantity(
        (milli(quantity)? / 1000 / i128::from(parts.max(1))).to_string(),
    ))
}

/// The canonical quantity of a share, to a thousandth (CPU).
pub fn share_milli(quantity: &Quantity, parts: i64) -> Result<Quantity, QuantityError> {
    Ok(from_milli(milli(quantity)? / i128::from(parts.max(1))))
}

/// The smaller of two.
pub fn min(a: &Quantity, b: &Quantity) -> Quantity {
    match (milli(a), milli(b)) {
        (Ok(x), Ok(y)) if y < x => b.clone(),
        _ => a.clone(),
    }
}

/// The larger of two.
pub fn max(a: &Quantity, b: &Quantity) -> Quantity {
    match (milli(a), milli(b)) {
        (Ok(x), Ok(y)) if y > x => b.clone(),
        _ => a.clone(),
    }
}

/// The sum, canonical.
///
/// # Errors
/// When either does not parse.
pub fn add(a: &Quantity, b: &Quantity) -> Result<Quantity, QuantityError> {
    let sum = milli(a)?
        .checked_add(milli(b)?)
        .ok_or_else(|| QuantityError(format!("{} + {}", a.0, b.0)))?;
    Ok(from_milli(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn q(text: &str) -> Quantity {
        Quantity(text.to_owned())
    }

    #[test]
    fn grammar() {
        for (text, expected) in [
            ("8", 8000),
            ("500m", 500),
            ("1.5", 1500),
            ("32Gi", 32 * 1024 * 1024 * 1024 * 1000),
            ("2k", 2_000_000),
            ("0", 0),
        ] {
            assert_eq!(milli(&q(text)), Ok(expected), "{text}");
        }
        for text in ["", "-1", "1e3", "Gi", "1.5.2", "1 Gi", "１"] {
            assert!(milli(&q(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_form_keeps_the_value(n in 0i128..1_000_000_000_000) {
            prop_assert_eq!(milli(&from_milli(n)), Ok(n));
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text in "\\PC*") {
            let _ = milli(&Quantity(text));
        }
    }
}
