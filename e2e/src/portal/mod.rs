//! What the suite `portal` runs beside a control plane: an OpenID provider, both portals as processes, and a browser that people use.
//!
//! The provider and what drives the browser are JavaScript, in `e2e/portal`; the browser is Debian's Chromium.

pub mod browser;
pub mod front;
pub mod modules;
pub mod portals;
pub mod provider;
pub mod tls;
