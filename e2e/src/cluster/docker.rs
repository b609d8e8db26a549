//! Docker as the harness uses it: the user's when it answers, else a daemon of our own.
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::command::{self, Run};
use super::error::{Error, Result};
use super::process::Started;
use super::tools::{self, Tool};
use super::{cgroup, host, lock::Lock, mounts, packages, paths, progress, runc_bounded};

/// The Docker network of the nodes; made and removed by the harness alone.
pub const NETWORK: &str = "sde-e2e";

/// What dockerd and containerd make beside their own directories (plugin and shim sockets).
const RUN_DIRS: [&str; 2] = ["/run/docker", "/run/containerd"];

/// A Docker daemon to talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Docker {
    /// The harness's own daemon's address; none for the user's.
    own: Option<String>,
}

/// What is remembered of a daemon of our own.
#[derive(Debug, Serialize, Deserialize)]
struct Daemon {
    process: Started,
    address: String,
    run_dir: PathBuf,
    cgroups_before: Vec<PathBuf>,
    /// Directories under /run that the daemon makes whatever it is told, and that were not there.
    run_dirs_made: Vec<PathBuf>,
}

impl Docker {
    /// The user's daemon where one answers, else ours, started when it does not run.
    pub fn ensure() -> Result<Self> {
        match Self::running()? {
            Some(docker) => Ok(docker),
            None => start(),
        }
    }

    /// The daemon that would be used, if one runs. One of our own that died is started again: what it left, only it can remove.
    pub fn recovered() -> Result<Option<Self>> {
        match read_daemon()? {
            Some(daemon) if !daemon.process.alive() => start().map(Some),
            _ => Self::running(),
        }
    }

    /// The daemon that would be used, if it runs already.
    pub fn running() -> Result<Option<Self>> {
        if let Some(daemon) = read_daemon()?
            && daemon.process.alive()
        {
            let own = Self {
                own: Some(daemon.address),
            };
            if own.answers() {
                return Ok(Some(own));
            }
        }
        let users = Self { own: None };
        Ok(users.answers().then_some(users))
    }

    /// True when the daemon answers.
    pub fn answers(&self) -> bool {
        let info = self.run().args(["info", "--format", "{{.ServerVersion}}"]);
        info.cleanup().succeeds().unwrap_or(false)
    }

    /// A `docker` command.
    pub fn run(&self) -> Run {
        Run::new("docker")
            .envs(self.environment())
            .hint("Install Docker, or run as root on Debian, where the harness installs docker.io itself.")
    }

    /// What kind and docker need in their environment to reach this daemon and our network.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut pairs = vec![("KIND_EXPERIMENTAL_DOCKER_NETWORK".into(), NETWORK.into())];
        if let Some(address) = &self.own {
            pairs.push(("DOCKER_HOST".into(), address.into()));
        }
        pairs
    }

    /// The address of a daemon of our own; none when it is the user's.
    pub fn own_address(&self) -> Option<&str> {
        self.own.as_deref()
    }

    /// Makes sure the nodes' network is there, in a range that this host does not route elsewhere.
    pub fn ensure_network(&self) -> Result<()> {
        let exists = self.run().args(["network", "inspect", NETWORK]);
        if exists.succeeds()? {
            return Ok(());
        }
        let range = host::free_network()?.to_string();
        let masquerade = "com.docker.network.bridge.enable_ip_masquerade=true";
        self.run()
            .args([
                "network", "create", "--driver", "bridge", "--subnet", &range, "--opt", masquerade,
                NETWORK,
            ])
            .what("creating the nodes' network")
            .output()
            .map(drop)
    }

    /// Removes the nodes' network when nothing is attached to it.
    pub fn remove_network(&self) -> Result<()> {
        let exists = self.run().args(["network", "inspect", NETWORK]).cleanup();
        if exists.succeeds()? {
            self.run()
                .args(["network", "rm", NETWORK])
                .cleanup()
                .output()?;
        }
        Ok(())
    }

    /// True when the daemon has an image of that name.
    pub fn has_image(&self, reference: &str) -> Result<bool> {
        self.run().args(["image", "inspect", reference]).succeeds()
    }
}

/// Ends the daemon of our own, if there is one, and removes what it leaves behind but its image store.
pub fn stop_own() -> Result<()> {
    let Some(daemon) = read_daemon()? else {
        return Ok(());
    };
    daemon.process.end(Duration::from_secs(30))?;
    cgroup::remove_new(&daemon.cgroups_before)?;
    mounts::release(&daemon.run_dir)?;
    mounts::release(&data_root()?)?;
    paths::remove_dir(&daemon.run_dir)?;
    for dir in &daemon.run_dirs_made {
        paths::remove_empty_dirs(dir);
    }
    runc_bounded::remove(&paths::state_dir()?)?;
    paths::remove_file(&daemon_file()?)
}

fn data_root() -> Result<PathBuf> {
    Ok(paths::cache()?.join("docker"))
}

fn daemon_file() -> Result<PathBuf> {
    Ok(paths::state_dir()?.join("docker.json"))
}

fn read_daemon() -> Result<Option<Daemon>> {
    let file = daemon_file()?;
    if !file.exists() {
        return Ok(None);
    }
    let text = paths::read(&file)?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|e| Error::malformed(&file, e))
}

fn start() -> Result<Docker> {
    let _lock = Lock::take("docker")?;
    if let Some(docker) = Docker::running()? {
        return Ok(docker);
    }
    if !packages::is_root() || !packages::is_debian() {
        return Err(Error::host(
            "no Docker daemon answers",
            "Start Docker (or set DOCKER_HOST), or run as root on Debian, where the harness runs a daemon of its own.",
        ));
    }
    packages::ensure(&[
        packages::file("/usr/sbin/dockerd", "docker.io"),
        packages::file("/usr/sbin/iptables", "iptables"),
    ])?;
    let runc = tools::path(Tool::Runc)?;
    progress::step("starting a Docker daemon of our own", || {
        let docker = launch(&runc)?;
        clear(&docker)?;
        Ok(docker)
    })
}

/// Removes the containers of a daemon of our own that died, or whose machine did: it is stopped when none is left, so that those
/// that a new one finds are of clusters that ended with it.
fn clear(docker: &Docker) -> Result<()> {
    let left = docker.run().args(["ps", "--all", "--quiet"]).text()?;
    let left: Vec<_> = left.lines().collect();
    if left.is_empty() {
        return Ok(());
    }
    progress::note(&format!(
        "the daemon before it was not stopped: removing the {} containers that it left",
        left.len()
    ));
    docker
        .run()
        .args(["rm", "--force", "--volumes"])
        .args(left)
        .output()
        .map(drop)
}

fn absent(dirs: &[&str]) -> Vec<PathBuf> {
    dirs.iter()
        .map(PathBuf::from)
        .filter(|dir| !dir.exists())
        .collect()
}

fn launch(runc: &Path) -> Result<Docker> {
    let state = paths::state_dir()?;
    let cache = paths::cache()?;
    // Socket paths end at 108 bytes, so they do not lie in the cache, whose path is the user's choice.
    let name = hex::encode(&Sha256::digest(cache.as_os_str().as_encoded_bytes())[..4]);
    let run_dir = PathBuf::from(format!("/run/sde-e2e-{name}"));
    paths::create_dir(&run_dir)?;
    let pid_files =
        ["dockerd.pid", "exec/containerd/containerd.pid"].map(|name| run_dir.join(name));
    for left in &pid_files {
        // Numbers are used again: another process would be taken for the daemon that died.
        paths::remove_file(left)?;
    }
    let runtime = runc_bounded::install(&state, runc)?;
    let address = format!("unix://{}/docker.sock", run_dir.display());
    let log = state.join("dockerd.log");
    let flags = [
        format!("--data-root={}", data_root()?.display()),
        format!("--exec-root={}", run_dir.join("exec").display()),
        format!("--pidfile={}", pid_files[0].display()),
        format!("--host={address}"),
        "--iptables=false".to_owned(),
        "--ip6tables=false".to_owned(),
        "--bridge=none".to_owned(),
        format!("--add-runtime=bounded={}", runtime.display()),
        "--default-runtime=bounded".to_owned(),
    ];
    let (cgroups_before, run_dirs_made) = match read_daemon()? {
        Some(died) => (died.cgroups_before, died.run_dirs_made),
        None => (cgroup::docker_groups(), absent(&RUN_DIRS)),
    };
    let process = Started::spawn(Path::new("/usr/sbin/dockerd"), &flags, &log)?;
    let daemon = Daemon {
        process,
        address: address.clone(),
        run_dir,
        cgroups_before,
        run_dirs_made,
    };
    let text = serde_json::to_vec_pretty(&daemon).map_err(|e| Error::malformed(&state, e))?;
    paths::write(&daemon_file()?, text)?;
    let docker = Docker { own: Some(address) };
    let start = Instant::now();
    while !docker.answers() {
        if !process.alive() || start.elapsed() > Duration::from_secs(60) {
            stop_own()?;
            return Err(Error::host(
                "dockerd did not start",
                format!("Read {}.", log.display()),
            ));
        }
        command::pause(Duration::from_millis(100))?;
    }
    Ok(docker)
}
