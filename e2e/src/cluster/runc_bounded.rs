//! An OCI runtime in front of runc for an old Docker daemon on a host with a smaller or newer capability set:
//! "privileged" becomes what this host can give, no more (a host without SYS_RESOURCE refuses) and no less
//! (the daemon does not know BPF, PERFMON and CHECKPOINT_RESTORE, which Cilium needs).
//!
//! The harness's own binary is copied under the name [`NAME`]; the real runc's path lies beside it.
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::error::{Error, Result};
use super::{host, paths};

/// The file name by which the binary knows that it is to be a runtime.
pub const NAME: &str = "runc-bounded";

/// The file beside it that says where the real runc is.
const PATH_FILE: &str = "runc-bounded.path";

/// Capabilities that old daemons do not know.
const NEWER: [&str; 3] = ["CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"];

/// Installs the runtime in `dir` and returns its path.
pub fn install(dir: &Path, runc: &Path) -> Result<PathBuf> {
    let own =
        std::env::current_exe().map_err(Error::io("cannot find", Path::new("/proc/self/exe")))?;
    let place = dir.join(NAME);
    paths::remove_file(&place)?;
    std::fs::copy(&own, &place).map_err(Error::io("cannot copy to", &place))?;
    paths::write(&dir.join(PATH_FILE), runc.as_os_str().as_encoded_bytes())?;
    Ok(place)
}

/// Removes what [`install`] has put there.
pub fn remove(dir: &Path) -> Result<()> {
    paths::remove_file(&dir.join(NAME))?;
    paths::remove_file(&dir.join(PATH_FILE))
}

/// Becomes runc, with the container's specification adjusted; returns only the reason why that failed.
pub fn become_runc(args: &[OsString]) -> Error {
    match prepare(args) {
        Ok(runc) => Error::Start {
            source: Command::new(&runc).args(args).exec(),
            program: runc.display().to_string(),
            hint: "Run `cargo e2e down --all` and `cargo e2e up` again.".to_owned(),
        },
        Err(error) => error,
    }
}

fn prepare(args: &[OsString]) -> Result<PathBuf> {
    let own =
        std::env::current_exe().map_err(Error::io("cannot find", Path::new("/proc/self/exe")))?;
    let runc = paths::read(&own.with_file_name(PATH_FILE))?;
    if let Some((file, whole)) = specification(args) {
        let text = paths::read(&file)?;
        let mut spec: Value =
            serde_json::from_str(&text).map_err(|e| Error::malformed(&file, e))?;
        let process = if whole {
            &mut spec["process"]
        } else {
            &mut spec
        };
        adjust(process, &host::bounding_set());
        std::fs::write(&file, spec.to_string()).map_err(Error::io("cannot write", &file))?;
    }
    Ok(PathBuf::from(runc.trim()))
}

/// The file that describes the process to start, and whether it is a whole bundle's.
fn specification(args: &[OsString]) -> Option<(PathBuf, bool)> {
    let starts = ["create", "run", "exec"];
    if !args.iter().any(|arg| starts.iter().any(|s| arg == s)) {
        return None;
    }
    args.windows(2).find_map(|pair| {
        let value = Path::new(&pair[1]);
        match pair[0].to_str()? {
            "--bundle" | "-b" => Some((value.join("config.json"), true)),
            "--process" | "-p" => Some((value.to_path_buf(), false)),
            _ => None,
        }
    })
}

fn adjust(process: &mut Value, bounding: &[String]) {
    let available = |name: &str| bounding.iter().any(|b| b == name);
    if let Some(sets) = process
        .get_mut("capabilities")
        .and_then(Value::as_object_mut)
    {
        for set in sets.values_mut().filter_map(Value::as_array_mut) {
            let privileged = set.iter().any(|name| name == "CAP_SYS_ADMIN");
            set.retain(|name| name.as_str().is_some_and(available));
            if privileged {
                for name in NEWER.into_iter().filter(|name| available(name)) {
                    if !set.iter().any(|present| present == name) {
                        set.push(Value::from(name));
                    }
                }
            }
        }
    }
    if !available("CAP_SYS_RESOURCE")
        && let Some(process) = process.as_object_mut()
    {
        process.remove("rlimits");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn privileged_becomes_what_the_host_has() {
        let bounding = ["CAP_SYS_ADMIN", "CAP_BPF", "CAP_CHOWN"].map(str::to_owned);
        let mut process = json!({
            "capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"], "effective": ["CAP_CHOWN"]},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1, "soft": 1}],
        });
        adjust(&mut process, &bounding);
        assert_eq!(
            process,
            json!({"capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_BPF"], "effective": ["CAP_CHOWN"]}})
        );
    }

    #[test]
    fn only_starting_commands_have_a_specification() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let create = args(&["--root", "/r", "create", "--bundle", "/b", "id"]);
        assert_eq!(
            specification(&create),
            Some((PathBuf::from("/b/config.json"), true))
        );
        let exec = args(&["exec", "--process", "/p", "id"]);
        assert_eq!(specification(&exec), Some((PathBuf::from("/p"), false)));
        assert_eq!(specification(&args(&["kill", "id"])), None);
    }
}
