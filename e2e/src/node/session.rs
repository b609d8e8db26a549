//! A researcher's session in a notebook: honest work, and what someone who would carry data out tries.

use std::path::Path;

use crate::cluster::error::{Error, Result};
use crate::cluster::internet;
use crate::node::Site;
use crate::node::notebook::{Answer, Cell, talk};
use crate::node::story;

/// Runs the session in a running Workspace's notebook, through a client with the proxy's label.
///
/// # Errors
/// When the notebook cannot be reached.
pub fn work(
    site: &Site,
    project: &str,
    client: &str,
    workspace: &serde_json::Value,
) -> Result<Vec<Answer>> {
    let of = |field: &str| {
        workspace["status"]["pod"][field]
            .as_str()
            .unwrap_or_default()
    };
    let token = story::token(site, project, of("name"))?;
    talk(site, client, of("url"), &token, &cells(site)?)
}

/// What a researcher would do, and what someone who wants to carry data out would try.
fn cells(site: &Site) -> Result<Vec<Cell>> {
    let sentinel = site.cluster.kubectl([
        "get",
        "pod",
        "--namespace",
        "sde-system",
        "--selector",
        "app.kubernetes.io/component=sentinel",
        "--output",
        "jsonpath={.items[0].status.podIP}",
    ])?;
    let node = site.cluster.nodes()?.first().cloned().unwrap_or_default();
    let api = site.cluster.node_ip(&node)?;
    let dial = |address: &str, port: u16| {
        format!(
            "import socket\ntry:\n    socket.create_connection(('{address}', {port}), 3)\n    print('REACHED')\nexcept OSError as error:\n    print('blocked:', error)"
        )
    };
    let cell = |name, code: &str| Cell {
        name,
        code: code.to_owned(),
    };
    Ok(vec![
        cell(
            "variants counted by bcftools",
            "import subprocess\nprint(subprocess.run('bcftools view -H /data/genotypes/1kg.vcf.gz | wc -l', shell=True, capture_output=True, text=True).stdout)",
        ),
        cell(
            "people in the file",
            "print(subprocess.run('bcftools query -l /data/genotypes/1kg.vcf.gz | wc -l', shell=True, capture_output=True, text=True).stdout)",
        ),
        cell(
            "writes to the home volume",
            "open('/home/researcher/result.txt', 'w').write('ok')\nprint(open('/home/researcher/result.txt').read())",
        ),
        cell(
            "writes to the data",
            "open('/data/genotypes/1kg.vcf.gz', 'r+b').write(b'x')\nprint('WRITTEN')",
        ),
        cell(
            "makes a file beside the data",
            "open('/data/genotypes/new', 'w').write('x')\nprint('WRITTEN')",
        ),
        cell("dials the sentinel", &dial(sentinel.trim(), 7777)),
        cell("dials an outside address", &dial(internet::ADDRESS, 7777)),
        cell("dials the API server", &dial(&api, 6443)),
        cell(
            "asks DNS",
            "import socket\ntry:\n    print('RESOLVED', socket.gethostbyname('kubernetes.default.svc.cluster.local'))\nexcept OSError as error:\n    print('blocked:', error)",
        ),
        cell(
            "looks for an API token",
            "import os\nprint('FOUND' if os.path.exists('/var/run/secrets/kubernetes.io/serviceaccount/token') else 'none')",
        ),
    ])
}

/// Fails unless the honest work was done and everything else was refused.
///
/// # Errors
/// Names the first cell that went otherwise.
pub fn judge(answers: &[Answer]) -> Result<()> {
    let wrong = |answer: &Answer, why: &str| {
        Err(Error::malformed(
            Path::new(&answer.name),
            format!("{why}: {answer:?}"),
        ))
    };
    if answers.len() != 10 {
        return Err(Error::malformed(
            Path::new("notebook"),
            format!("{} of 10 cells answered", answers.len()),
        ));
    }
    for answer in answers {
        let number = answer.text.parse::<u32>().unwrap_or(0);
        let refused = !["REACHED", "WRITTEN", "RESOLVED", "FOUND"]
            .iter()
            .any(|bad| answer.text.contains(bad));
        let good = match answer.name.as_str() {
            "variants counted by bcftools" => number > 0,
            "people in the file" => number == 629,
            "writes to the home volume" => answer.text == "ok",
            "writes to the data" | "makes a file beside the data" => {
                refused
                    && answer
                        .error
                        .as_ref()
                        .is_some_and(|e| e.contains("Read-only") || e.contains("denied"))
            }
            "looks for an API token" => answer.text == "none",
            _ => refused && answer.text.starts_with("blocked"),
        };
        if !good {
            return wrong(answer, "not as it must be");
        }
    }
    Ok(())
}
