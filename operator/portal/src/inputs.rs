//! Fields of forms: each with its label, its hint, what was filled in before and what is wrong with it.

use maud::{Markup, html};

use crate::fields::{Fields, Problem};

/// A form as it was filled in, and what must be put right in it.
#[derive(Clone, Copy)]
pub struct Filled<'a> {
    /// What was filled in.
    pub fields: &'a Fields,
    /// What must be put right.
    pub problems: &'a [Problem],
}

/// How a field is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line.
    Text,
    /// A whole number.
    Number,
    /// A day.
    Date,
}

/// A value of a vocabulary, and how people say it.
pub type Choice = (&'static str, &'static str);

impl Filled<'_> {
    fn wrong(&self, id: &str) -> Option<&str> {
        let found = self
            .problems
            .iter()
            .find(|p| p.field.as_deref() == Some(id));
        found.map(|p| p.text.as_str())
    }

    fn field(&self, id: &str, label: &str, hint: &str, input: Markup) -> Markup {
        let wrong = self.wrong(id);
        html! {
            div class={ "field" @if wrong.is_some() { " wrong" } } {
                label for=(id) { (label) }
                @if !hint.is_empty() { p class="hint" id={ (id) "-hint" } { (hint) } }
                @if let Some(text) = wrong { p class="wrong-text" id={ (id) "-wrong" } { (crate::page::sentence(text)) } }
                (input)
            }
        }
    }

    fn described(&self, id: &str, hint: &str) -> Option<String> {
        let mut by = Vec::new();
        if !hint.is_empty() {
            by.push(format!("{id}-hint"));
        }
        if self.wrong(id).is_some() {
            by.push(format!("{id}-wrong"));
        }
        (!by.is_empty()).then(|| by.join(" "))
    }

    /// One line, a number or a day.
    pub fn line(&self, kind: Kind, id: &str, label: &str, hint: &str) -> Markup {
        let (type_, mode) = match kind {
            Kind::Text => ("text", None),
            Kind::Number => ("number", Some("numeric")),
            Kind::Date => ("date", None),
        };
        let input = html! {
            input type=(type_) id=(id) name=(id) value=(self.fields.get(id)) inputmode=[mode] autocomplete="off"
                aria-describedby=[self.described(id, hint)] aria-invalid=[self.wrong(id).map(|_| "true")];
        };
        self.field(id, label, hint, input)
    }

    /// One of several; nothing is chosen beforehand.
    pub fn choice(&self, id: &str, label: &str, hint: &str, choices: &[Choice]) -> Markup {
        let chosen = self.fields.get(id);
        let input = html! {
            select id=(id) name=(id) aria-describedby=[self.described(id, hint)] aria-invalid=[self.wrong(id).map(|_| "true")] {
                option value="" { "Choose…" }
                @for (value, text) in choices {
                    option value=(value) selected[*value == chosen] { (text) }
                }
            }
        };
        self.field(id, label, hint, input)
    }

    /// A box to tick.
    pub fn tick(&self, id: &str, label: &str) -> Markup {
        let wrong = self.wrong(id);
        html! {
            div class={ "field" @if wrong.is_some() { " wrong" } } {
                @if let Some(text) = wrong { p class="wrong-text" id={ (id) "-wrong" } { (crate::page::sentence(text)) } }
                div class="choice" {
                    input type="checkbox" id=(id) name=(id) value="yes" checked[self.fields.ticked(id)] aria-describedby=[self.described(id, "")];
                    label for=(id) { (label) }
                }
            }
        }
    }
}

/// A value of one of the API's vocabularies.
pub fn value<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}
