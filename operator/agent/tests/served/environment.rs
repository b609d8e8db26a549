//! Another environment, whose keys everybody knows.

use sde_core::airlock::JobKind;
use sde_core::airlock::transfer::TransferTask;
use sde_crds::airlock_request::Direction;
use sde_crds::policy_lists::SdeKeys;

use super::Site;

/// What Seal of a transfer is told.
pub fn transfer(kind: JobKind, direction: Direction) -> Option<TransferTask> {
    (kind == JobKind::Seal && direction == Direction::TransferToSde).then(|| TransferTask {
        manifest: None,
        keys: SdeKeys {
            // Of the secret 01 02 .. 20, and of the age crate's own tests.
            crypt4gh: "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=".into(),
            age: "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa".into(),
        },
    })
}

impl Site {
    /// Seals these files for that environment, by the real job.
    pub fn transferring(files: &[(&str, &[u8])]) -> Self {
        let mut site = Self::of(Direction::TransferToSde);
        for (name, bytes) in files {
            site.put(name, bytes);
        }
        site.seal();
        site
    }
}
