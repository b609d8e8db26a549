//! Names in addresses and forms, as the API's own rule has them (`sde_crds::schema::name`).

use crate::error::PageError;

/// Whether a text is a DNS label of at most 40 characters: a project, a request, a folder.
pub fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=40).contains(&bytes.len())
        && bytes.first().is_some_and(|b| plain(*b))
        && bytes.last().is_some_and(|b| plain(*b))
        && bytes.iter().all(|b| plain(*b) || *b == b'-')
}

/// Whether it may name a project or a request, which begin with a letter.
pub fn is_name(text: &str) -> bool {
    is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Takes names from an address.
///
/// # Errors
/// [`PageError::NoPage`]: what no object can be called is asked of nobody.
pub fn checked(names: &[&str]) -> Result<(), PageError> {
    if names.iter().all(|name| is_name(name)) {
        Ok(())
    } else {
        Err(PageError::NoPage)
    }
}

/// Whether a text is what the API takes as words (`sde_crds::schema::words`), and if not, why.
///
/// # Errors
/// A sentence for the person.
pub fn words(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("say something here");
    }
    if text.chars().count() > 160 {
        return Err("use at most 160 characters");
    }
    if text.chars().any(char::is_control) {
        return Err("write it on one line");
    }
    if text.split(' ').any(str::is_empty) {
        return Err("use single spaces between words");
    }
    if text.split(' ').any(|word| word.chars().count() > 32) {
        return Err("use words of at most 32 characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_object_can_be_called_is_asked_of_nobody() {
        for good in ["prj-4f2c", "a", &"a".repeat(40)] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "A",
            "4f",
            "a-",
            "-a",
            "a.b",
            "a/b",
            "../x",
            "a%2f",
            &"a".repeat(41),
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_label("2026-tables"));
    }

    #[test]
    fn words_are_what_the_api_takes() {
        assert!(words("Tables for the article").is_ok());
        for bad in ["", "a  b", " a", "a\nb", &"x".repeat(33), &"a ".repeat(81)] {
            assert!(words(bad).is_err(), "{bad:?}");
        }
    }
}
