//! Files of the corpus, broken in every way, for a few seconds: nothing panics, and memory stays under what the library
//! states. A counting allocator tells; what is hungriest on purpose comes first.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(
    unsafe_code,
    reason = "an allocator that counts cannot be written otherwise"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::io::Write;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::{Dice, look, wrap};

/// What the library states: see docs/src/airlock-inspect.md.
const STATED: usize = 256 << 20;
/// What one of the small files of the corpus may take, whatever is broken in it: a dictionary of the largest presets.
const SMALL: usize = 96 << 20;
/// How long files are broken.
const FOR: Duration = Duration::from_secs(4);

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: hands everything to the system's allocator, and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time, since the count is everybody's.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes that an inspection took at its highest, apart from the file.
fn taken(bytes: &[u8]) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    look(bytes);
    PEAK.load(Relaxed).saturating_sub(before)
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .map(|p| (name(p), fs::read(p).unwrap()))
        .collect()
}

#[test]
fn what_is_hungriest_stays_under_what_is_stated() {
    let _alone = ALONE.lock().unwrap();
    // The counter counts: a layer of 3 MiB is kept.
    let packed = wrap::gzip(&vec![b'x'; 3 << 20]);
    let buffer = taken(&packed);
    assert!(buffer > 3 << 20, "{buffer} bytes: nothing is counted");
    let comma = |bytes: usize| {
        let mut json = b"[".to_vec();
        json.resize(bytes, b'0');
        json[2..]
            .chunks_exact_mut(2)
            .for_each(|c| c.copy_from_slice(b",0"));
        json.extend(b"]");
        json
    };
    let line = |n: usize| [b"1,".repeat((1 << 14) - n), b"\n".to_vec()].concat();
    let wide: Vec<u8> = (0..12).flat_map(|n| line(n).repeat(3)).collect();
    let nested = (0..3).fold(Dice(3).bytes(100), |inner, _| wrap::seven(&inner));
    for (what, bytes) in [
        ("JSON of small values", comma(100 << 10)),
        ("JSON of too many values", comma(1200 << 10)),
        ("tables of thousands of columns", wide),
        ("7z in 7z in 7z", nested),
        ("a line without an end", vec![b'7'; 1 << 20]),
    ] {
        let taken = taken(&bytes);
        println!("{what}: {} MiB", taken >> 20);
        assert!(taken < STATED, "{what}: {} MiB", taken >> 20);
    }
}

#[test]
fn broken_files_of_the_corpus() {
    let _alone = ALONE.lock().unwrap();
    let corpus = corpus();
    assert!(corpus.len() >= 30, "the corpus is there");
    for (name, bytes) in &corpus {
        let taken = taken(bytes);
        assert!(taken < SMALL, "{name} takes {} MiB", taken >> 20);
    }
    let began = Instant::now();
    let (mut tried, mut most) = (0_u64, 0);
    while began.elapsed() < FOR {
        let mut dice = Dice(tried);
        let (name, file) = &corpus[dice.below(corpus.len() as u64) as usize];
        let other = &corpus[dice.below(corpus.len() as u64) as usize].1;
        let bytes = broken(file, other, &mut dice);
        let took = catch_unwind(|| taken(&bytes));
        let took = took.unwrap_or_else(|_| panic!("{name} broken with {tried} panics"));
        assert!(
            took < SMALL,
            "{name} broken with {tried} takes {} MiB",
            took >> 20
        );
        most = most.max(took);
        tried += 1;
    }
    writeln!(
        std::io::stdout(),
        "{tried} files, at most {} KiB",
        most >> 10
    )
    .unwrap();
    assert!(tried > 20, "{tried} files in {FOR:?}");
}

/// A few wounds: bits, numbers that overflow, cuts, copies, a piece of another file.
fn broken(file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    const NUMBERS: [u64; 8] = [
        0,
        1,
        0x7f,
        0xff,
        0x7fff_ffff,
        0xffff_ffff,
        i64::MAX as u64,
        u64::MAX,
    ];
    let mut bytes = file.to_vec();
    for _ in 0..=dice.below(6) {
        let length = bytes.len() as u64;
        let at = if length == 0 {
            0
        } else {
            dice.below(length) as usize
        };
        let piece = |from: &[u8], dice: &mut Dice| -> Vec<u8> {
            let start = dice.below(from.len() as u64 + 1) as usize;
            let rest = &from[start..];
            rest[..rest.len().min(dice.below(4096) as usize)].to_vec()
        };
        match dice.below(8) {
            0..=2 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|b| *b ^= 1 << dice.below(8)),
            3..=4 => {
                let number = NUMBERS[dice.below(8) as usize];
                let width = [1, 2, 4, 8][dice.below(4) as usize];
                let big = dice.below(2) == 0;
                let all = if big {
                    number.to_be_bytes()
                } else {
                    number.to_le_bytes()
                };
                let part = if big {
                    &all[8 - width..]
                } else {
                    &all[..width]
                };
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(part)
                    .for_each(|(b, n)| *b = *n);
            }
            5 => bytes.truncate(at),
            6 => {
                let copy = piece(&bytes, dice);
                bytes.splice(at..at, copy);
            }
            _ => {
                let foreign = piece(other, dice);
                bytes.splice(at..at, foreign);
            }
        }
    }
    bytes
}
