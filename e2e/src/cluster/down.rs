//! Taking clusters down: everything the harness has started, and nothing else.
use super::docker::{self, Docker};
use super::error::Result;
use super::lock::Lock;
use super::state::State;
use super::{internet, kind, paths, progress};

/// Deletes one cluster and, after the last one, the network and the daemon of our own.
pub fn one(name: &str) -> Result<()> {
    let _lock = Lock::take("clusters")?;
    match State::read(name)? {
        Some(state) => delete(&state)?,
        None => progress::note(&format!("there is no cluster `{name}` of the harness")),
    }
    last_one_out()
}

/// Deletes all clusters of the harness.
pub fn all() -> Result<()> {
    let _lock = Lock::take("clusters")?;
    for name in State::names()? {
        match State::read(&name)? {
            Some(state) => delete(&state)?,
            None => State::forget(&name)?,
        }
    }
    last_one_out()
}

/// Deletes all clusters, and the caches: the next `up` builds everything again.
pub fn purge() -> Result<()> {
    if let Some(docker) = Docker::running()? {
        all()?;
        if docker.own_address().is_none() {
            let images = docker
                .run()
                .args(["images", "--quiet", "sde-e2e/node"])
                .cleanup()
                .text()?;
            if !images.is_empty() {
                docker
                    .run()
                    .args(["rmi", "--force"])
                    .args(images.lines())
                    .cleanup()
                    .output()?;
            }
        }
    } else {
        all()?;
    }
    let cache = paths::cache()?;
    progress::step(&format!("removing {}", cache.display()), || {
        paths::remove_dir(&cache)
    })
}

/// Deletes a cluster's containers and forgets it.
pub fn delete(state: &State) -> Result<()> {
    let name = &state.options.name;
    Docker::recovered()?;
    if let Some(docker) = state.docker.as_ref().filter(|docker| docker.answers()) {
        progress::step(&format!("deleting the cluster `{name}`"), || {
            docker
                .run()
                .args(["rm", "--force", &internet::container(name)])
                .cleanup()
                .finish()?;
            kind::delete(docker, name, &state.kubeconfig)
        })?;
    }
    State::forget(name)
}

/// Once no cluster is left: the network and our own daemon go.
pub fn last_one_out() -> Result<()> {
    for name in State::names()? {
        if State::read(&name)?.is_some_and(|state| state.docker.is_some()) {
            return Ok(());
        }
    }
    if let Some(docker) = Docker::recovered()? {
        docker.remove_network()?;
    }
    docker::stop_own()
}
