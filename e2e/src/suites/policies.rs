//! The admission policies in both forms: what each decides, asked of a real API server, and the examples of every kind.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use http::Method;
use kube::Client;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use sde_crds::names::{
    GROUP, MEMBERS_ANNOTATION, PROJECT_LABEL, RESEARCHER_CLUSTER_ROLE, VERSION, project_namespace,
};
use sde_policies::cases::{self, Expect, PolicyCases};
use sde_policies::generate;
use serde_json::{Value, json};

use super::asking::{ALL_RIGHTS, Answer, ask};
use super::error::{Result, SuiteError, check, check_equal};
use super::lab::LabOptions;
use super::policies_demanded;
use super::policies_static;
use super::policy_objects;
use super::policy_requests::Court;
use super::runner::{Runner, SuiteReport};
use crate::cluster::paths;
use crate::controlplane::error::{io, malformed};
use crate::controlplane::identity::{ADMIN, PEOPLE, token};
use crate::controlplane::install::{self, CONTROLLER_ACCOUNT, SYSTEM_NAMESPACE, account_token};
use crate::controlplane::{ControlPlane, ControlPlaneOptions};

/// How long the API server may take to enforce a policy that was just installed.
const IN_FORCE: Duration = Duration::from_secs(20);

/// The one kind that nobody but the controller writes.
const RECORD: &str = "DestructionRecord";

/// Runs the suite on three control planes of its own. Two have the chart and no controller: one with the policies as the chart installs
/// them, one that loads them from disk and from which an administrator has deleted the chart's. On the third the controller finds out.
///
/// # Errors
/// When a control plane does not start, or the cases or examples cannot be read.
pub async fn run(lab: LabOptions, filter: Option<String>) -> Result<SuiteReport> {
    let options = lab.plane.clone();
    let folder = paths::repository().join("policies");
    let files = cases::read(&folder).map_err(malformed(folder.display()))?;
    let examples = examples()?;
    let mut runner = Runner::new(filter);

    let plane = installed(options.clone()).await?;
    let court = Court::new(plane.admin(), examples.clone());
    for file in &files {
        let name = format!(
            "policies: {}: {} cases",
            file.short_name(),
            file.cases.len()
        );
        runner
            .test(&name, decides(&court, file, &file.policy))
            .await;
    }
    runner
        .test(
            "policies: the examples are accepted",
            accepts(&plane, &examples),
        )
        .await;
    plane.check()?;
    drop(plane);

    let static_policies = Some(folder.join(generate::STATIC_FOLDER));
    let plane = installed(ControlPlaneOptions {
        static_policies,
        ..options
    })
    .await?;
    runner
        .test(
            "policies: static: nobody sees, changes or deletes them, and the chart's are gone",
            policies_static::only_static(&plane.admin(), &files),
        )
        .await;
    let court = Court::new(plane.admin(), examples);
    for file in &files {
        let name = format!(
            "policies: static: {}: {} cases",
            file.short_name(),
            file.cases.len()
        );
        let policy = generate::static_name(&file.policy);
        runner.test(&name, decides(&court, file, &policy)).await;
    }
    plane.check()?;
    drop(plane);

    policies_demanded::run(lab, &mut runner).await?;
    Ok(runner.finish())
}

async fn installed(options: ControlPlaneOptions) -> Result<ControlPlane> {
    let helm = options.binaries.helm.clone();
    let plane = ControlPlane::start(options).await?;
    install::install(&plane, &helm).await?;
    all_rights(&plane.admin()).await?;
    policy_objects::install_foreign(&plane.admin()).await?;
    Ok(plane)
}

/// `crds/examples/`, by kind.
fn examples() -> Result<BTreeMap<String, Value>> {
    let folder = paths::repository().join("crds/examples");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&folder).map_err(io(folder.display()))? {
        let path = entry.map_err(io(folder.display()))?.path();
        let text = fs::read_to_string(&path).map_err(io(path.display()))?;
        let object: Value = serde_yaml_ng::from_str(&text).map_err(malformed(path.display()))?;
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        check(
            found.insert(kind.clone(), object).is_none(),
            format_args!("{}: a second example of kind {kind:?}", path.display()),
        )?;
    }
    Ok(found)
}

/// Gives [`ALL_RIGHTS`] what its name says.
async fn all_rights(admin: &Client) -> Result<()> {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "sde-e2e-all-rights"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": ALL_RIGHTS}],
    });
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let answer = ask(admin, Method::POST, path, Some(&binding), None).await?;
    check(answer.accepted(), answer)
}

/// Every case of a policy, under the name that refuses, comes out as its file says.
async fn decides(court: &Court, file: &PolicyCases, policy: &str) -> Result<()> {
    let refused = file.cases.iter().find(|case| case.expect == Expect::Deny);
    let Some(refused) = refused else {
        return Err(SuiteError::Check("nothing is refused".to_owned()));
    };
    // The API server takes up policies and rights a moment after they are written; what it allows before says nothing.
    let end = tokio::time::Instant::now() + IN_FORCE;
    while let Err(error) = court.try_case(policy, refused).await {
        if tokio::time::Instant::now() > end {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut wrong = Vec::new();
    for case in &file.cases {
        if let Err(error) = court.try_case(policy, case).await {
            wrong.push(error.to_string());
        }
    }
    check(wrong.is_empty(), wrong.join("\n    "))
}

/// The examples pass schema, rules, policies and the rights of those who write them; a DestructionRecord only as the controller.
async fn accepts(plane: &ControlPlane, examples: &BTreeMap<String, Value>) -> Result<()> {
    let controller = account(plane, SYSTEM_NAMESPACE, CONTROLLER_ACCOUNT).await?;
    let reviewer = output_checker(&plane.admin(), &examples["AirlockReview"]).await?;
    let writers = [
        ("SdePolicy", plane.admin()),
        ("Dataset", plane.person("custodian-a")?),
        ("Project", plane.person("custodian-a")?),
        ("ProjectApproval", plane.person("approver-a")?),
        (
            "Workspace",
            plane.acting(&token(ADMIN), &researcher_of(&examples["Workspace"]))?,
        ),
        (
            "AirlockRequest",
            plane.acting(&token(ADMIN), &researcher_of(&examples["Workspace"]))?,
        ),
        ("AirlockReview", plane.acting(&token(ADMIN), &reviewer)?),
        ("AirlockReceipt", controller.clone()),
        (RECORD, controller.clone()),
    ];
    let mut kinds: Vec<_> = writers.iter().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    check_equal(
        "kinds with an example",
        &examples.keys().map(String::as_str).collect::<Vec<_>>(),
        &kinds,
    )?;

    let record = &examples[RECORD];
    let words = "Only the controller writes a DestructionRecord";
    let end = tokio::time::Instant::now() + IN_FORCE;
    loop {
        let answer = create(&plane.admin(), RECORD, record).await?;
        if answer.status == 403 && answer.message().contains(words) {
            break;
        }
        check(
            tokio::time::Instant::now() < end,
            format_args!("a {RECORD} by {ADMIN}: {answer}"),
        )?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for person in PEOPLE {
        let answer = create(&plane.person(person.user)?, RECORD, record).await?;
        check(
            answer.status == 403,
            format_args!("a {RECORD} by {}: {answer}", person.user),
        )?;
    }

    project_namespace_of(&controller, &examples["Workspace"]).await?;
    for (kind, writer) in &writers {
        let answer = create(writer, kind, &examples[*kind]).await?;
        check(answer.accepted(), format_args!("{kind}: {answer}"))?;
    }
    Ok(())
}

/// Creates an object of ours by server-side dry run; unknown fields are refused.
async fn create(client: &Client, kind: &str, object: &Value) -> Result<Answer> {
    let plural = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, VERSION, kind)).plural;
    let namespace = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/namespaces/{namespace}"),
        None => String::new(),
    };
    let path =
        format!("/apis/{GROUP}/{VERSION}{namespace}/{plural}?dryRun=All&fieldValidation=Strict");
    ask(client, Method::POST, &path, Some(object), None).await
}

fn researcher_of(workspace: &Value) -> String {
    workspace["spec"]["user"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Binds the role of output checkers to the reviewer of the example, as the platform team would.
async fn output_checker(admin: &Client, review: &Value) -> Result<String> {
    let user = review["spec"]["reviewer"].as_str().unwrap_or_default();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "sde-e2e-output-checker"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sde-output-checker"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let answer = ask(admin, Method::POST, path, Some(&binding), None).await?;
    check(answer.accepted(), answer)?;
    Ok(user.to_owned())
}

/// The namespace of the example Workspace with its person's rights in it, by the controller's own account and as it makes them.
async fn project_namespace_of(controller: &Client, workspace: &Value) -> Result<()> {
    let namespace = project_namespace("prj-4f2c");
    check_equal(
        "namespace of the example Workspace",
        &workspace["metadata"]["namespace"],
        &json!(namespace),
    )?;
    let object = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {
            "name": namespace, "labels": {PROJECT_LABEL: "prj-4f2c"},
            "annotations": {MEMBERS_ANNOTATION: researcher_of(workspace)},
        },
    });
    let path = "/api/v1/namespaces";
    let answer = ask(controller, Method::POST, path, Some(&object), None).await?;
    check(answer.accepted(), answer)?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": RESEARCHER_CLUSTER_ROLE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": RESEARCHER_CLUSTER_ROLE},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": researcher_of(workspace)}],
    });
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    let answer = ask(controller, Method::POST, &path, Some(&binding), None).await?;
    check(answer.accepted(), answer)
}

async fn account(plane: &ControlPlane, namespace: &str, name: &str) -> Result<Client> {
    let token = account_token(&plane.admin(), namespace, name).await?;
    Ok(plane.client_with_token(&token)?)
}
