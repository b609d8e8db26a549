//! What the placeholders of a request stand for: names of what is attacked, or of its like in the control's namespace.

use std::collections::BTreeMap;

/// Words by placeholder.
pub type Words = BTreeMap<&'static str, String>;

/// A text with its placeholders replaced. Braces that are no placeholder are left alone.
pub fn filled(text: &str, words: &Words) -> String {
    words.iter().fold(text.to_owned(), |text, (name, word)| {
        text.replace(&format!("{{{name}}}"), word)
    })
}

/// Placeholders of a text: lower-case words in braces.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
        word.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_json_is_left_alone() {
        let words: Words = [("ns", "n".to_owned())].into();
        assert_eq!(filled(r#"/{ns}/{"a":{}}"#, &words), r#"/n/{"a":{}}"#);
        let found: Vec<&str> = placeholders(r#"/{ns}/{"a":{}}/{pod}"#).collect();
        assert_eq!(found, ["ns", "pod"]);
    }
}
