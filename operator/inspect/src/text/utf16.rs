//! UTF-16 as UTF-8, piece by piece.

/// A text under way.
pub struct Utf16 {
    big: bool,
    bytes: Vec<u8>,
    units: Vec<u16>,
}

impl Utf16 {
    /// Big- or little-endian.
    pub fn new(big: bool) -> Self {
        Self {
            big,
            bytes: Vec::new(),
            units: Vec::new(),
        }
    }

    /// What these bytes say; half a character waits for the next ones.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.bytes.extend_from_slice(bytes);
        let whole = self.bytes.len() / 2 * 2;
        for pair in self.bytes.get(..whole).unwrap_or_default().chunks_exact(2) {
            let pair = [
                pair.first().copied().unwrap_or(0),
                pair.get(1).copied().unwrap_or(0),
            ];
            self.units.push(if self.big {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            });
        }
        self.bytes.drain(..whole);
        let waits = self
            .units
            .last()
            .copied()
            .filter(|u| (0xd800..0xdc00).contains(u));
        if waits.is_some() {
            self.units.pop();
        }
        let text = String::from_utf16_lossy(&self.units).replace('\u{feff}', "");
        self.units = waits.into_iter().collect();
        text
    }
}
