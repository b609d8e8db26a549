//! bzip2, block by block. Our own reader: the well-kept crates carry a licence that is not on our list. Checksums are not
//! compared, since what comes out is looked at whatever they say.

use std::io::{self, BufRead, Read};

/// Bytes of a block, for each level from 1 to 9.
const LEVEL: usize = 100_000;
/// Symbols of a group that one table decodes.
const GROUP: usize = 50;
/// Length of the longest code.
const LONGEST: usize = 20;
/// Symbols: 256 bytes, two for runs, one for the end, less the first byte.
const SYMBOLS: usize = 258;
/// Begins a block.
const BLOCK: u64 = 0x3141_5926_5359;
/// Ends a stream.
const END: u64 = 0x1772_4538_5090;

/// Reads what all streams hold.
pub struct Blocks<R> {
    bits: Bits<R>,
    /// Bytes that a block of this stream may have; 0 before the first stream.
    most: usize,
    /// Where each byte of the block leads, over the byte itself (8 bits).
    links: Vec<u32>,
    at: u32,
    left: usize,
    /// The run under way: its byte, how often it came in a row, how often it is still to come.
    byte: u8,
    row: u8,
    repeat: u8,
}

impl<R: BufRead> Blocks<R> {
    /// Before the first stream.
    pub fn new(reader: R) -> Self {
        Self {
            bits: Bits {
                reader,
                held: 0,
                count: 0,
            },
            most: 0,
            links: Vec::new(),
            at: 0,
            left: 0,
            byte: 0,
            row: 0,
            repeat: 0,
        }
    }

    /// What follows the last stream.
    pub fn into_inner(self) -> R {
        self.bits.reader
    }

    /// The next byte that the sender wrote, runs put back.
    fn next(&mut self) -> io::Result<Option<u8>> {
        if self.repeat > 0 {
            self.repeat -= 1;
            return Ok(Some(self.byte));
        }
        let Some(byte) = self.sorted()? else {
            return Ok(None);
        };
        self.row = if byte == self.byte { self.row + 1 } else { 1 };
        self.byte = byte;
        // After four of a kind comes how many more there are.
        if self.row == 4 {
            self.row = 0;
            self.repeat = self.sorted()?.ok_or_else(wrong)?;
        }
        Ok(Some(byte))
    }

    /// The next byte of the block, in the order before sorting.
    fn sorted(&mut self) -> io::Result<Option<u8>> {
        while self.left == 0 {
            if !self.block()? {
                return Ok(None);
            }
        }
        self.left -= 1;
        let link = self
            .links
            .get(self.at as usize)
            .copied()
            .ok_or_else(wrong)?;
        self.at = link >> 8;
        Ok(Some(link as u8))
    }

    /// Reads the next block of this stream, or of the next; false when there is none.
    fn block(&mut self) -> io::Result<bool> {
        loop {
            if self.most == 0 && !self.stream()? {
                return Ok(false);
            }
            match self.bits.take(48)? {
                BLOCK => break,
                END => {
                    self.bits.take(32)?;
                    self.bits.align();
                    self.most = 0;
                }
                _ => return Err(wrong()),
            }
        }
        (self.byte, self.row) = (0, 0);
        self.bits.take(32)?;
        // Randomised blocks are of 1997.
        if self.bits.take(1)? == 1 {
            return Err(wrong());
        }
        let origin = self.bits.take(24)? as usize;
        let bytes = self.used()?;
        let mut block = Vec::new();
        let tables = self.tables(bytes.len() + 2)?;
        self.symbols(&bytes, &tables, &mut block)?;
        self.unsort(&block, origin)?;
        Ok(true)
    }

    /// The header of a stream: `BZh` and a level.
    fn stream(&mut self) -> io::Result<bool> {
        let head = self.bits.reader.fill_buf()?.get(..4);
        let level = match head {
            Some([b'B', b'Z', b'h', level @ b'1'..=b'9']) => usize::from(*level - b'0'),
            _ => return Ok(false),
        };
        self.bits.reader.consume(4);
        self.most = level * LEVEL;
        Ok(true)
    }

    /// Which bytes occur.
    fn used(&mut self) -> io::Result<Vec<u8>> {
        let groups = self.bits.take(16)?;
        let mut bytes = Vec::new();
        for group in (0..16_u8).filter(|g| groups >> (15 - g) & 1 == 1) {
            let some = self.bits.take(16)?;
            bytes.extend(
                (0..16_u8)
                    .filter(|b| some >> (15 - b) & 1 == 1)
                    .map(|b| group * 16 + b),
            );
        }
        if bytes.is_empty() {
            return Err(wrong());
        }
        Ok(bytes)
    }

    /// The tables of codes, one for each group of symbols in turn.
    fn tables(&mut self, symbols: usize) -> io::Result<(Vec<Codes>, Vec<u8>)> {
        let (tables, groups) = (self.bits.take(3)?, self.bits.take(15)?);
        if !(2..=6).contains(&tables) || groups == 0 {
            return Err(wrong());
        }
        let mut recent: Vec<u8> = (0..tables as u8).collect();
        let mut selectors = Vec::new();
        for _ in 0..groups {
            let mut place = 0;
            while self.bits.take(1)? == 1 {
                place += 1;
                if place >= recent.len() {
                    return Err(wrong());
                }
            }
            recent.get_mut(..=place).ok_or_else(wrong)?.rotate_right(1);
            selectors.extend(recent.first());
        }
        let mut codes = Vec::new();
        for _ in 0..tables {
            let mut lengths = [0_u8; SYMBOLS];
            let mut length = self.bits.take(5)? as u8;
            for symbol in lengths.get_mut(..symbols).ok_or_else(wrong)? {
                while self.bits.take(1)? == 1 {
                    let down = self.bits.take(1)? == 1;
                    length = if down {
                        length.wrapping_sub(1)
                    } else {
                        length + 1
                    };
                    if !(1..=LONGEST as u8).contains(&length) {
                        return Err(wrong());
                    }
                }
                if !(1..=LONGEST as u8).contains(&length) {
                    return Err(wrong());
                }
                *symbol = length;
            }
            codes.push(Codes::of(lengths.get(..symbols).unwrap_or_default()));
        }
        Ok((codes, selectors))
    }

    /// The block's bytes, as they were sorted.
    fn symbols(
        &mut self,
        bytes: &[u8],
        tables: &(Vec<Codes>, Vec<u8>),
        block: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut recent = bytes.to_vec();
        let end = bytes.len() + 1;
        let (mut run, mut weight) = (0_usize, 1_usize);
        for selector in &tables.1 {
            let codes = tables.0.get(usize::from(*selector)).ok_or_else(wrong)?;
            for _ in 0..GROUP {
                let symbol = codes.read(&mut self.bits)?;
                // A number in base two, with digits 1 and 2, lowest first.
                if symbol < 2 {
                    run = run.saturating_add(weight << symbol);
                    weight = (weight << 1).min(1 << 24);
                    continue;
                }
                let byte = recent.first().copied().ok_or_else(wrong)?;
                if block.len().saturating_add(run) > self.most {
                    return Err(wrong());
                }
                block.resize(block.len() + run, byte);
                (run, weight) = (0, 1);
                if symbol == end {
                    return Ok(());
                }
                recent.get_mut(..symbol).ok_or_else(wrong)?.rotate_right(1);
                block.extend(recent.first());
            }
        }
        Err(wrong())
    }

    /// Links each byte to the one that followed it.
    fn unsort(&mut self, block: &[u8], origin: usize) -> io::Result<()> {
        let mut starts = [0_u32; 256];
        for byte in block {
            if let Some(count) = starts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            (sum, *start) = (sum + *start, sum);
        }
        self.links.clear();
        self.links.extend(block.iter().map(|b| u32::from(*b)));
        for (number, byte) in block.iter().enumerate() {
            let Some(start) = starts.get_mut(usize::from(*byte)) else {
                continue;
            };
            if let Some(link) = self.links.get_mut(*start as usize) {
                *link |= (number as u32) << 8;
            }
            *start += 1;
        }
        let first = self.links.get(origin).ok_or_else(wrong)?;
        (self.at, self.left) = (first >> 8, block.len());
        Ok(())
    }
}

impl<R: BufRead> Read for Blocks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        for place in buffer.iter_mut() {
            // What came before an error is given first; the error comes again.
            let byte = match self.next() {
                Err(error) if read == 0 => return Err(error),
                Ok(Some(byte)) => byte,
                _ => break,
            };
            *place = byte;
            read += 1;
        }
        Ok(read)
    }
}

fn wrong() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no bzip2 that can be read")
}

/// Codes of one table: for each length the first code, and which symbols have that length, in order.
struct Codes {
    first: [u32; LONGEST + 1],
    counts: [u32; LONGEST + 1],
    starts: [u32; LONGEST + 1],
    symbols: Vec<u16>,
}

impl Codes {
    fn of(lengths: &[u8]) -> Self {
        let mut codes = Self {
            first: [0; LONGEST + 1],
            counts: [0; LONGEST + 1],
            starts: [0; LONGEST + 1],
            symbols: Vec::new(),
        };
        let mut code = 0_u32;
        for length in 1..=LONGEST {
            let before = codes.symbols.len() as u32;
            let same = (0_u16..)
                .zip(lengths)
                .filter(|(_, l)| usize::from(**l) == length);
            codes.symbols.extend(same.map(|(symbol, _)| symbol));
            let count = codes.symbols.len() as u32 - before;
            codes.first[length] = code;
            codes.counts[length] = count;
            codes.starts[length] = before;
            code = (code + count) << 1;
        }
        codes
    }

    fn read<R: BufRead>(&self, bits: &mut Bits<R>) -> io::Result<usize> {
        let mut code = 0_u32;
        let lengths = self.first.iter().zip(&self.counts).zip(&self.starts);
        for ((first, count), start) in lengths.skip(1) {
            code = code << 1 | bits.take(1)? as u32;
            if let Some(number) = code.checked_sub(*first).filter(|n| n < count) {
                let symbol = self.symbols.get((start + number) as usize);
                return symbol.map(|s| usize::from(*s)).ok_or_else(wrong);
            }
        }
        Err(wrong())
    }
}

/// Bits, highest first.
struct Bits<R> {
    reader: R,
    held: u64,
    count: u32,
}

impl<R: BufRead> Bits<R> {
    /// The next bits, at most 48.
    fn take(&mut self, bits: u32) -> io::Result<u64> {
        while self.count < bits {
            let byte = match self.reader.fill_buf()?.first() {
                Some(byte) => *byte,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
            self.reader.consume(1);
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
        self.count -= bits;
        Ok(self.held >> self.count & ((1 << bits) - 1))
    }

    /// Drops the rest of a byte.
    fn align(&mut self) {
        self.count = 0;
    }
}
