//! The sde-operator API.
