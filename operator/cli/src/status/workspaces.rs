//! Workspaces in a project's tree.

use jiff::Timestamp;
use sde_crds::workspace::WorkspacePhase;

use super::fetch::Seen;
use super::tree::{branch, section, since, told};
use super::view::WorkspaceView;
use crate::text::{Line, Tone, Tree};

/// The section `workspaces`.
pub fn workspaces(seen: &Seen<Vec<WorkspaceView>>, now: Timestamp) -> Tree {
    let all = match seen {
        Seen::Visible(all) => all,
        Seen::Hidden(why) => {
            return branch(
                section("workspaces").and(Tone::Dim, format!("not visible to you: {why}")),
            );
        }
    };
    let running = all
        .iter()
        .filter(|w| w.phase == WorkspacePhase::Running)
        .count();
    let says = if all.is_empty() {
        "none".to_owned()
    } else {
        format!("{running} of {} running", all.len())
    };
    let mut tree = branch(section("workspaces").and(Tone::Plain, says));
    for workspace in all {
        tree.push(one_workspace(workspace, now));
    }
    tree
}

fn one_workspace(workspace: &WorkspaceView, now: Timestamp) -> Tree {
    let (tone, mark) = match workspace.phase {
        WorkspacePhase::Running => (Tone::Good, "✓ "),
        WorkspacePhase::Refused | WorkspacePhase::Failed => (Tone::Bad, "✗ "),
        WorkspacePhase::Stopped => (Tone::Dim, "· "),
        _ => (Tone::Wait, "… "),
    };
    let node = workspace
        .node
        .as_ref()
        .map(|n| format!(" on {n}"))
        .unwrap_or_default();
    let mut line = Line::new(tone, mark)
        .and(
            Tone::Plain,
            format!(
                "{}  {}, {}{node}: ",
                workspace.name, workspace.user, workspace.environment
            ),
        )
        .and(tone, workspace.phase.to_string());
    if let Some(ready) = &workspace.ready {
        line = line.and(Tone::Dim, format!(" {}", since(ready, now)));
    }
    let mut tree = Tree::new(line);
    if let Some(ready) = workspace.ready.as_ref().filter(|r| r.status != "True") {
        tree.leaf(Line::plain(ready.message.clone()));
    }
    if let Some(lock) = workspace
        .lock
        .as_ref()
        .filter(|_| workspace.phase != WorkspacePhase::Stopped)
    {
        let says = if workspace.failed_starts > 0 {
            format!(
                "lock, {} starts refused in a row: ",
                workspace.failed_starts
            )
        } else {
            "lock: ".to_owned()
        };
        tree.leaf(told(Line::plain(says), Some(lock), now));
    }
    tree
}
