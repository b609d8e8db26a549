//! Files that arrive side by side, replace each other, break off and go.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::airlock::receive::arriving::Arriving;
use sde_crds::airlock_request::Direction;
use std::sync::Arc;

struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("tempdir"))
    }

    fn store(&self, files: u64, bytes: u64) -> Arc<Store> {
        let chamber = Chamber::at(self.0.path(), Direction::Import);
        Arc::new(Store::open(&chamber, Limits { files, bytes }).expect("a store"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("upload").join(name)
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    /// Files that lie between arriving and being there.
    fn incoming(&self) -> usize {
        fs::read_dir(self.path(INCOMING)).expect("folder").count()
    }
}

fn put(store: &Arc<Store>, path: &str, bytes: &[u8]) -> Result<(), Refused> {
    let mut arriving = Arriving::begin(store, path)?;
    arriving.write(bytes)?;
    arriving.keep()
}

fn sizes(store: &Store) -> Vec<(String, u64)> {
    let files = store.shown().files.into_iter();
    files.map(|(path, kept)| (path, kept.size)).collect()
}

#[test]
fn a_file_is_there_once_it_is_whole() {
    let site = Site::new();
    let store = site.store(9, 100);
    let mut arriving = Arriving::begin(&store, "panel/a").expect("begun");
    arriving.write(b"on").expect("written");
    assert_eq!((site.read("panel/a"), sizes(&store)), (None, vec![]));
    assert_eq!((site.incoming(), store.shown().bytes), (1, 2));
    arriving.write(b"e").expect("written");
    arriving.keep().expect("kept");
    assert_eq!(site.read("panel/a").as_deref(), Some(b"one".as_slice()));
    assert_eq!(site.incoming(), 0);
    let shown = store.shown();
    let hash = hex::encode(Sha256::digest(b"one"));
    assert_eq!(shown.files["panel/a"].sha256.as_ref(), Some(&hash));

    let mut other = Arriving::begin(&store, "panel/a").expect("begun");
    other.write(b"another").expect("written");
    drop(other);
    assert_eq!(site.read("panel/a").as_deref(), Some(b"one".as_slice()));
    assert_eq!((site.incoming(), store.shown().bytes), (0, 3));
    put(&store, "panel/a", b"two").expect("replaced");
    assert_eq!(site.read("panel/a").as_deref(), Some(b"two".as_slice()));
    store.remove("panel/a").expect("removed");
    store.remove("panel/a").expect("it is not there");
    assert!(!site.path("panel").exists(), "nor is its folder");
    assert_eq!(sizes(&store), vec![]);
}

#[test]
fn there_are_at_most_so_many_files_and_bytes() {
    let site = Site::new();
    let store = site.store(2, 10);
    put(&store, "a", b"12345").expect("kept");
    assert!(matches!(put(&store, "b", b"123456"), Err(Refused::Bytes)));
    put(&store, "b", b"12345").expect("just so");
    assert!(matches!(put(&store, "c", b""), Err(Refused::Files)));
    put(&store, "a", b"54321").expect("replaced, though all is full");
    assert!(matches!(put(&store, "a", b"654321"), Err(Refused::Bytes)));
    assert_eq!(site.read("a").as_deref(), Some(b"54321".as_slice()));
    store.remove("b").expect("removed");
    put(&store, "c", b"12345").expect("there is room again");
    assert_eq!(site.incoming(), 0);
}

#[test]
fn a_name_is_a_file_or_a_folder() {
    let site = Site::new();
    let store = site.store(9, 10);
    let arriving = Arriving::begin(&store, "a/b").expect("begun");
    for clash in ["a", "a/b/c"] {
        assert!(matches!(put(&store, clash, b""), Err(Refused::Clash)));
    }
    arriving.keep().expect("kept");
    for clash in ["a", "a/b/c", "a/b/c/d"] {
        assert!(matches!(put(&store, clash, b""), Err(Refused::Clash)));
    }
    for other in ["a.b", "a/c", "ab"] {
        put(&store, other, b"").expect(other);
    }
}

#[test]
fn folders_end_where_sealing_would() {
    let site = Site::new();
    let store = site.store(50, 10);
    let deep = |n: usize| format!("{n}/{}x", "d/".repeat(30));
    for n in 0..32 {
        put(&store, &deep(n), b"").expect("kept");
    }
    // 32 times 31, and the one that all are in, are 993.
    assert!(matches!(put(&store, &deep(32), b""), Err(Refused::Folders)));
    put(&store, "more/x/y/z/a/b/c", b"").expect("999");
    put(&store, "1000/x", b"").expect("1000");
    assert!(matches!(put(&store, "1001/x", b""), Err(Refused::Folders)));
    let listed = Folder::open(&site.path("")).expect("folder");
    fs::remove_dir(site.path(INCOMING)).expect("empty");
    assert_eq!(listed.list(50, 10).expect("can be sealed").len(), 34);
}

#[test]
fn what_is_begun_again_has_what_was_whole() {
    let site = Site::new();
    let store = site.store(9, 100);
    put(&store, "a/x", b"one").expect("kept");
    let mut half = Arriving::begin(&store, "b").expect("begun");
    half.write(b"half").expect("written");
    // As if it had been killed: nothing is tidied up.
    std::mem::forget(half);
    fs::create_dir_all(site.path("of/a/file/that/was/about/to/be")).expect("folders");
    let store = site.store(1, 2);
    assert_eq!(sizes(&store), [("a/x".to_owned(), 3)]);
    assert_eq!(site.incoming(), 0);
    assert!(!site.path("of").exists());
    assert_eq!(store.shown().files["a/x"].sha256, None);
    store.hash_missing();
    let hash = hex::encode(Sha256::digest(b"one"));
    assert_eq!(store.shown().files["a/x"].sha256, Some(hash));
    assert!(matches!(put(&store, "b", b""), Err(Refused::Files)));
    store.remove("a/x").expect("removed");
    put(&store, "b", b"12").expect("kept");
}

#[derive(Debug, Clone)]
enum Doing {
    Begin(usize, u8),
    Write(usize, u8),
    Keep(usize),
    Drop(usize),
    Remove(u8),
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        (0_usize..4, 0_u8..5).prop_map(|(n, path)| Doing::Begin(n, path)),
        (0_usize..4, 0_u8..30).prop_map(|(n, bytes)| Doing::Write(n, bytes)),
        (0_usize..4).prop_map(Doing::Keep),
        (0_usize..4).prop_map(Doing::Drop),
        (0_u8..5).prop_map(Doing::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Up to four at once, in any order: never more than allowed, and what is listed is what lies on the disk.
    #[test]
    fn whatever_happens_side_by_side(all in prop::collection::vec(doing(), 0..60)) {
        const PATHS: [&str; 5] = ["a", "b", "f/a", "f/b", "f"];
        let site = Site::new();
        let store = site.store(3, 50);
        let mut slots: [Option<(Arriving, &str, Vec<u8>)>; 4] = Default::default();
        let mut wanted = BTreeMap::new();
        for (step, doing) in all.into_iter().enumerate() {
            match doing {
                Doing::Begin(n, path) => {
                    let path = PATHS[usize::from(path)];
                    slots[n] = None;
                    slots[n] = Arriving::begin(&store, path).ok().map(|a| (a, path, vec![]));
                }
                Doing::Write(n, bytes) => {
                    let bytes = vec![b'a' + (step % 26) as u8; usize::from(bytes)];
                    let full = slots[n].as_mut().is_some_and(|(arriving, _, written)| {
                        written.extend(&bytes);
                        arriving.write(&bytes).is_err()
                    });
                    if full {
                        slots[n] = None;
                    }
                }
                Doing::Keep(n) => if let Some((arriving, path, written)) = slots[n].take() {
                    arriving.keep().expect("kept");
                    wanted.insert(path, written);
                },
                Doing::Drop(n) => slots[n] = None,
                Doing::Remove(path) => {
                    let path = PATHS[usize::from(path)];
                    store.remove(path).expect("removed");
                    wanted.remove(path);
                }
            }
            prop_assert!(store.shown().bytes <= 50);
            prop_assert_eq!(site.incoming(), slots.iter().flatten().count());
        }
        drop(slots);
        fs::remove_dir(site.path(INCOMING)).expect("empty");
        let listed = Folder::open(&site.path("")).expect("folder").list(3, 50).expect("can be sealed");
        prop_assert_eq!(listed.len(), wanted.len());
        for (path, bytes) in wanted {
            prop_assert_eq!(&store.shown().files[path].sha256, &Some(hex::encode(Sha256::digest(&bytes))));
            prop_assert_eq!(site.read(path), Some(bytes));
        }
    }
}
