//! Positive controls: the same dials as the probe's, from a place where they are allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sde_core::lock::{MAX_LINE, Protocol, Target, parse_answer_line, payload, probe_line};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UdpSocket};

use super::DIAL_TIMEOUT;

/// Name of the target in control nonces.
const CONTROL: &str = "control";

/// The boot id that the sentinel answers over TCP.
pub async fn sentinel_tcp(address: SocketAddr, token: &str) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream
            .write_all(probe_line(token, CONTROL).as_bytes())
            .await
            .ok()?;
        let mut line = Vec::new();
        BufReader::new(stream)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut line)
            .await
            .ok()?;
        parse_answer_line(&line).map(str::to_owned)
    };
    tokio::time::timeout(DIAL_TIMEOUT, exchange)
        .await
        .ok()
        .flatten()
}

/// The boot id that the sentinel answers over UDP. Tried more than once, since datagrams get lost.
pub async fn sentinel_udp(address: SocketAddr, token: &str) -> Option<String> {
    let answer = udp_exchange(address, probe_line(token, CONTROL).as_bytes()).await?;
    parse_answer_line(&answer).map(str::to_owned)
}

/// Whether a target connects (TCP) or answers (UDP).
pub async fn reaches(token: &str, target: &Target) -> bool {
    let Ok(address) = target.socket_addr() else {
        return false;
    };
    match target.protocol {
        Protocol::TCP => matches!(
            tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect(address)).await,
            Ok(Ok(_))
        ),
        Protocol::UDP => udp_exchange(address, &payload(token, target))
            .await
            .is_some(),
    }
}

async fn udp_exchange(address: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    const ATTEMPTS: u32 = 3;
    let any = match address {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    // Connected, so that only the target's own answers are taken.
    socket.connect(address).await.ok()?;
    let mut buffer = vec![0; 2048];
    for _ in 0..ATTEMPTS {
        socket.send(message).await.ok()?;
        match tokio::time::timeout(DIAL_TIMEOUT / ATTEMPTS, socket.recv(&mut buffer)).await {
            Ok(Ok(length)) => {
                buffer.truncate(length);
                return Some(buffer);
            }
            Ok(Err(_)) => return None,
            Err(_) => {}
        }
    }
    None
}
