//! What the cluster says of itself. Each fact, or why it cannot be read.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::{Api, Client};
use sde_crds::names::{GROUP, POLICY_NAME};
use sde_crds::{Project, SdePolicy};
use serde::de::DeserializeOwned;

use super::form::{self, FormFacts};
use crate::error::{CliError, explain, is_code};

/// A fact, or why it cannot be read.
pub type Fact<T> = Result<T, String>;

/// What the checks look at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Namespace of the operator.
    pub namespace: String,
    /// Version of the API server, as it says: `v1.34.1`.
    pub version: Fact<String>,
    /// Our CRDs.
    pub crds: Fact<Vec<CustomResourceDefinition>>,
    /// All admission policies.
    pub policies: Fact<Vec<ValidatingAdmissionPolicy>>,
    /// All bindings of admission policies.
    pub bindings: Fact<Vec<ValidatingAdmissionPolicyBinding>>,
    /// In which form the policies refuse.
    pub form: FormFacts,
    /// Deployments of the operator's namespace.
    pub deployments: Fact<Vec<Deployment>>,
    /// Pods of the operator's namespace.
    pub pods: Fact<Vec<Pod>>,
    /// The SdePolicy.
    pub policy: Fact<Option<SdePolicy>>,
    /// All storage classes.
    pub storage: Fact<Vec<StorageClass>>,
    /// All nodes.
    pub nodes: Fact<Vec<Node>>,
    /// All daemon sets.
    pub daemons: Fact<Vec<DaemonSet>>,
    /// All projects, for their proofs; none when the CRD is missing.
    pub projects: Fact<Vec<Project>>,
    /// The API server's Service.
    pub api_service: Fact<Option<Service>>,
    /// Endpoints of the API server.
    pub api_endpoints: Fact<Vec<EndpointSlice>>,
    /// The resolver's Service.
    pub dns_service: Fact<Option<Service>>,
}

async fn list<K>(api: Api<K>) -> Fact<Vec<K>>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    match api.list(&ListParams::default()).await {
        Ok(list) => Ok(list.items),
        Err(error) => Err(explain(&error)),
    }
}

async fn get<K>(api: Api<K>, name: &str) -> Fact<Option<K>>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    api.get_opt(name).await.map_err(|e| explain(&e))
}

/// Reads everything.
///
/// # Errors
/// When the API server cannot be reached at all; what it refuses to tell is a fact.
pub async fn gather(client: &Client, namespace: &str) -> Result<Facts, CliError> {
    let version = match client.apiserver_version().await {
        Ok(info) => Ok(info.git_version),
        Err(error) if matches!(error, kube::Error::Api(_)) => Err(explain(&error)),
        Err(error) => return Err(CliError::api("reaching the API server")(error)),
    };
    let all = || client.clone();
    let endpoints = ListParams::default().labels("kubernetes.io/service-name=kubernetes");
    let endpoint_api: Api<EndpointSlice> = Api::namespaced(all(), "default");
    let project_api: Api<Project> = Api::all(all());
    let no_projects = ListParams::default();
    let (crds, policies, bindings, deployments, pods, policy, storage) = tokio::join!(
        list::<CustomResourceDefinition>(Api::all(all())),
        list::<ValidatingAdmissionPolicy>(Api::all(all())),
        list::<ValidatingAdmissionPolicyBinding>(Api::all(all())),
        list::<Deployment>(Api::namespaced(all(), namespace)),
        list::<Pod>(Api::namespaced(all(), namespace)),
        get::<SdePolicy>(Api::all(all()), POLICY_NAME),
        list::<StorageClass>(Api::all(all())),
    );
    let (nodes, daemons, projects, api_service, api_endpoints, dns_service) = tokio::join!(
        list::<Node>(Api::all(all())),
        list::<DaemonSet>(Api::all(all())),
        project_api.list(&no_projects),
        get::<Service>(Api::namespaced(all(), "default"), "kubernetes"),
        endpoint_api.list(&endpoints),
        get::<Service>(Api::namespaced(all(), "kube-system"), "kube-dns"),
    );
    let form = form::gather(client, namespace).await;
    let projects = match projects {
        Ok(list) => Ok(list.items),
        Err(error) if is_code(&error, 404) => Ok(Vec::new()),
        Err(error) => Err(explain(&error)),
    };
    Ok(Facts {
        namespace: namespace.to_owned(),
        version,
        crds: crds.map(|all| all.into_iter().filter(|c| c.spec.group == GROUP).collect()),
        policies,
        bindings,
        form,
        deployments,
        pods,
        policy,
        storage,
        nodes,
        daemons,
        projects,
        api_service,
        api_endpoints: api_endpoints.map(|l| l.items).map_err(|e| explain(&e)),
        dns_service,
    })
}
