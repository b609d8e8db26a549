//! One line of text in several tones, wrapped at words.

use super::{Paint, Tone};

/// Pieces of text, in order.
#[derive(Debug, Clone, Default)]
pub struct Line(Vec<(Tone, String)>);

impl Line {
    /// A line that begins with `text`.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().and(tone, text)
    }

    /// A line of plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }

    /// Appends `text`.
    #[must_use]
    pub fn and(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    /// Appends another line.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Characters, as shown.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, t)| t.chars().count()).sum()
    }

    /// Painted, unwrapped.
    pub fn painted(&self, paint: Paint) -> String {
        self.0
            .iter()
            .map(|(tone, t)| paint.paint(*tone, t))
            .collect()
    }

    /// Painted, in rows of at most `width` characters where words allow; later rows are set in by `hang`.
    pub fn wrapped(&self, paint: Paint, width: usize, hang: usize) -> Vec<String> {
        let mut rows = vec![String::new()];
        let mut used = 0;
        for (tone, text) in &self.0 {
            for word in text.split_inclusive(' ') {
                let length = word.trim_end().chars().count();
                if used > hang && used + length > width {
                    rows.push(" ".repeat(hang));
                    used = hang;
                }
                if let Some(row) = rows.last_mut() {
                    row.push_str(&paint.paint(*tone, word));
                }
                used += word.chars().count();
            }
        }
        rows.iter_mut().for_each(|r| r.truncate(r.trim_end().len()));
        rows
    }
}
