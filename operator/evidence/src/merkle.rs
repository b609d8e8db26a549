//! Merkle tree hash of RFC 6962, section 2.1: one digest for many files, of which each can be shown to be one.

use crate::digest::{Digest, sha256};

/// The root over `leaves`, in their order; none for no leaves.
pub fn merkle_root<L: AsRef<[u8]>>(leaves: &[L]) -> Option<Digest> {
    match leaves {
        [] => None,
        [leaf] => Some(sha256(&[&[0], leaf.as_ref()].concat())),
        _ => {
            // The largest power of two that is smaller than the number of leaves.
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = (
                merkle_root(&leaves[..split])?,
                merkle_root(&leaves[split..])?,
            );
            let node = [&[1][..], left.as_bytes(), right.as_bytes()].concat();
            Some(sha256(&node))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Certificate Transparency's own test vectors.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 4] = [b"", &[0], &[0x10], &[0x20, 0x21]];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        for (n, root) in roots.iter().enumerate() {
            let found = merkle_root(&leaves[..=n]).map(|digest| digest.hex());
            assert_eq!(found.as_deref(), Some(*root));
        }
        assert_eq!(merkle_root::<&[u8]>(&[]), None);
    }
}
