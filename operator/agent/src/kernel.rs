//! What the kernel must refuse a workspace: ping sockets and raw sockets; and real echoes for the
//! standing probe pod, whose ping range allows them.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sde_core::lock::{Outcome, SocketResult};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dial::{EAFNOSUPPORT, at_once};

/// `ETH_P_ALL` (linux/if_ether.h), in network byte order as packet(7) wants it.
const ETH_P_ALL: i32 = 0x0003u16.to_be() as i32;

/// Whether raw IPv4, raw IPv6 and packet sockets are all refused.
pub fn raw_sockets() -> SocketResult {
    worst([
        refused(Domain::IPV4, Type::RAW, Protocol::ICMPV4),
        refused(Domain::IPV6, Type::RAW, Protocol::ICMPV6),
        refused(Domain::PACKET, Type::RAW, Protocol::from(ETH_P_ALL)),
    ])
}

/// Whether ICMP datagram sockets are refused in both families.
pub fn ping_sockets() -> SocketResult {
    worst([
        refused(Domain::IPV4, Type::DGRAM, Protocol::ICMPV4),
        refused(Domain::IPV6, Type::DGRAM, Protocol::ICMPV6),
    ])
}

/// Sends an echo to each address, all at once, and waits `limit` for a reply.
///
/// An address without a route counts for nothing; when no echo could be sent at all the answer is
/// [`SocketResult::Error`]. So it is when the kernel refuses ping sockets: this pod was made to have
/// them.
pub async fn echoes(addresses: &BTreeSet<IpAddr>, limit: Duration) -> SocketResult {
    let mut tasks = JoinSet::new();
    for address in addresses.iter().copied() {
        tasks.spawn(echo(address, limit));
    }
    let mut result = None;
    while let Some(joined) = tasks.join_next().await {
        let one = joined.unwrap_or(Some(SocketResult::Error));
        result = [result, one]
            .into_iter()
            .flatten()
            .max_by_key(|r| badness(*r));
    }
    result.unwrap_or(SocketResult::Error)
}

/// None when the address has no route.
async fn echo(address: IpAddr, limit: Duration) -> Option<SocketResult> {
    let (domain, protocol, kind) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, 8),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, 128),
    };
    let begun = Socket::new(domain, Type::DGRAM.nonblocking(), Some(protocol)).and_then(|socket| {
        socket.connect(&SocketAddr::new(address, 0).into())?;
        Ok(socket)
    });
    let socket = match begun {
        Ok(socket) => socket,
        Err(error) if at_once(&error) == Outcome::NoRoute => return None,
        Err(_) => return Some(SocketResult::Error),
    };
    let Ok(socket) = UdpSocket::from_std(socket.into()) else {
        return Some(SocketResult::Error);
    };
    // Type, code 0; the kernel fills in checksum and identifier. RFC 792, RFC 4443 §4.1.
    let request = [kind, 0, 0, 0, 0, 0, 0, 1, b's', b'd', b'e', 0];
    match socket.send(&request).await {
        Ok(_) => {}
        Err(error) if at_once(&error) == Outcome::NoRoute => return None,
        // A local firewall that denies the echo with EPERM has done its duty.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Some(SocketResult::Silent);
        }
        Err(_) => return Some(SocketResult::Error),
    }
    match timeout(limit, socket.recv(&mut [0; 64])).await {
        Ok(Ok(_)) => Some(SocketResult::Open),
        Ok(Err(_)) | Err(_) => Some(SocketResult::Silent),
    }
}

/// None when the kernel has no such family, which refuses more than asked.
fn refused(domain: Domain, kind: Type, protocol: Protocol) -> Option<SocketResult> {
    classify(Socket::new(domain, kind, Some(protocol)).map(drop))
}

fn classify(made: io::Result<()>) -> Option<SocketResult> {
    match made {
        Ok(()) => Some(SocketResult::Open),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Some(SocketResult::Refused),
        Err(error) if error.raw_os_error() == Some(EAFNOSUPPORT) => None,
        Err(_) => Some(SocketResult::Error),
    }
}

fn worst<const N: usize>(results: [Option<SocketResult>; N]) -> SocketResult {
    results
        .into_iter()
        .flatten()
        .max_by_key(|r| badness(*r))
        .unwrap_or(SocketResult::Error)
}

fn badness(result: SocketResult) -> u8 {
    match result {
        SocketResult::Refused => 0,
        SocketResult::Silent => 1,
        SocketResult::Error => 2,
        SocketResult::Open => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_permission_error_is_a_refusal() {
        let errno = |code| classify(Err(io::Error::from_raw_os_error(code)));
        assert_eq!(errno(1), Some(SocketResult::Refused)); // EPERM
        assert_eq!(errno(13), Some(SocketResult::Refused)); // EACCES
        assert_eq!(errno(97), None); // EAFNOSUPPORT
        assert_eq!(errno(24), Some(SocketResult::Error)); // EMFILE
        assert_eq!(errno(93), Some(SocketResult::Error)); // EPROTONOSUPPORT
        assert_eq!(classify(Ok(())), Some(SocketResult::Open));
    }

    #[test]
    fn the_worst_family_counts() {
        use SocketResult::*;
        assert_eq!(worst([Some(Refused), Some(Open), Some(Error)]), Open);
        assert_eq!(worst([Some(Refused), Some(Error)]), Error);
        assert_eq!(worst([Some(Refused), None]), Refused);
        assert_eq!(worst([None, None]), Error);
    }

    #[tokio::test]
    async fn no_address_proves_nothing() {
        let none = BTreeSet::new();
        assert_eq!(
            echoes(&none, Duration::from_millis(10)).await,
            SocketResult::Error
        );
    }
}
