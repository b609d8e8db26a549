//! sde-operator binary.
fn main() {}
