//! An import from question to inbox, all in the browser. The stand-in takes no files: what it seals is one, whatever was uploaded.

use sde_crds::airlock_status::{AirlockPhase, AirlockRequestStatus, ServingKind};
use serde_json::json;

use super::airlock_export::{CHECKERS, Export, code};
use super::error::{Result, check};
use super::lab::Lab;
use super::portal_flow::leads;
use super::portal_pages::Album;
use super::portal_people::{Visitor, says, shows};
use crate::portal::front::Front;
use crate::portal::portals::Side;

const REQUEST: &str = "reference";

/// Its requester makes it, uploads, seals, declares and submits it; a reviewer agrees; it is in the inbox.
pub(super) async fn brought(
    lab: &Lab,
    front: &Front,
    researcher: Visitor<'_>,
    project: &str,
    album: &Album<'_>,
) -> Result<()> {
    let path = format!("/projects/{project}/requests/{REQUEST}");
    let import = Export::of(lab, project, REQUEST);
    made(researcher, project, &path, album).await?;
    uploaded(lab, researcher, &import, &path, album).await?;
    declared(researcher, &path, album).await?;

    let [name, _] = CHECKERS;
    let checker = Visitor::at(front, Side::Decide, name).await?;
    checker.follow(REQUEST).await?;
    let page = checker.until(&path, "Look at the files").await?;
    shows(&page, "What to look for")?;
    shows(&page, "The registry, release 7")?;
    let seen = import.phase(AirlockPhase::InReview).await?;
    leads(lab, &page, &seen, ServingKind::View).await?;
    checker.pictured(album, "decide-import").await?;
    let decided = checker
        .submit(
            "Decide",
            json!({"decision": "Approve", "seen": code(lab, name, &seen).await?}),
        )
        .await?;
    shows(&decided, "Your decision is made")?;
    import.phase(AirlockPhase::Released).await?;
    let inbox = format!("Its files are in /inbox/{REQUEST}");
    researcher.until(&path, &inbox).await?;
    researcher.pictured(album, "import-released").await?;
    Ok(())
}

async fn made(researcher: Visitor<'_>, project: &str, path: &str, album: &Album<'_>) -> Result<()> {
    researcher.visit("/").await?;
    researcher
        .follow(&format!("Bring files into {project}"))
        .await?;
    researcher.pictured(album, "import-new").await?;
    let make = "Make the request";
    let empty = researcher.submit(make, json!({})).await?;
    shows(&empty, "There is something to put right")?;
    researcher.answered(album, "import-new-problems").await?;
    let asked = json!({"name": REQUEST, "justification": "A panel to impute with"});
    let made = researcher.submit(make, asked).await?;
    shows(&made, &format!("Request {REQUEST}"))?;
    // The controller has looked at it, and changes it no more.
    let draft = researcher.until(path, "The operator says").await?;
    shows(&draft, "Upload files")?;
    check(
        !says(&draft, "That is all: seal it"),
        "nothing is there, and it can be sealed",
    )?;
    researcher.pictured(album, "import-draft").await?;
    Ok(())
}

async fn uploaded(
    lab: &Lab,
    researcher: Visitor<'_>,
    import: &Export<'_>,
    path: &str,
    album: &Album<'_>,
) -> Result<()> {
    let coming = researcher.submit("Upload files", json!({})).await?;
    shows(&coming, "It is being made ready to take your files")?;
    let page = researcher.until(path, "Open the upload page").await?;
    let receives = |status: &AirlockRequestStatus| {
        let mut serving = status.serving.iter().flatten();
        serving.any(|serving| serving.kind == ServingKind::Receive)
    };
    let open = import.when("somebody who takes files", receives).await?;
    leads(lab, &page, &open, ServingKind::Receive).await?;
    researcher.pictured(album, "import-upload").await?;
    let sealing = researcher.submit("That is all: seal it", json!({})).await?;
    shows(&sealing, "nothing can be added or changed any more")
}

async fn declared(researcher: Visitor<'_>, path: &str, album: &Album<'_>) -> Result<()> {
    let sealed = "Say what each file is, and submit";
    researcher.until(path, sealed).await?;
    researcher.pictured(album, "import-sealed").await?;
    researcher.follow(sealed).await?;
    researcher.pictured(album, "import-declare").await?;
    let unsaid = researcher.submit("Submit", json!({"sure": true})).await?;
    shows(&unsaid, "There is something to put right")?;
    let said = json!({
        "import-0-kind": "Data", "import-0-origin": "The registry, release 7", "import-0-licence": "CC-BY-4.0",
    });
    let submitted = researcher.submit("Submit", said).await?;
    shows(&submitted, "Exactly what was sealed is submitted")?;
    researcher.until(path, "In review").await?;
    Ok(())
}
