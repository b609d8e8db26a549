//! The node lane's airlock, on a cluster of its own: its tests take as long as all others of the lane together.

use super::error::Result;
use super::node::{Test, on_cilium};
use super::runner::SuiteReport;
use super::{
    node_export as exports, node_formats as formats, node_import as imports,
    node_malware as malware, node_transfer as transfers,
};

/// Runs the suite.
///
/// # Errors
/// As [`on_cilium`].
pub async fn run(name: &str, filter: Option<String>) -> Result<SuiteReport> {
    let tests: &[Test] = &[
        (
            "node: an export: sealed, scanned, reviewed, verified; changed bytes and links are refused",
            exports::export,
        ),
        (
            "node: an import: brought, sealed, reviewed, read in a notebook; changed bytes are refused",
            imports::import,
        ),
        (
            "node: real tools' output: each format is held by a rule of its own, honest results by none",
            formats::formats,
        ),
        (
            "node: malware: a file is blocked, and nothing is let through while its scanner gives no answer",
            malware::malware,
        ),
        (
            "node: a transfer: encrypted, reviewed unread, opened by its environment alone, which closing names",
            transfers::transfer,
        ),
    ];
    on_cilium(name, filter, tests).await
}
