//! What the files are, as a form says it: one block an output, each with the numbers of its files. Pure.

use sde_crds::airlock_request::{Output, Population, Statistic, Suppression, SuppressionMethod};

use super::blocks::{self, Block, blocks, listed, span};
use crate::fields::{Fields, Problem};
use crate::inputs::value;
use crate::names;

/// Id of a field of a block.
pub fn id(block: i64, field: &str) -> String {
    format!("output-{block}-{field}")
}

/// A form for so many files as it is first shown: as it was declared before, or else a file a block, the last block with the rest.
pub fn prefilled(files: i64, before: &[Output]) -> Fields {
    let mut fields = Fields::default();
    if before.is_empty() {
        let last = blocks(files) - 1;
        for block in 0..=last {
            let numbers = if block == last {
                span(block, files - 1)
            } else {
                block.to_string()
            };
            fields.set(id(block, "files"), numbers);
            fields.set(id(block, "name"), format!("output-{}", block + 1));
        }
    }
    for (block, output) in (0i64..).zip(before) {
        let mut set = |field: &str, text: String| fields.set(id(block, field), text);
        set("name", output.name.clone());
        set("files", listed(&output.files));
        set("statistic", format!("{:?}", output.statistic));
        set("suppression", format!("{:?}", output.suppression.method));
        set("use", format!("{:?}", output.intended_use));
        let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        set("threshold", number(output.suppression.threshold));
        set("base", number(output.suppression.base));
        set("counts", number(output.counts_file));
        set("code", output.code.clone().unwrap_or_default());
        if let Some(whom) = &output.population {
            set("whom", whom.description.clone());
            set("people", whom.size.to_string());
        }
    }
    fields
}

/// The outputs that a form declares; a block without files is none.
///
/// # Errors
/// What must be put right.
pub fn read(fields: &Fields, files: i64) -> Result<Vec<Output>, Vec<Problem>> {
    blocks::read(fields, id, files, one, |output| &output.name)
}

fn one(block: &Block<'_>, problems: &mut Vec<Problem>) -> Option<Output> {
    let begun = problems.len();
    let (name, files) = block.named(problems);
    let get = |field: &str| block.get(field);
    let mut wrong = |field: &str, text: &str| problems.push(block.problem(field, text));
    let statistic: Option<Statistic> = value(get("statistic"));
    if statistic.is_none() {
        wrong("statistic", "choose what kind of result it is");
    }
    let method: Option<SuppressionMethod> = value(get("suppression"));
    if method.is_none() {
        wrong("suppression", "choose what was done about small counts");
    }
    let intended_use = value(get("use"));
    if intended_use.is_none() {
        wrong("use", "choose what it is wanted for");
    }
    let mut number = |field: &str, from: i64, to: i64, text: &str| {
        let said = get(field);
        let number = said.parse().ok().filter(|n| (from..=to).contains(n));
        if number.is_none() && !said.is_empty() {
            wrong(field, text);
        }
        number
    };
    let mut threshold = number(
        "threshold",
        1,
        1000,
        "a threshold is a number from 1 to 1000",
    );
    let mut base = number(
        "base",
        2,
        1000,
        "counts are rounded to multiples of 2 to 1000",
    );
    let counts_file = number(
        "counts",
        0,
        block.sealed() - 1,
        "this is no number of a file",
    );
    let size = number("people", 0, 100_000_000, "say how many people, as a number");
    let suppresses = matches!(
        method,
        Some(SuppressionMethod::Suppressed | SuppressionMethod::SuppressedAndSecondary)
    );
    if suppresses && threshold.is_none() {
        wrong("threshold", "say below which number counts are left out");
    }
    if method == Some(SuppressionMethod::Rounded) && base.is_none() {
        wrong(
            "base",
            "say to multiples of which number counts are rounded",
        );
    }
    // What does not go with the method was not asked for.
    threshold = threshold.filter(|_| suppresses);
    base = base.filter(|_| method == Some(SuppressionMethod::Rounded));
    let whom = get("whom");
    let must = !matches!(
        statistic,
        None | Some(Statistic::Code | Statistic::Document)
    );
    if must || !whom.is_empty() {
        if let Err(why) = names::words(whom) {
            wrong("whom", why);
        }
        if size.is_none() {
            wrong("people", "say how many people it is about");
        }
    }
    let code = block.some("code");
    match &code {
        None if must => wrong("code", "say which code made it"),
        Some(code) if !is_code(code) => wrong(
            "code",
            "write git: and a commit of 40 digits, or sha256: and 64 digits, in hexadecimal",
        ),
        _ => {}
    }
    if problems.len() > begun {
        return None;
    }
    let method = method?;
    Some(Output {
        name,
        files,
        statistic: statistic?,
        population: size.filter(|_| !whom.is_empty()).map(|size| Population {
            description: whom.to_owned(),
            size,
        }),
        suppression: Suppression {
            method,
            threshold,
            base,
        },
        counts_file,
        code,
        intended_use: intended_use?,
    })
}

fn is_code(text: &str) -> bool {
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    text.strip_prefix("git:").is_some_and(|t| hex(t, 40))
        || text.strip_prefix("sha256:").is_some_and(|t| hex(t, 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<Output> {
        let request: sde_crds::AirlockRequest = serde_yaml_ng::from_str(include_str!(
            "../../../../crds/examples/airlockrequest.yaml"
        ))
        .expect("example");
        request.spec.outputs.expect("outputs")
    }

    #[test]
    fn what_was_declared_is_read_back_as_it_was() {
        assert_eq!(read(&prefilled(4, &example()), 4), Ok(example()));
    }

    #[test]
    fn an_empty_form_asks_for_everything_and_names_the_fields() {
        let problems = read(&prefilled(2, &[]), 2).expect_err("incomplete");
        let about = |field: &str| problems.iter().any(|p| p.field.as_deref() == Some(field));
        for field in ["output-0-statistic", "output-1-use", "output-1-suppression"] {
            assert!(about(field), "{field}: {problems:?}");
        }
        assert!(!about("output-0-files"));
    }

    #[test]
    fn fifty_files_go_into_twenty_blocks() {
        let fields = prefilled(50, &[]);
        let files: Vec<i64> = (0..20)
            .flat_map(|block| blocks::numbers(fields.get(&id(block, "files"))).expect("numbers"))
            .collect();
        assert_eq!(files, (0..50).collect::<Vec<i64>>());
    }

    #[test]
    fn what_does_not_go_with_the_method_is_left_out() {
        let mut before = example();
        before[0].suppression = Suppression {
            method: SuppressionMethod::None,
            threshold: Some(10),
            base: Some(5),
        };
        let read = read(&prefilled(4, &before), 4).expect("outputs");
        assert_eq!(
            (read[0].suppression.threshold, read[0].suppression.base),
            (None, None)
        );
    }
}
