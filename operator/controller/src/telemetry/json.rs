//! JSON lines with the fields of the event and of its spans side by side. tracing-subscriber's own format
//! puts the span's name beside its fields, where it hides a field called `name`.

use std::fmt;
use std::io::Write;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The layer.
pub struct JsonLayer<W> {
    writer: W,
}

impl<W> JsonLayer<W> {
    /// Writes each line at once to what `writer` makes.
    pub fn new(writer: W) -> Self {
        Self { writer }
    }
}

/// Fields of a span, kept with it.
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Collect::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Collect::default();
        values.record(&mut fields);
        if let Some(span) = context.span(id)
            && let Some(known) = span.extensions_mut().get_mut::<Fields>()
        {
            known.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
        line.insert("level".into(), level.into());
        line.insert("ts".into(), now.to_string().into());
        line.insert("logger".into(), event.metadata().target().into());
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields.0.clone());
            }
        }
        let mut fields = Collect::default();
        event.record(&mut fields);
        line.extend(fields.0);
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // Nobody can be told of a log that cannot be written.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

#[derive(Default)]
struct Collect(Map<String, Value>);

impl Collect {
    fn insert(&mut self, field: &Field, value: Value) {
        let name = if field.name() == "message" {
            "msg"
        } else {
            field.name()
        };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Collect {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reconcile_is_found_by_the_name_of_its_object() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = JsonLayer::new(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("reconcile", controller = "project", name = %"prj-1", reconcileID = "7");
            span.in_scope(|| tracing::warn!(reason = "Conflict", attempts = 2, "it {}", "failed"));
        });
        let bytes = buffer.0.lock().expect("lock").clone();
        let line: Value = serde_json::from_slice(&bytes).expect("one JSON object");
        for (key, value) in [
            ("level", Value::from("warn")),
            ("msg", "it failed".into()),
            ("controller", "project".into()),
            ("name", "prj-1".into()),
            ("reconcileID", "7".into()),
            ("reason", "Conflict".into()),
            ("attempts", 2.into()),
        ] {
            assert_eq!(line[key], value, "{key} in {line}");
        }
        assert!(line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z')));
    }
}
