//! Who may do what: the roles, whom hub and portal may act for, what becomes of a person who leaves, and whether the
//! controller uses what it is granted and nothing else.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use sde_crds::names::{GROUP, project_namespace};
use serde_json::json;

use super::error::{Result, check};
use super::lab::Lab;
use super::life::{Life, RESEARCHER};
use super::runner::{Runner, SuiteReport};
use super::{access_leaving, access_rights, access_tokens};

/// The project in which people work in this suite.
pub(super) const PROJECT: &str = "access";

/// Runs the suite.
///
/// # Errors
/// When the first project does not open; what else fails is in the report.
pub async fn run(lab: &Lab, filter: Option<String>) -> Result<SuiteReport> {
    let mut runner = Runner::new(filter);
    Life::new(lab, PROJECT).open().await?;
    runner
        .test("access: each role may do this and no more", roles(lab))
        .await;
    runner
        .test(
            "access: the hub acts for members, in Workspaces, and for nobody else",
            access_tokens::hub(lab),
        )
        .await;
    runner
        .test(
            "access: the portal's two tokens: one asks, one decides",
            access_tokens::portal(lab),
        )
        .await;
    runner
        .test(
            "access: a Workspace for somebody else is void",
            access_tokens::for_somebody_else(lab),
        )
        .await;
    runner
        .test(
            "access: who leaves loses binding, Workspace and API within seconds",
            access_leaving::leaves(lab),
        )
        .await;
    runner
        .test(
            "access: the controller binds and escalates what is named, and needs both",
            access_rights::bind_and_escalate(lab),
        )
        .await;
    runner
        .test(
            "access: no request of the controller is beyond its rules",
            access_rights::nothing_beyond(lab),
        )
        .await;
    Ok(runner.finish())
}

/// Verbs with their resources.
type Verbs = &'static [(&'static str, &'static str)];

const READS: Verbs = &[
    ("get", "sdepolicies"),
    ("get", "datasets"),
    ("get", "projects"),
    ("get", "projectapprovals"),
    ("get", "airlockreceipts"),
    ("get", "destructionrecords"),
];
const CUSTODY: Verbs = &[
    ("create", "datasets"),
    ("patch", "datasets"),
    ("delete", "datasets"),
    ("create", "projects"),
    ("patch", "projects"),
    ("delete", "projects"),
];
const DECIDES: Verbs = &[("create", "projectapprovals")];
const SEES_WORK: Verbs = &[("get", "workspaces")];
const WORKS: Verbs = &[
    ("get", "workspaces"),
    ("create", "workspaces"),
    ("patch", "workspaces"),
];
const ASKS: Verbs = &[
    ("get", "airlockrequests"),
    ("create", "airlockrequests"),
    ("patch", "airlockrequests"),
];
const SEES_REQUESTS: Verbs = &[("get", "airlockrequests")];
/// Who decides does not read what others decided.
const REVIEWS: Verbs = &[("create", "airlockreviews")];
const SEES_REVIEWS: Verbs = &[("get", "airlockreviews")];
const GOVERNS: Verbs = &[("create", "sdepolicies"), ("patch", "sdepolicies")];

/// Resources that are asked about, with their groups: ours, and those that would make any role an administrator's.
const ASKED: [(&str, &str); 13] = [
    (GROUP, "sdepolicies"),
    (GROUP, "datasets"),
    (GROUP, "projects"),
    (GROUP, "projectapprovals"),
    (GROUP, "workspaces"),
    (GROUP, "destructionrecords"),
    (GROUP, "airlockreceipts"),
    (GROUP, "airlockrequests"),
    (GROUP, "airlockreviews"),
    ("", "secrets"),
    ("", "pods"),
    ("", "namespaces"),
    ("rbac.authorization.k8s.io", "rolebindings"),
];

/// Everything that is not listed for a role must be refused; what is listed is each refusal's control.
async fn roles(lab: &Lab) -> Result<()> {
    let own = project_namespace(PROJECT);
    let lists: [(&str, Option<&str>, &[Verbs]); 8] = [
        (
            "sde-custodian",
            None,
            &[READS, SEES_WORK, CUSTODY, DECIDES, ASKS, REVIEWS],
        ),
        ("sde-approver", None, &[READS, DECIDES]),
        ("sde-output-checker", None, &[READS, SEES_REQUESTS, REVIEWS]),
        (
            "sde-auditor",
            None,
            &[READS, SEES_WORK, SEES_REQUESTS, SEES_REVIEWS],
        ),
        ("sde-platform", None, &[READS, SEES_WORK, GOVERNS]),
        ("sde-researcher", Some(&own), &[WORKS, ASKS]),
        // A researcher of one project, in another project and everywhere.
        ("", Some("sde-project-another"), &[]),
        ("", None, &[]),
    ];
    for (role, namespace, allowed) in lists {
        let user = match role {
            "" | "sde-researcher" => RESEARCHER.to_owned(),
            role => bound(lab, role).await?,
        };
        for (group, resource) in ASKED {
            for verb in ["get", "create", "patch", "delete"] {
                let wanted = allowed.iter().any(|list| list.contains(&(verb, resource)));
                let request = (verb, group, resource);
                access_when(&lab.plane.admin(), &user, namespace, request, wanted).await?;
            }
        }
    }
    Ok(())
}

/// Binds a role to a user of its own, as a platform team would.
async fn bound(lab: &Lab, role: &str) -> Result<String> {
    let user = format!("only-{role}");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    Api::<k8s_openapi::api::rbac::v1::ClusterRoleBinding>::all(lab.plane.admin())
        .patch(
            &user,
            &PatchParams::apply("sde-e2e"),
            &Patch::Apply(&binding),
        )
        .await?;
    Ok(user)
}

/// Waits until the authorizer says so: it takes up new bindings a moment after they are written.
async fn access_when(
    client: &Client,
    user: &str,
    namespace: Option<&str>,
    request: (&str, &str, &str),
    wanted: bool,
) -> Result<()> {
    let end = tokio::time::Instant::now() + access_leaving::SECONDS;
    while may(client, user, namespace, request).await? != wanted {
        let (verb, group, resource) = request;
        check(
            tokio::time::Instant::now() < end,
            format_args!(
                "{user} {} {verb} {resource}.{group} in {}",
                if wanted { "may not" } else { "may" },
                namespace.unwrap_or("any namespace")
            ),
        )?;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What the API server's authorizer says.
pub(super) async fn may(
    client: &Client,
    user: &str,
    namespace: Option<&str>,
    (verb, group, resource): (&str, &str, &str),
) -> Result<bool> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.to_owned()),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.to_owned()),
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                namespace: namespace.map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::<SubjectAccessReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
