//! A transfer on a real cluster: a grant, encrypted where it is mounted; two custodians who look at it see ciphertext alone, and so does
//! root on the node; a third collects it, and its environment opens it with stock tools. Closing names that environment.

use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use sde_core::airlock::transfer::recipient;
use sde_crds::policy_lists::SdeKeys;
use sde_evidence::Outcome;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::{Result, SuiteError, check, check_equal};
use super::node_closing::{Ended, ended};
use super::node_door::{self, Files};
use super::node_request::Request;
use crate::cluster::{error::Error, paths};
use crate::images::data::{self, data_image};
use crate::node::Site;
use crate::node::acts;
use crate::node::door::Door;
use crate::node::partner::Partner;
use crate::node::site::manifest_digest;
use crate::node::story::{self, Source, day};

/// The environment that receives.
const PARTNER: &str = "partner-sde";
/// Who agrees, beside the custodian who asks.
const OTHERS: [&str; 2] = ["custodian-b", "custodian-c"];
/// What is granted beside the genotypes.
const README: (&str, &str) = (
    "doc/README.txt",
    "Genotypes of 629 people of the 1000 Genomes Project, as the custodian describes them.\n",
);
/// Where the same bytes are on the node, for comparison.
const NODE_COPY: &str = "/var/sde-data/1kg-described";
/// The first bytes of any VCF.
const VCF: &[u8] = b"##fileformat=VCF";
/// Bytes by which a file is known again.
const KNOWN_BY: usize = 32;

pub(super) fn transfer(site: &Site) -> Result<()> {
    for custodian in OTHERS {
        if !site.people.kubeconfig(custodian).exists() {
            let role = Some("sde-custodian");
            site.people.enrol(&site.cluster, custodian, role)?;
        }
    }
    let folder = site.folder.join("suites/transfer");
    let partner = Partner::found(&folder.join("partner"))?;
    let stranger = Partner::found(&folder.join("stranger"))?;
    let mut policy = site.policy();
    policy["spec"]["thirdPartySdes"] = json!([{
        "name": PARTNER, "country": "GB", "standard": "SATRE-2.0.1", "guidanceVersion": "2026-07-02", "keys": partner.keys()?,
        "assessment": {"reference": "SDE-4", "date": day(-10), "digest": format!("sha256:{}", "4".repeat(64)), "expires": day(600)},
    }]);
    // Who names no country of its own knows of no environment that it is not abroad.
    let today = day(0);
    policy["spec"]["transfers"] = json!({
        "country": "GB",
        "adequacy": {"asOf": today, "maxAgeDays": 366, "countries": []},
        "sanctions": {"asOf": today, "maxAgeDays": 366, "countries": [], "organisations": []},
    });
    site.apply(&policy)?;
    let done = handed_over(site, &partner, &stranger);
    site.apply(&site.policy())?;
    done
}

fn handed_over(site: &Site, partner: &Partner, stranger: &Partner) -> Result<()> {
    let plain = Plain::make(site)?;
    let project = granted(site, &plain)?;
    let door = Door::open(site)?;
    let request = Request::transfer(site, &project, "cohort", ("genotypes", PARTNER))?;
    let sealed = request.when("sealed", |r| r["status"]["content"].is_object())?;
    let content = &sealed["status"]["content"];
    check_equal("files", &content["files"], &json!(plain.files.len()))?;
    let keys: SdeKeys = serde_json::from_value(partner.keys()?)
        .map_err(|e| SuiteError::Check(format!("the partner's keys: {e}")))?;
    let to = recipient(&keys);
    check_equal("to whose keys", &content["recipient"], &json!(to))?;
    request.confirm()?;
    request.approve_seeing(&door, |told| plain.is_not_shown(told))?;
    request.phase("Released")?;
    plain.is_not_on_the_node(site, &request)?;
    let (arrived, receipts) = node_door::collected(site, &door, &request)?;
    for receipt in receipts {
        let said = receipt.request.transfer;
        let said = said.map(|t| (t.grant, t.sde, Some(t.recipient.to_string())));
        let wanted = ("genotypes".to_owned(), PARTNER.to_owned(), to.clone());
        check_equal("where a receipt says that it goes", &said, &Some(wanted))?;
    }
    plain.arrived(&arrived, partner, stranger)?;
    names_the_partner(&ended(site, &project, &request, OTHERS.first().copied())?)
}

/// A project that is granted these files, and may hand them to the partner.
fn granted(site: &Site, plain: &Plain) -> Result<String> {
    let project = acts::name("transfer");
    let dataset = format!("{project}-data");
    let mut registered = story::dataset(site, &dataset, &project, Source::Image);
    registered["spec"]["source"]["image"]["reference"] = json!(plain.image);
    registered["spec"]["manifestDigest"] = json!(manifest_digest(&site.agent, &plain.folder)?);
    site.apply_as("custodian-a", &registered)?;
    let mut object = story::project(&project, &dataset);
    object["spec"]["setting"] = json!({
        "kind": "ThirdParty", "sdes": [PARTNER], "justification": "Their cohort may not leave them",
    });
    site.apply_as("custodian-a", &object)?;
    acts::approve(site, &project)?;
    acts::active(site, &project)?;
    Ok(project)
}

/// What is granted, as its custodian has it.
struct Plain {
    folder: PathBuf,
    /// Reference of the image that holds it.
    image: String,
    files: Files,
}

impl Plain {
    /// The 1000 Genomes excerpt, and a text.
    fn make(site: &Site) -> Result<Self> {
        let folder = site.folder.join("suites/1kg-described");
        let genotypes = std::fs::read(data::genomes()?.join(data::FILE))
            .map_err(Error::io("cannot read", &folder))?;
        let (readme, text) = README;
        let files = Files::from([
            (data::FILE.to_owned(), genotypes),
            (readme.to_owned(), text.as_bytes().to_vec()),
        ]);
        paths::remove_dir(&folder)?;
        for (name, content) in &files {
            let file = folder.join(name);
            file.parent().map_or(Ok(()), paths::create_dir)?;
            paths::write(&file, content)?;
        }
        let image = data_image(&folder)?;
        site.cluster.load(&image)?;
        data::put_on_nodes(&site.cluster, &folder, NODE_COPY)?;
        Ok(Self {
            folder,
            image: image.reference,
            files,
        })
    }

    /// Names of the files of which something is in these bytes: how they begin, or their middle.
    fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        let known = self.files.iter().filter(|(_, content)| {
            let parts = [0, content.len() / 2].map(|at| content.get(at..at + KNOWN_BY));
            parts.into_iter().flatten().any(holds)
        });
        let names = known.map(|(name, _)| name.as_str());
        names.chain(holds(VCF).then_some("VCF")).collect()
    }

    /// What the viewer shows of each file is how a Crypt4GH or an age file begins, and nothing of the grant.
    fn is_not_shown(&self, told: &Value) -> Result<()> {
        let pages = told["pages"].as_object();
        let pages: Vec<&str> = pages
            .into_iter()
            .flatten()
            .filter_map(|(_, p)| p.as_str())
            .collect();
        check_equal("pages", &pages.len(), &self.files.len())?;
        let shown: Vec<Vec<u8>> = pages.iter().map(|page| bytes_on(page)).collect();
        for (page, bytes) in pages.iter().zip(&shown) {
            for seen in [page.as_bytes(), bytes] {
                check_equal(
                    "what is readable of the grant",
                    &self.found_in(seen),
                    &vec![],
                )?;
            }
        }
        // Positive control: bytes are shown, and they are those of what was made of it.
        for begins in ["crypt4gh", "age-encryption.org/v1"] {
            check(
                shown
                    .iter()
                    .any(|bytes| bytes.starts_with(begins.as_bytes())),
                format_args!("no file begins with {begins}: {told}"),
            )?;
        }
        Ok(())
    }

    /// Root on the node finds nothing of the grant in the chamber, by the same search that finds it in the grant's own files.
    fn is_not_on_the_node(&self, site: &Site, request: &Request<'_>) -> Result<()> {
        let node = request.node()?;
        let under = |path: &str| -> Result<Vec<u8>> {
            let read = format!("tar --create --directory '{path}' . | base64 --wrap 0");
            let text = site.cluster.exec_on_node(&node, &["sh", "-c", &read])?;
            let bytes = STANDARD.decode(text);
            bytes.map_err(|e| SuiteError::Check(format!("{path} on {node}: {e}")))
        };
        let chamber = request.path()?;
        check_equal(&chamber, &self.found_in(&under(&chamber)?), &vec![])?;
        let all: Vec<&str> = self.files.keys().map(String::as_str).collect();
        check_equal(NODE_COPY, &self.found_in(&under(NODE_COPY)?), &all)
    }

    /// The partner opens every file that arrived, and it is what was granted; nobody else opens any.
    fn arrived(&self, arrived: &Files, partner: &Partner, stranger: &Partner) -> Result<()> {
        let names: Vec<&str> = arrived.keys().map(String::as_str).collect();
        let wanted = vec!["1kg.vcf.gz.c4gh", "doc/README.txt.age"];
        check_equal("what arrived", &names, &wanted)?;
        for (name, sent) in arrived {
            check_equal(name, &self.found_in(sent), &vec![])?;
            let of_stranger = stranger.open(name, sent)?;
            check(
                of_stranger.is_none(),
                format_args!("{name} is opened with other keys"),
            )?;
            let opened = partner.open(name, sent)?.unwrap_or_default();
            let (plain, _) = name.rsplit_once('.').unwrap_or_default();
            let source = self.files.get(plain).map(|content| sha256(content));
            check_equal(plain, &Some(sha256(&opened)), &source)?;
            if plain.ends_with(".gz") {
                let mut text = [0; VCF.len()];
                let read = MultiGzDecoder::new(opened.as_slice()).read_exact(&mut text);
                check(
                    read.is_ok() && self.found_in(&text) == ["VCF"],
                    format_args!("{plain} is no VCF: {text:?}"),
                )?;
            }
        }
        Ok(())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The bytes that a page of the viewer shows as hexadecimal digits: sixteen a line, behind where they are and before their letters.
fn bytes_on(page: &str) -> Vec<u8> {
    let shown = page.split_once("<pre class=\"hex\">").map(|(_, rest)| rest);
    let shown = shown.and_then(|rest| rest.split_once("</pre>"));
    let lines = shown.iter().flat_map(|(dump, _)| dump.lines());
    let digits = lines.filter_map(|line| line.get(9..57));
    let words = digits.flat_map(str::split_whitespace);
    words
        .filter_map(|word| u8::from_str_radix(word, 16).ok())
        .collect()
}

/// The attestation waits for what the partner confirms, and says so to whoever verifies it with stock tools.
fn names_the_partner(ended: &Ended) -> Result<()> {
    let read = |name: &str| paths::read(&ended.exported.folder().join(name));
    let (bundle, evidence) = (read("bundle.sigstore.json")?, read("evidence.json")?);
    let key = read("key-from-the-status.pem")?;
    let verified = sde_evidence::verify(bundle.as_bytes(), evidence.as_bytes(), &key);
    let verified = verified.map_err(|e| SuiteError::Check(format!("the attestation: {e}")))?;
    let facts = verified.statement.predicate.facts();
    let parties = facts.copies.third_party_sdes.iter();
    let unconfirmed = parties.filter(|p| p.confirmation_digest.is_none());
    let names: Vec<&str> = unconfirmed.map(|p| p.name.as_str()).collect();
    check_equal("other environments", &names, &vec![PARTNER])?;
    check_equal("outcome", &facts.outcome, &Outcome::DestroyedPending)?;
    for said in [&ended.verdict.ours, &ended.verdict.stock] {
        let said = said.as_deref().unwrap_or_default();
        check(
            said.contains(PARTNER),
            format_args!("a verifier does not name {PARTNER}: {said}"),
        )?;
    }
    Ok(())
}
