//! `kubectl sde status`: what is open, what waits, why and since when.
//!
//! `fetch` reads objects, `view` makes typed data of them (also the JSON), `tree` and `list` render it.

mod ending;
mod fetch;
mod list;

mod sections;
mod tree;
mod view;
mod workspaces;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use fetch::{approvals, get};

use jiff::Timestamp;
use kube::Client;

use crate::args::StatusArgs;
use crate::error::{CliError, Done};
use crate::out::{self, Format};
use crate::text::Paint;

/// Prints one project as a tree, or all as a table.
pub async fn run(client: &Client, args: &StatusArgs, paint: Paint) -> Result<Done, CliError> {
    let now = Timestamp::now();
    let format = args.output.output;
    if let Some(name) = &args.project {
        let found = fetch::project(client, name).await?;
        let view = view::view(&found, now);
        match format {
            Format::Json => out::print_json(&view)?,
            Format::Text => out::print(&tree::render(&view, now, paint, out::width()))?,
        }
    } else {
        let rows = list::rows(&fetch::all(client).await?);
        match format {
            Format::Json => out::print_json(&rows)?,
            Format::Text => out::print(&list::render(&rows, now, paint))?,
        }
    }
    Ok(Done::Yes)
}
