//! The pages of an Import before it is sealed: what is there, room for more, and what was not taken.

use axum::response::Html;
use maud::{Markup, html};

use crate::airlock::receive::form::Came;
use crate::airlock::receive::store::Shown;
use crate::airlock::view::text::visible;
use crate::page::page;

/// What is there, and forms to add to it and to take from it.
pub fn files(title: &str, shown: &Shown) -> Html<String> {
    let title = format!("Files for {title}");
    let limits = shown.limits;
    let files = shown.files.len() as u64;
    let (files_left, room) = (
        limits.files.saturating_sub(files),
        limits.bytes.saturating_sub(shown.bytes),
    );
    let main = html! {
        h1 { (title) }
        p { "Add all files of this Import here. When they are all in the list, go back to the portal and seal: nothing is reviewed before that, and nothing can be added afterwards." }
        p {
            "Room that is left: " strong { (files_left) " of " (limits.files) " files" } " and "
            strong { (amount(room)) } " of " (amount(limits.bytes)) "."
        }
        h2 { "What is there" }
        @if shown.files.is_empty() {
            p { "No file has arrived yet." }
        } @else {
            (table(shown))
            p { "Compare each SHA-256 with that of your own copy (sha256sum): what is listed here is what will be sealed." }
        }
        h2 { "Add files" }
        @if files_left == 0 || room == 0 {
            p { "There is no room for more, but a file can be replaced by one of the same name." }
        }
        form method="post" action="files" enctype="multipart/form-data" {
            p {
                label for="folder" { "Folder (may be empty)" }
                input id="folder" name="folder" type="text" maxlength="1024" autocomplete="off" aria-describedby="folder-hint";
            }
            p id="folder-hint" class="hint" { "Where the files go, such as panel/2026. It is made if it is not there." }
            p {
                label for="file" { "Files" }
                input id="file" name="file" type="file" multiple required aria-describedby="file-hint";
            }
            p id="file-hint" class="hint" { "Several at once, if you like. A file of the same folder and name replaces the one that is there. The page comes back when all have arrived; leave it open until then." }
            p { button type="submit" { "Add these files" } }
        }
        p { "This place stays open for half an hour after the last thing you did in it. What has arrived is kept; ask for another in the portal to go on." }
    };
    page(&title, &main)
}

fn table(shown: &Shown) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Files" {
            table {
                caption { "Files: " (shown.files.len()) ", bytes: " (shown.bytes) }
                thead { tr {
                    th scope="col" { "Name" }
                    th scope="col" class="number" { "Bytes" }
                    th scope="col" { "SHA-256" }
                    th scope="col" { "Remove" }
                } }
                tbody {
                    @for (path, kept) in &shown.files {
                        tr {
                            th scope="row" class="name" { (visible(path.as_bytes())) }
                            td class="number" { (kept.size) }
                            td class="name" {
                                @match &kept.sha256 {
                                    Some(sha256) => (sha256),
                                    None => "is being computed: load this page again",
                                }
                            }
                            td {
                                form method="post" action="remove" {
                                    input type="hidden" name="path" value=(path);
                                    button type="submit" aria-label={ "Remove " (path) } { "Remove" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What of a form was not taken, and why.
pub fn refused(title: &str, came: &Came) -> Html<String> {
    let title = format!("Not all files were added to {title}");
    let main = html! {
        h1 { (title) }
        @if came.refused.is_empty() {
            p { "The form held no file. Choose one, then add it." }
        } @else {
            p { "Files that were added: " (came.kept) ". These were not, and nothing of them was kept:" }
            ul {
                @for (name, why) in &came.refused {
                    li {
                        strong {
                            @if name.is_empty() { "A file without a name" } @else { (visible(name.as_bytes())) }
                        }
                        ": " (why)
                    }
                }
            }
        }
        p { a href="./" { "Back to the list of files" } }
    };
    page(&title, &main)
}

/// Bytes, and what that is in a unit that people know.
fn amount(bytes: u64) -> String {
    let unit = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fits = unit.iter().find(|(_, shift)| bytes >> shift > 0);
    fits.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, shift)| {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{bytes} bytes ({}.{} {unit})", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_twice() {
        assert_eq!(amount(0), "0 bytes");
        assert_eq!(amount(1023), "1023 bytes");
        assert_eq!(amount(1536), "1536 bytes (1.5 KiB)");
        assert_eq!(amount(2 << 30), "2147483648 bytes (2.0 GiB)");
        assert!(amount(u64::MAX).ends_with("(17179869183.9 GiB)"));
    }
}
