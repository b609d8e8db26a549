//! A person leaves a project: what they lose, how soon, and what the others keep.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use sde_core::labels::home_claim;
use sde_crds::names::{
    HUB_IMPERSONATION, RESEARCHER_CLUSTER_ROLE, WORKSPACE_LABEL, project_namespace,
};
use sde_crds::{Project, Workspace};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::error::{Result, SuiteError, check, check_equal};
use super::lab::Lab;
use super::life::{Life, RESEARCHER, person};
use super::waiting::condition_when;

/// How soon what was granted must be gone.
pub(super) const SECONDS: Duration = Duration::from_secs(10);
const LEAVER: &str = "colleague";
const PROJECT: &str = "leaving";

struct Watcher<'a> {
    lab: &'a Lab,
    namespace: String,
}

pub(super) async fn leaves(lab: &Lab) -> Result<()> {
    let both = |trained| {
        json!([
            person(RESEARCHER, &["Lead", "Researcher"], 300),
            person(LEAVER, &["Researcher"], trained),
        ])
    };
    let life = Life::new(lab, PROJECT).changed("/people", both(300))?;
    life.open().await?;
    life.open_workspace(LEAVER).await?;
    let watcher = Watcher {
        lab,
        namespace: project_namespace(PROJECT),
    };
    let stays = watcher.pods(RESEARCHER).await?;
    let home = watcher.home().await?;
    check_equal("bound before", &watcher.bound().await?, &true)?;

    let alone = json!([person(RESEARCHER, &["Lead", "Researcher"], 300)]);
    watcher.goes("removed", &alone).await?;
    check_equal("the other's pods", &watcher.pods(RESEARCHER).await?, &stays)?;
    watcher.list(RESEARCHER, true).await?;
    check_equal("the home volume's claim", &watcher.home().await?, &home)?;

    // The same people as were approved: no new approval is needed, and what was lost comes back.
    watcher.put(&both(300)).await?;
    life.runs(LEAVER).await?;
    watcher.list(LEAVER, true).await?;
    watcher.goes("training expired", &both(-1)).await?;
    check_equal("the other's pods", &watcher.pods(RESEARCHER).await?, &stays)?;
    check_equal("the home volume's claim", &watcher.home().await?, &home)
}

impl Watcher<'_> {
    /// The custodian changes the people.
    async fn put(&self, people: &Value) -> Result<()> {
        let patch = json!({"spec": {"people": people}});
        Api::<Project>::all(self.lab.person("custodian-a"))
            .patch(PROJECT, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        Ok(())
    }

    /// Changes the people and measures how soon the leaver has lost everything.
    async fn goes(&self, how: &str, people: &Value) -> Result<()> {
        self.put(people).await?;
        let began = Instant::now();
        let unbound = self.until(began, "unbound", async || Ok(!self.bound().await?));
        let refused = self.until(began, "refused", async || {
            Ok(!self.may_list(LEAVER).await? && !self.may_list_directly().await?)
        });
        let unlisted = self.until(began, "nobody to act for", async || {
            Ok(!self.acted_for().await?)
        });
        let stopped = self.until(began, "stopped", async || {
            Ok(self.pods(LEAVER).await?.is_empty())
        });
        let (unbound, refused, unlisted, stopped) =
            tokio::try_join!(unbound, refused, unlisted, stopped)?;
        println!(
            "    {how}: unbound after {unbound} ms, API refused {refused} ms, hub may not act {unlisted} ms, Workspace gone {stopped} ms"
        );
        let all: Api<Workspace> = Api::namespaced(self.lab.plane.admin(), &self.namespace);
        let message = condition_when(&all, LEAVER, "Ready", "False", "PersonNotApproved").await?;
        check(
            message.contains(LEAVER) && message.contains("custodian"),
            format_args!("the condition does not say who can mend it: {message}"),
        )
    }

    async fn until(
        &self,
        began: Instant,
        what: &str,
        holds: impl AsyncFn() -> Result<bool>,
    ) -> Result<u128> {
        while !holds().await? {
            if began.elapsed() > SECONDS {
                return Err(SuiteError::TimedOut {
                    what: format!("{LEAVER} is not {what}"),
                    limit: SECONDS,
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(began.elapsed().as_millis())
    }

    async fn bound(&self) -> Result<bool> {
        let bindings: Api<RoleBinding> = Api::namespaced(self.lab.plane.admin(), &self.namespace);
        let binding = bindings.get(RESEARCHER_CLUSTER_ROLE).await?;
        Ok(binding
            .subjects
            .iter()
            .flatten()
            .any(|subject| subject.name == LEAVER))
    }

    async fn acted_for(&self) -> Result<bool> {
        let roles: Api<ClusterRole> = Api::all(self.lab.plane.admin());
        let role = roles.get(HUB_IMPERSONATION).await?;
        let rules = role.rules.unwrap_or_default();
        Ok(rules
            .iter()
            .flat_map(|rule| rule.resource_names.iter().flatten())
            .any(|name| name == LEAVER))
    }

    /// Whether the hub, acting for a person, sees the Workspaces.
    async fn may_list(&self, user: &str) -> Result<bool> {
        self.lists(Api::namespaced(self.lab.hub_for(user)?, &self.namespace))
            .await
    }

    /// Whether the leaver does, with a token of their own.
    async fn may_list_directly(&self) -> Result<bool> {
        self.lists(Api::namespaced(self.lab.person(LEAVER), &self.namespace))
            .await
    }

    async fn lists(&self, workspaces: Api<Workspace>) -> Result<bool> {
        match workspaces.list(&ListParams::default()).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn list(&self, user: &str, wanted: bool) -> Result<()> {
        check_equal(
            &format!("the hub lists Workspaces for {user}"),
            &self.may_list(user).await?,
            &wanted,
        )
    }

    /// UIDs of a person's pods.
    async fn pods(&self, user: &str) -> Result<Vec<Option<String>>> {
        let pods: Api<Pod> = Api::namespaced(self.lab.plane.admin(), &self.namespace);
        let of = ListParams::default().labels(&format!("{WORKSPACE_LABEL}={user}"));
        let found = pods.list(&of).await?;
        Ok(found.iter().map(|pod| pod.uid()).collect())
    }

    /// UID of the leaver's home claim, which is kept and which nobody else gets.
    async fn home(&self) -> Result<Option<String>> {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(self.lab.plane.admin(), &self.namespace);
        let claim = claims.get(&home_claim(LEAVER)).await?;
        check(
            claim.metadata.deletion_timestamp.is_none(),
            "the home volume's claim is going",
        )?;
        Ok(claim.uid())
    }
}
