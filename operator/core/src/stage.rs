//! Typestate of what is desired: only what was applied can become a status.

use std::marker::PhantomData;
use std::ops::Deref;

/// Computed, not yet written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {}
/// Written, or seen to be so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {}

/// The objects `T` that are desired, and how far they have come.
#[derive(Debug, Clone, PartialEq)]
pub struct Staged<T, S> {
    objects: T,
    stage: PhantomData<S>,
}

impl<T> From<T> for Staged<T, Prepared> {
    fn from(objects: T) -> Self {
        Self {
            objects,
            stage: PhantomData,
        }
    }
}

impl<T> Staged<T, Prepared> {
    /// The same, as applied. Only `apply` may call it: a status is made of what was applied.
    pub fn applied(self) -> Staged<T, Applied> {
        Staged {
            objects: self.objects,
            stage: PhantomData,
        }
    }
}

impl<T, S> Deref for Staged<T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.objects
    }
}
