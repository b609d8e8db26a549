//! Tables in JSON: a list of records, a list of lists, or a record of lists.

use serde_json::{Map, Value};

use super::acro::Acro;

/// Bytes of JSON that are parsed. More is looked at as text only, and held for that.
const MAX: usize = 16 << 20;
/// Values of it: in memory each takes many times what it takes in the file.
const VALUES: usize = 1 << 19;

/// JSON under way.
#[derive(Default)]
pub struct Json {
    text: Vec<u8>,
    marks: usize,
    long: bool,
    broken: bool,
    /// ACRO's record, once [`Json::rows`] is through.
    pub acro: Option<Acro>,
}

impl Json {
    /// One line, or a further piece of one: those belong together without a break.
    pub fn push(&mut self, line: &[u8], first: bool) {
        // Each value but the first follows one of these.
        let marks = line.iter().filter(|b| matches!(b, b',' | b'[' | b'{'));
        self.marks += marks.count();
        if self.text.len() + line.len() > MAX || self.marks > VALUES {
            self.long = true;
            self.text = Vec::new();
        }
        if !self.long {
            if first {
                self.text.push(b'\n');
            }
            self.text.extend_from_slice(line);
        }
    }

    /// Why not all of it was seen, once [`Json::rows`] is through.
    pub fn unread(&self) -> Option<&'static str> {
        match (self.long, self.broken) {
            (true, _) => Some("JSON longer than is parsed: its tables were not looked at"),
            (_, true) => {
                Some("JSON that ends early or is wrong: not all of its tables were looked at")
            }
            _ => None,
        }
    }

    /// Gives `each` every row of every table in it, with the names first. One record a line is a list of records.
    pub fn rows(&mut self, mut each: impl FnMut(&[Vec<u8>], u64)) {
        let mut values: Vec<Value> = Vec::new();
        for value in serde_json::Deserializer::from_slice(&self.text).into_iter() {
            match value {
                Ok(value) if values.len() < VALUES => values.push(value),
                _ => {
                    self.broken = true;
                    break;
                }
            }
        }
        self.text = Vec::new();
        let value = match values.pop() {
            Some(only) if values.is_empty() => only,
            Some(last) => {
                values.push(last);
                Value::Array(values)
            }
            None => return,
        };
        self.acro = Acro::of(&value);
        let mut number = 0;
        walk(&value, &mut |row: &[Vec<u8>]| {
            number += 1;
            each(row, number);
        });
    }
}

/// serde_json's own limit of nesting (128) bounds the depth.
fn walk(value: &Value, each: &mut impl FnMut(&[Vec<u8>])) {
    match value {
        Value::Array(list) if list.len() >= 2 => match list.first() {
            Some(Value::Object(first)) => {
                let names: Vec<&String> = first.keys().collect();
                each(
                    &names
                        .iter()
                        .map(|n| n.as_bytes().to_vec())
                        .collect::<Vec<_>>(),
                );
                for record in list.iter().filter_map(Value::as_object) {
                    let cell = |name: &&String| record.get(*name).map(cell).unwrap_or_default();
                    each(&names.iter().map(cell).collect::<Vec<_>>());
                }
                nested(list, each);
            }
            Some(Value::Array(_)) => {
                for row in list.iter().filter_map(Value::as_array) {
                    each(&row.iter().map(cell).collect::<Vec<_>>());
                }
                nested(list, each);
            }
            _ => {}
        },
        Value::Array(list) => list.iter().for_each(|v| walk(v, each)),
        Value::Object(record) => columns(record, each),
        _ => {}
    }
}

/// Tables inside records.
fn nested(list: &[Value], each: &mut impl FnMut(&[Vec<u8>])) {
    let inner = list
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::values);
    inner
        .filter(|v| v.is_array() || v.is_object())
        .for_each(|v| walk(v, each));
}

/// A record of lists of one length is a table by columns; as pandas writes it, a record of records.
fn columns(record: &Map<String, Value>, each: &mut impl FnMut(&[Vec<u8>])) {
    let lists: Vec<(&String, Vec<&Value>)> = record
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Array(list) => Some((name, list.iter().collect())),
            Value::Object(inner) => Some((name, inner.values().collect())),
            _ => None,
        })
        .collect();
    let length = lists.first().map_or(0, |(_, list)| list.len());
    let flat = |list: &[&Value]| list.iter().all(|v| !v.is_array() && !v.is_object());
    let table =
        lists.len() >= 2 && length >= 2 && lists.iter().all(|(_, l)| l.len() == length && flat(l));
    if table {
        each(
            &lists
                .iter()
                .map(|(n, _)| n.as_bytes().to_vec())
                .collect::<Vec<_>>(),
        );
        for row in 0..length {
            let cell = |list: &Vec<&Value>| list.get(row).map(|v| cell(v)).unwrap_or_default();
            each(&lists.iter().map(|(_, list)| cell(list)).collect::<Vec<_>>());
        }
    } else {
        record.values().for_each(|v| walk(v, each));
    }
}

/// A value as a cell.
fn cell(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
