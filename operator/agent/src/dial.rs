//! One attempt to reach one address.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use sde_core::lock::{Outcome, Protocol};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

/// Linux errno of a non-blocking connect that has begun.
const EINPROGRESS: i32 = 115;
/// Linux errno of an address family the kernel does not have.
pub const EAFNOSUPPORT: i32 = 97;

/// Dials, sends `payload` and waits for anything to come back, `limit` in all.
pub async fn dial(
    address: SocketAddr,
    protocol: Protocol,
    payload: &[u8],
    limit: Duration,
) -> Outcome {
    let deadline = Instant::now() + limit;
    match protocol {
        Protocol::TCP => tcp(address, payload, deadline).await,
        Protocol::UDP => udp(address, payload, deadline).await,
    }
}

async fn tcp(address: SocketAddr, payload: &[u8], deadline: Instant) -> Outcome {
    let socket = match connecting(address, Type::STREAM) {
        Ok(socket) => socket,
        Err(error) => return at_once(&error),
    };
    let mut stream = match TcpStream::from_std(socket.into()) {
        Ok(stream) => stream,
        Err(_) => return Outcome::Error,
    };
    match timeout_at(deadline, stream.writable()).await {
        Err(_) => return Outcome::Silent,
        Ok(Err(error)) => return later(&error),
        Ok(Ok(())) => {}
    }
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return later(&error),
    }
    let answered = timeout_at(deadline, async {
        stream.write_all(payload).await?;
        stream.read_u8().await
    })
    .await;
    if matches!(answered, Ok(Ok(_))) {
        Outcome::Answered
    } else {
        Outcome::Connected
    }
}

async fn udp(address: SocketAddr, payload: &[u8], deadline: Instant) -> Outcome {
    // Connected, so that an ICMP port unreachable comes back to this socket as an error.
    let socket = match connecting(address, Type::DGRAM) {
        Ok(socket) => socket,
        Err(error) => return at_once(&error),
    };
    let socket = match UdpSocket::from_std(socket.into()) {
        Ok(socket) => socket,
        Err(_) => return Outcome::Error,
    };
    match timeout_at(deadline, socket.send(payload)).await {
        Err(_) => return Outcome::Error,
        Ok(Err(error)) => return at_once(&error),
        Ok(Ok(_)) => {}
    }
    match timeout_at(deadline, socket.recv(&mut [0; 1])).await {
        Err(_) => Outcome::Silent,
        Ok(Err(error)) => later(&error),
        Ok(Ok(_)) => Outcome::Answered,
    }
}

/// A non-blocking socket whose connect has begun; an error is one of the system call itself.
pub fn connecting(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind.nonblocking(), None)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}

/// What an error inside the connect or send call means: the kernel decided alone, no packet left.
pub fn at_once(error: &io::Error) -> Outcome {
    match error.kind() {
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Outcome::NoRoute,
        _ if error.raw_os_error() == Some(EAFNOSUPPORT) => Outcome::NoRoute,
        // EPERM and EACCES come from a local firewall, an eBPF hook or a `prohibit` route.
        ErrorKind::PermissionDenied | ErrorKind::ConnectionRefused => Outcome::Refused,
        _ => Outcome::Error,
    }
}

/// What an error that arrived afterwards means.
///
/// Unreachable is then either an ICMP error of some router or a neighbour that did not resolve,
/// which cannot be told apart. A packet did leave, so "no route" would claim too much; "refused"
/// would make every cluster without a metadata service inconclusive, as its control cannot connect
/// either. Silent is the weaker claim of the two in `judge`, so it cannot open anything.
fn later(error: &io::Error) -> Outcome {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::PermissionDenied => {
            Outcome::Refused
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::TimedOut => {
            Outcome::Silent
        }
        _ => Outcome::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener as StdListener, UdpSocket as StdUdp};

    const LIMIT: Duration = Duration::from_millis(300);

    async fn outcome(address: SocketAddr, protocol: Protocol) -> Outcome {
        dial(address, protocol, b"hello\n", LIMIT).await
    }

    fn loopback(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[tokio::test]
    async fn a_listener_that_says_nothing_is_connected() {
        let listener = StdListener::bind(loopback(0)).expect("bind");
        let address = listener.local_addr().expect("address");
        assert_eq!(outcome(address, Protocol::TCP).await, Outcome::Connected);
    }

    #[tokio::test]
    async fn a_listener_that_closes_at_once_is_connected_too() {
        let listener = tokio::net::TcpListener::bind(loopback(0))
            .await
            .expect("bind");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
        });
        assert_eq!(outcome(address, Protocol::TCP).await, Outcome::Connected);
    }

    #[tokio::test]
    async fn nobody_listening_is_refused() {
        let free = StdListener::bind(loopback(0))
            .expect("bind")
            .local_addr()
            .expect("address");
        assert_eq!(outcome(free, Protocol::TCP).await, Outcome::Refused);
        let free = StdUdp::bind(loopback(0))
            .expect("bind")
            .local_addr()
            .expect("address");
        assert_eq!(outcome(free, Protocol::UDP).await, Outcome::Refused);
    }

    #[tokio::test]
    async fn a_bound_datagram_socket_that_never_answers_is_silent() {
        let bound = StdUdp::bind(loopback(0)).expect("bind");
        let address = bound.local_addr().expect("address");
        assert_eq!(outcome(address, Protocol::UDP).await, Outcome::Silent);
        let mut got = [0; 16];
        let n = bound.recv(&mut got).expect("the payload did arrive");
        assert_eq!(&got[..n], b"hello\n");
    }

    #[tokio::test]
    async fn a_full_accept_queue_is_silent() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        socket.bind(&loopback(0).into()).expect("bind");
        socket.listen(0).expect("listen");
        let address = socket
            .local_addr()
            .expect("address")
            .as_socket()
            .expect("ip");
        let _fill: Vec<_> = (0..4)
            .map(|_| connecting(address, Type::STREAM).expect("connect"))
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(outcome(address, Protocol::TCP).await, Outcome::Silent);
    }

    #[tokio::test]
    async fn an_empty_datagram_is_an_answer() {
        let bound = UdpSocket::bind(loopback(0)).await.expect("bind");
        let address = bound.local_addr().expect("address");
        tokio::spawn(async move {
            let (_, from) = bound.recv_from(&mut [0; 16]).await.expect("receive");
            bound.send_to(b"", from).await.expect("send");
        });
        assert_eq!(outcome(address, Protocol::UDP).await, Outcome::Answered);
    }

    #[test]
    fn errors_mean_the_same_for_every_protocol() {
        use ErrorKind::*;
        let cases = [
            (NetworkUnreachable, Outcome::NoRoute, Outcome::Silent),
            (HostUnreachable, Outcome::NoRoute, Outcome::Silent),
            (PermissionDenied, Outcome::Refused, Outcome::Refused),
            (ConnectionRefused, Outcome::Refused, Outcome::Refused),
            (TimedOut, Outcome::Error, Outcome::Silent),
            (OutOfMemory, Outcome::Error, Outcome::Error),
            (InvalidInput, Outcome::Error, Outcome::Error),
        ];
        for (kind, inside, after) in cases {
            assert_eq!(at_once(&kind.into()), inside, "{kind:?}");
            assert_eq!(later(&kind.into()), after, "{kind:?}");
        }
        assert_eq!(
            at_once(&io::Error::from_raw_os_error(EAFNOSUPPORT)),
            Outcome::NoRoute
        );
    }
}
