//! Colours, only where they are wanted.

/// What a piece of text means; colours follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// A heading or name.
    Strong,
    /// As it should be.
    Good,
    /// Waits for something.
    Wait,
    /// Not as it should be.
    Bad,
    /// Detail.
    Dim,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    /// `text` in the colour of `tone`, without the control characters that an object could carry to
    /// forge lines or move the cursor.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let code = match tone {
            Tone::Plain => return text,
            _ if !self.0 || text.is_empty() => return text,
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Wait => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_cannot_send_escape_sequences() {
        assert_eq!(Paint(false).paint(Tone::Bad, "a\u{1b}[2Jb\nc"), "a [2Jb c");
        assert_eq!(
            Paint(true).paint(Tone::Good, "x\u{7}"),
            "\u{1b}[32mx \u{1b}[0m"
        );
        assert_eq!(Paint(true).paint(Tone::Plain, "x"), "x");
    }
}
