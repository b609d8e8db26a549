//! Where a file goes that somebody calls so: below the upload, and so that it can be sealed.

use crate::airlock::chamber::INCOMING;
use crate::airlock::folder::{DEPTH_MAX, can_be_sealed};

/// Bytes of one part of a path (Linux, NAME_MAX).
const NAME_MAX: usize = 255;

/// The path of a file of this name in this folder, which may be none; nothing when there can be no such file.
pub fn target(folder: &str, name: &str) -> Option<String> {
    let path = match folder {
        "" => name.to_owned(),
        folder => format!("{}/{name}", folder.strip_suffix('/').unwrap_or(folder)),
    };
    let parts: Vec<&str> = path.split('/').collect();
    let good = |part: &&str| !matches!(*part, "" | "." | "..") && part.len() <= NAME_MAX;
    let fits = parts.len() <= DEPTH_MAX + 1 && parts.iter().all(good) && parts[0] != INCOMING;
    (fits && can_be_sealed(&path)).then_some(path)
}

/// The folders of a path, the innermost first; without the one that all are in.
pub fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stays_below_is_taken() {
        let long = "n".repeat(255);
        for (folder, name, wanted) in [
            ("", "a.csv", "a.csv"),
            ("panel", "a.csv", "panel/a.csv"),
            ("panel/x/", "größe .csv", "panel/x/größe .csv"),
            ("", "panel/a", "panel/a"),
            ("", "..a", "..a"),
            ("x", INCOMING, "x/.sde-incoming"),
            ("", &long, &long),
        ] {
            assert_eq!(target(folder, name).as_deref(), Some(wanted));
        }
        let deep = vec!["d"; DEPTH_MAX].join("/");
        assert!(target(&deep, "x").is_some() && target(&deep, "d/x").is_none());
        assert_eq!(folders("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(folders("a").count(), 0);
    }

    #[test]
    fn what_does_not_is_refused() {
        let (long, longest) = ("n".repeat(256), vec!["n".repeat(200); 6].join("/"));
        for (folder, name) in [
            ("", ""),
            ("", "."),
            ("", ".."),
            ("", "/etc/passwd"),
            ("/etc", "passwd"),
            ("/", "a"),
            ("..", "a"),
            ("a/../..", "b"),
            ("", "a/../b"),
            ("a//b", "c"),
            ("a", ""),
            ("", "a/"),
            ("", "a\nb"),
            ("a\u{7f}", "b"),
            ("", "a\0b"),
            ("", INCOMING),
            (INCOMING, "0"),
            ("", &long),
            ("", &longest),
        ] {
            assert_eq!(target(folder, name), None, "{folder:?} {name:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_folder(folder in "[./a\\\\~]{0,8}", name in "[./a\\\\~\u{0}-\u{20}é]{0,8}") {
            if let Some(path) = target(&folder, &name) {
                prop_assert!(!path.starts_with('/') && !path.ends_with('/'));
                prop_assert!(path.split('/').all(|part| !["", ".", ".."].contains(&part)));
                prop_assert!(!path.chars().any(char::is_control));
            }
        }
    }
}
