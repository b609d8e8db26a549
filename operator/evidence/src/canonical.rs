//! RFC 8785 canonical JSON: one byte string for one JSON value, so that digests mean the value and not its formatting.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

/// Largest integer that every JSON reader holds exactly (RFC 7493 §2.2): 2^53 - 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// The value cannot be written as JSON at all (a map with keys that are not strings, a failing serializer).
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// RFC 8785 writes numbers as IEEE doubles; this integer would silently become another one.
    #[error("the integer {0} is beyond 2^53-1 and has no exact canonical form")]
    InexactInteger(String),
}

/// The RFC 8785 bytes of `value`. Integers beyond ±(2^53 - 1) are refused instead of rounded.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    refuse_inexact(&value)?;
    Ok(serde_json_canonicalizer::to_vec(&value)?)
}

fn refuse_inexact(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(n) => {
            let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(m) if m > MAX_SAFE => Err(CanonicalError::InexactInteger(n.to_string())),
                _ => Ok(()),
            }
        }
        Value::Array(items) => items.iter().try_for_each(refuse_inexact),
        Value::Object(map) => map.values().try_for_each(refuse_inexact),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}
