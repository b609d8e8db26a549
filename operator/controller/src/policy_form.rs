//! Finds out in which form the admission policies are in force: asks every API server that is known, one by one and each over
//! a new connection, for what a policy must refuse. Nothing is written: all of it is dry runs, within the rights that the
//! controller has for its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use sde_core::policy_form::demand::FRESH_SECONDS;
use sde_core::policy_form::{
    Answer, Asker, Attempt, Demand, Finding, Request, Round, Server, attempts, find,
};
use sde_core::settings::Endpoint;
use sde_core::time;
use sde_crds::project_status::FoundForm;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::apply::ApplyError;
use crate::client::Connector;
use crate::cluster;
use crate::context::Context;

/// How long one answer may take: a decision waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Says that what was found may not be so any more.
#[derive(Debug, Clone, Default)]
pub struct Doubt(Arc<AtomicBool>);

impl Doubt {
    /// Has it asked anew at the next decision.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn settle(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// What was found last. One round serves all Projects.
pub struct PolicyForm {
    connector: Connector,
    doubt: Doubt,
    last: Mutex<Option<Round>>,
}

impl PolicyForm {
    /// Nothing is known yet.
    pub fn new(connector: Connector, doubt: Doubt) -> Self {
        Self {
            connector,
            doubt,
            last: Mutex::new(None),
        }
    }

    /// What was found no longer ago than the tier allows, or than opening a Workspace does; else asked now. Who comes meanwhile waits
    /// for the same answer.
    pub async fn known(&self, ctx: &Context, demand: &Demand<'_>, opens: bool) -> Round {
        let mut last = self.last.lock().await;
        let now = ctx.clock.now();
        let enough = |round: &Round| {
            let longest = demand.max_age(round);
            let longest = if opens {
                longest.min(FRESH_SECONDS)
            } else {
                longest
            };
            time::elapsed(&Time(round.at), now) < longest
        };
        let doubted = self.doubt.settle();
        if let Some(round) = last.as_ref().filter(|round| !doubted && enough(round)) {
            return round.clone();
        }
        let mut round = Round {
            at: now,
            servers: self.ask_all(ctx).await,
            failures: 0,
        };
        let form = round.form();
        if form != Ok(FoundForm::Static) {
            round.failures = last.as_ref().map_or(0, |r| r.failures).saturating_add(1);
        }
        let before = last.as_ref().map(|r| r.form().ok());
        ctx.metrics.policy_form(form.as_ref().ok().copied());
        if before != Some(form.clone().ok()) {
            tracing::info!(form = ?form, servers = round.servers.len(), "admission policies");
        }
        if before.is_some_and(|before| before != form.ok()) {
            ctx.queues.add_all(&ctx.stores);
        }
        *last = Some(round.clone());
        round
    }

    async fn ask_all(&self, ctx: &Context) -> Vec<Server> {
        let attempts = attempts(&ctx.config.namespace, Asker::Controller);
        let listed = cluster::listed_api_servers(ctx).await;
        let each = listed.iter().flatten().map(Some);
        let asked = std::iter::once(None).chain(each);
        let mut servers = join_all(asked.map(|endpoint| self.ask_one(endpoint, &attempts))).await;
        if let Err(error) = listed {
            servers.push(unknown(
                "the list of API servers".to_owned(),
                &attempts,
                &error.to_string(),
            ));
        }
        servers
    }

    async fn ask_one(&self, endpoint: Option<&Endpoint>, attempts: &[Attempt]) -> Server {
        let address = self.connector.address(endpoint);
        let client = match self.connector.client(endpoint, TIMEOUT) {
            Ok(client) => client,
            Err(error) => return unknown(address, attempts, &error.to_string()),
        };
        let mut findings = Vec::with_capacity(attempts.len());
        for attempt in attempts {
            let control = send(&client, &attempt.control).await;
            // Who does not answer is not waited for again and again.
            if let Answer::None(why) = &control {
                return unknown(address, attempts, why);
            }
            let refused = send(&client, &attempt.refused).await;
            findings.push((attempt.policy.clone(), find(attempt, &refused, &control)));
        }
        Server { address, findings }
    }
}

fn unknown(address: String, attempts: &[Attempt], why: &str) -> Server {
    let findings = attempts
        .iter()
        .map(|a| (a.policy.clone(), Finding::Unknown(why.to_owned())));
    Server {
        address,
        findings: findings.collect(),
    }
}

async fn send(client: &Client, request: &Request) -> Answer {
    let built = match request.http() {
        Ok(built) => built,
        Err(error) => return Answer::None(error.to_string()),
    };
    // The client bounds the wait for an answer to begin; an answer is one small object.
    match tokio::time::timeout(2 * TIMEOUT, client.request::<Value>(built)).await {
        Ok(Ok(_)) => Answer::Accepted,
        Ok(Err(kube::Error::Api(status)))
            if let Some(refusal) = Answer::refusal(status.code, &status.message) =>
        {
            refusal
        }
        Ok(Err(error)) => Answer::None(ApplyError::from(error).to_string()),
        Err(_) => Answer::None(ApplyError::Timeout.to_string()),
    }
}
