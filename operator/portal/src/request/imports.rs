//! What comes in, as a form says it: one block an import, each with the numbers of its files. Pure.

use sde_crds::airlock_request::Import;

use super::blocks::{self, Block, listed, span};
use crate::fields::{Fields, Problem};
use crate::inputs::value;
use crate::names;

/// Characters of a licence's reference (`sde_crds::schema::reference`).
const LICENCE: usize = 128;

/// Id of a field of a block.
pub fn id(block: i64, field: &str) -> String {
    format!("import-{block}-{field}")
}

/// A form for so many files as it is first shown: as it was declared before, or else one block with all, since what is brought at
/// once mostly is one thing from one place.
pub fn prefilled(files: i64, before: &[Import]) -> Fields {
    let mut fields = Fields::default();
    if before.is_empty() {
        fields.set(id(0, "files"), span(0, files - 1));
        fields.set(id(0, "name"), "import-1");
    }
    for (block, import) in (0i64..).zip(before) {
        let mut set = |field: &str, text: String| fields.set(id(block, field), text);
        set("files", listed(&import.files));
        set("name", import.name.clone());
        set("kind", format!("{:?}", import.kind));
        set("origin", import.origin.clone());
        set("licence", import.licence.clone().unwrap_or_default());
    }
    fields
}

/// The imports that a form declares; a block without files is none.
///
/// # Errors
/// What must be put right.
pub fn read(fields: &Fields, files: i64) -> Result<Vec<Import>, Vec<Problem>> {
    blocks::read(fields, id, files, one, |import| &import.name)
}

fn one(block: &Block<'_>, problems: &mut Vec<Problem>) -> Option<Import> {
    let begun = problems.len();
    let (name, files) = block.named(problems);
    let mut wrong = |field: &str, text: &str| problems.push(block.problem(field, text));
    let kind = value(block.get("kind"));
    if kind.is_none() {
        wrong("kind", "choose what it is");
    }
    let origin = block.get("origin");
    if let Err(why) = names::words(origin) {
        wrong("origin", why);
    }
    let licence = block.some("licence");
    let said = licence.as_deref().unwrap_or_default();
    if said.chars().count() > LICENCE {
        wrong("licence", "name the licence in at most 128 characters");
    }
    if problems.len() > begun {
        return None;
    }
    Some(Import {
        name,
        files,
        kind: kind?,
        origin: origin.to_owned(),
        licence,
    })
}

#[cfg(test)]
mod tests {
    use sde_crds::airlock_request::ImportKind;

    use super::*;

    fn example() -> Vec<Import> {
        let import = |name: &str, files: &[i64], kind, licence: Option<&str>| Import {
            name: name.to_owned(),
            files: files.to_vec(),
            kind,
            origin: "The registry's site, release 7".to_owned(),
            licence: licence.map(str::to_owned),
        };
        vec![
            import("panel", &[0, 2], ImportKind::Data, Some("CC-BY-4.0")),
            import("caller", &[1], ImportKind::Binary, None),
        ]
    }

    #[test]
    fn what_was_declared_is_read_back_as_it_was() {
        assert_eq!(read(&prefilled(3, &example()), 3), Ok(example()));
    }

    #[test]
    fn an_empty_form_holds_every_file_and_asks_for_the_rest() {
        let fields = prefilled(7, &[]);
        assert_eq!(fields.get("import-0-files"), "0-6");
        let problems = read(&fields, 7).expect_err("incomplete");
        let about: Vec<&str> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(about, ["import-0-kind", "import-0-origin"]);
    }

    #[test]
    fn what_the_api_would_refuse_is_said_before() {
        let refused = |field: &str, text: &str| {
            let mut fields = Fields::default();
            // The first of a name is what counts.
            fields.set(id(0, field), text);
            for (name, value) in [
                ("files", "0"),
                ("name", "panel"),
                ("kind", "Data"),
                ("origin", "A registry"),
            ] {
                fields.set(id(0, name), value);
            }
            read(&fields, 1).err().into_iter().flatten().count()
        };
        assert_eq!(refused("licence", &"x".repeat(128)), 0);
        assert_eq!(refused("licence", &"x".repeat(129)), 1);
        assert_eq!(refused("origin", &"x".repeat(33)), 1);
        assert_eq!(refused("kind", "Package"), 1);
        assert_eq!(refused("files", "1"), 1);
        assert_eq!(refused("name", "A panel"), 1);
    }

    #[test]
    fn no_two_are_called_the_same() {
        let mut twice = example();
        twice[1].name = "panel".to_owned();
        let problems = read(&prefilled(3, &twice), 3).expect_err("one name");
        assert_eq!(problems[0].field.as_deref(), Some("import-1-name"));
    }
}
