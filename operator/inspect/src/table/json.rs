//! Tables in JSON: a list of records, a list of lists, or a record of lists.

use serde_json::{Map, Value};

/// Bytes of JSON that are parsed. More is looked at as text only.
const MAX: usize = 16 << 20;

/// JSON under way.
#[derive(Default)]
pub struct Json {
    text: Vec<u8>,
    long: bool,
}

impl Json {
    /// One line, or a piece of one.
    pub fn push(&mut self, line: &[u8]) {
        if self.text.len() + line.len() > MAX {
            self.long = true;
            self.text = Vec::new();
        }
        if !self.long {
            self.text.extend_from_slice(line);
            self.text.push(b'\n');
        }
    }

    /// Gives `each` every row of every table in it, with the names first. One record a line is a list of records.
    pub fn rows(self, mut each: impl FnMut(&[Vec<u8>], u64)) {
        let mut values: Vec<Value> = serde_json::Deserializer::from_slice(&self.text)
            .into_iter()
            .map_while(Result::ok)
            .collect();
        drop(self.text);
        let value = match values.pop() {
            Some(only) if values.is_empty() => only,
            Some(last) => {
                values.push(last);
                Value::Array(values)
            }
            None => return,
        };
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
