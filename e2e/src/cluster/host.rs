//! Facts about the host that decide how nodes and the daemon are configured.
use std::net::Ipv4Addr;
use std::path::Path;

use super::error::{Error, Result};
use super::paths;

/// Linux capabilities by number (include/uapi/linux/capability.h).
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What differs between hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// The unified cgroup hierarchy is in use.
    pub cgroup_v2: bool,
    /// Processes may raise limits and lower OOM scores.
    pub sys_resource: bool,
}

impl Host {
    /// Looks at this host.
    pub fn look() -> Self {
        Self {
            cgroup_v2: Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
            sys_resource: bounding_set().iter().any(|name| name == "CAP_SYS_RESOURCE"),
        }
    }
}

/// The capabilities that a process started here can have at most, as `CAP_...`.
pub fn bounding_set() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    CAPABILITIES
        .iter()
        .enumerate()
        .filter(|(number, _)| bits & (1 << number) != 0)
        .map(|(_, name)| format!("CAP_{name}"))
        .collect()
}

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u32,
    mask: u32,
}

impl Network {
    fn new(address: Ipv4Addr, prefix: u32) -> Self {
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        Self {
            address: u32::from(address) & mask,
            mask,
        }
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = self.mask & other.mask;
        self.address & mask == other.address & mask
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}/{}",
            Ipv4Addr::from(self.address),
            self.mask.count_ones()
        )
    }
}

/// Ranges for the nodes' network, in order of preference.
const CANDIDATES: [[u8; 4]; 5] = [
    [172, 30, 251, 0],
    [10, 251, 251, 0],
    [192, 168, 251, 0],
    [172, 29, 251, 0],
    [10, 137, 251, 0],
];

/// A /24 for the nodes' network that no route of this host touches.
pub fn free_network() -> Result<Network> {
    let path = Path::new("/proc/net/route");
    choose(&routes(&paths::read(path)?)).ok_or_else(|| {
        Error::host(
            "every range the harness would use for its Docker network is routed by this host already",
            "Create one yourself: docker network create --subnet <free /24> sde-e2e",
        )
    })
}

fn choose(taken: &[Network]) -> Option<Network> {
    CANDIDATES
        .iter()
        .map(|octets| Network::new(Ipv4Addr::from(*octets), 24))
        .find(|candidate| !taken.iter().any(|route| route.overlaps(*candidate)))
}

/// The routes of `/proc/net/route`, without the default one.
fn routes(table: &str) -> Vec<Network> {
    let number = |hex: &str| u32::from_str_radix(hex, 16).ok().map(u32::swap_bytes);
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            let (address, mask) = (number(columns.get(1)?)?, number(columns.get(7)?)?);
            (mask != 0).then_some(Network { address, mask })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nbr0\t00FB1EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n";

    #[test]
    fn a_routed_range_is_not_chosen() {
        let taken = routes(TABLE);
        assert_eq!(taken[0].to_string(), "172.30.251.0/24");
        assert_eq!(taken.len(), 1, "the default route takes nothing");
        let chosen = choose(&taken).map(|network| network.to_string());
        assert_eq!(chosen.as_deref(), Some("10.251.251.0/24"));
    }

    #[test]
    fn a_wider_route_counts_too() {
        let wide = Network::new(Ipv4Addr::new(172, 16, 0, 0), 12);
        let chosen = choose(&[wide]).map(|network| network.to_string());
        assert_eq!(chosen.as_deref(), Some("10.251.251.0/24"));
    }
}
